"""What the doctor needs to know of the host: facts, gathered once, and nothing judged."""

import ctypes
import os
import resource
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from sfu.addresses import announced

_SYSCTL: Final = Path("/proc/sys/net/core")
_UDP_SEGMENT: Final = 103
_UDP_GRO: Final = 104
"""From linux/udp.h."""
_STA_UNSYNC: Final = 0x40
"""From linux/timex.h."""
_MEDIA_THREAD: Final = "venterom-media"
_NICE: Final = -10
"""What the media thread asks for."""


@dataclass(frozen=True, slots=True)
class Host:
    """The host, and the limits under which a server runs or would run as the present user."""

    wall: float
    """Seconds since 1970."""
    synchronised: bool | None
    """Whether something keeps the clock; None where the kernel doesn't tell."""
    receive_buffer: int | None
    """Bytes that a socket may ask for at most; None where that can't be read."""
    send_buffer: int | None
    descriptors: int
    raised_priority: bool
    segmentation: bool
    """Whether UDP can be sent in runs (GSO) ..."""
    coalescing: bool
    """... and received in runs (GRO)."""
    addresses: tuple[str, ...]
    """Of all interfaces."""


def look(server: int | None) -> Host:
    """Gathers the facts. `server` is the process id of a server that runs; its own limits are told then."""
    return Host(
        wall=time.time(),
        synchronised=_synchronised(),
        receive_buffer=_read_number(_SYSCTL / "rmem_max"),
        send_buffer=_read_number(_SYSCTL / "wmem_max"),
        descriptors=_descriptors(server),
        raised_priority=_raised(server) if server is not None else _may_raise(),
        segmentation=_has_option(_UDP_SEGMENT),
        coalescing=_has_option(_UDP_GRO),
        addresses=tuple(address for address, _ in announced((), 0)),
    )


def listener(port: int) -> int | None:
    """The process that listens on a TCP port; None where there is none, or it is not ours to know."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port:
            return connection.pid
    return None


def media_holder(port: int) -> int | None:
    """Likewise of a UDP port."""
    for connection in psutil.net_connections(kind="udp"):
        if connection.laddr and connection.laddr[1] == port and not connection.raddr:
            return connection.pid
    return None


class _Timex(ctypes.Structure):
    """The head of `struct timex` (linux/timex.h), and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def _synchronised() -> bool | None:
    read = _Timex(modes=0)  # no mode: the clock is only read
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(read)) < 0:
        return None
    return not read.status & _STA_UNSYNC


def _read_number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _descriptors(server: int | None) -> int:
    if server is None:
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        return resource.prlimit(server, resource.RLIMIT_NOFILE)[0]
    except (PermissionError, ProcessLookupError):
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _raised(server: int) -> bool:
    """Whether the media thread of the server runs with raised priority."""
    try:
        for thread in psutil.Process(server).threads():
            task = Path(f"/proc/{server}/task/{thread.id}")
            if (task / "comm").read_text().strip() == _MEDIA_THREAD:
                return os.getpriority(os.PRIO_PROCESS, thread.id) < 0
    except (OSError, psutil.Error):
        pass
    return False


def _may_raise() -> bool:
    """Tries it as the media thread does, on a thread that ends at once."""
    raised: list[bool] = []

    def attempt() -> None:
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        except OSError:
            return
        raised.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(raised)


def _has_option(option: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.setsockopt(socket.IPPROTO_UDP, option, 1)
        except OSError:
            return False
    return True
