"""The reference of `forward`: a thread that receives, looks up, and sends, and does nothing else.

No ICE, no SRTP, no header, no history, no second viewer: what the system itself asks for at this load, Python's own
share of about a microsecond a packet included. `python -m benchmarks.relay`, then commands (`benchmarks.lines`).
"""

import json
import os
import socket
import sys
import threading

from benchmarks.lines import say

_KERNEL_BUFFER = 4 << 20


class _Relay:
    """Carries datagrams between partners."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.partners: dict[tuple[str, int], tuple[str, int]] = {}
        self.forwarded = 0

    def run(self) -> None:
        buffer = bytearray(2_048)
        view = memoryview(buffer)
        receive, send, partners = self._socket.recvfrom_into, self._socket.sendto, self.partners
        while True:
            size, remote = receive(buffer)
            partner = partners.get(remote)
            if partner is not None:
                send(view[:size], partner)
                self.forwarded += 1


def main() -> None:
    relay = _Relay()
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    say({"port": relay.port, "pid": os.getpid(), "thread": thread.native_id})
    for line in sys.stdin:
        command = json.loads(line)
        match command["do"]:
            case "partners":
                ports = command["ports"]
                relay.partners.clear()
                for one, other in zip(ports[::2], ports[1::2], strict=True):
                    relay.partners["127.0.0.1", one] = ("127.0.0.1", other)
                    relay.partners["127.0.0.1", other] = ("127.0.0.1", one)
                say({})
            case "snapshot":
                say({"forwarded": relay.forwarded})
            case unknown:
                raise ValueError(f"no such command: {unknown}")


if __name__ == "__main__":
    main()
