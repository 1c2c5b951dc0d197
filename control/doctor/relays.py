"""A relay on each TURN server that was handed out, by the credential that came with it, as browsers ask for one."""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from aioice import stun
from aioice.turn import TurnClientProtocol, TurnClientTcpProtocol, TurnClientUdpProtocol

from control.doctor.findings import Finding, fail, ok

Address = tuple[str, int]

LIMIT_S: Final = 6.0
"""How long a server may take; who waits for a lost datagram waits half a second, then one, then two."""

_CHECK: Final = "call: TURN"
_LIFETIME_S: Final = 600
_FIRST_CHANNEL: Final = 0x4000
_UNAUTHORIZED: Final = 401
_URL: Final = re.compile(r"(turns?):(\[[0-9A-Fa-f:.]+\]|[^:?\[\]/@]+)(?::([0-9]{1,5}))?(?:\?transport=(udp|tcp))?")
"""RFC 7065."""


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    is_udp: bool
    is_tls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ValueError for what is no URL that browsers can use."""
        match = _URL.fullmatch(url)
        if match is None:
            raise ValueError
        scheme, host, port, transport = match.groups()
        is_tls = scheme == "turns"
        if is_tls and transport == "udp":  # DTLS, which no browser speaks with a TURN server
            raise ValueError
        default = 5349 if is_tls else 3478
        return cls(host.strip("[]"), int(port or default), not is_tls and transport != "tcp", is_tls)


async def look_at_relays(servers: Sequence[Mapping[str, Any]], media: Sequence[Address]) -> list[Finding]:
    """A finding for each TURN URL of these `ice_servers`; `media` is where the media server says that it is reached."""
    looks = [
        _look(url, server.get("username", ""), server.get("credential", ""), media)
        for server in servers
        for url in server["urls"]
        if url.startswith("turn")
    ]
    return list(await asyncio.gather(*looks))


async def _look(url: str, username: str, credential: str, media: Sequence[Address]) -> Finding:
    try:
        server = _Server.parse(url)
    except ValueError:
        advice = "turn:HOST:PORT?transport=udp (or tcp), or turns:HOST:PORT?transport=tcp"
        return fail(_CHECK, f"{url}: not an address that browsers take", advice)
    began = asyncio.get_running_loop().time()
    way = f"{server.port}/{'udp' if server.is_udp else 'tcp'}"
    try:
        async with asyncio.timeout(LIMIT_S):
            relays = await _relays(server, username, credential, media)
    except stun.TransactionFailed as error:
        return _refused(url, error)
    except (TimeoutError, stun.TransactionTimeout):
        return fail(_CHECK, f"{url}: no answer", f"does a firewall let {way} through, and does coturn listen there?")
    except ssl.SSLCertVerificationError as error:
        advice = "cert of coturn: for the host that the URL names, with its chain, not expired"
        return fail(_CHECK, f"{url}: browsers refuse its certificate: {error.verify_message}", advice)
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or type(error).__name__
        return fail(_CHECK, f"{url}: {text}", f"does the name resolve, and does coturn listen on {way}?")
    if not relays:
        shown = ", ".join(sorted({host for host, _ in media}))
        advice = "allowed-peer-ip of coturn: every address in media.announce, as configs/turnserver.conf has it"
        return fail(_CHECK, f"{url}: relays, but not to the media server ({shown})", advice)
    took = asyncio.get_running_loop().time() - began
    return ok(_CHECK, f"{url}: relays to the media server, set up in {took * 1000:.0f} ms")


def _refused(url: str, error: stun.TransactionFailed) -> Finding:
    code = error.response.error_code
    if code == _UNAUTHORIZED:
        advice = (
            "is signalling.turn.secret the static-auth-secret of coturn, and are both clocks right? Of a server in"
            " signalling.ice_servers: username and credential"
        )
        return fail(_CHECK, f"{url}: refuses the credential that was handed out", advice)
    return fail(
        _CHECK, f"{url}: refuses with {code}", "RFC 8656 section 19 explains the number, coturn's log the reason"
    )


async def _relays(server: _Server, username: str, credential: str, media: Sequence[Address]) -> bool:
    """Makes a relay, asks whether the media server may be reached by it, and gives it back."""
    protocol = await _connected(server, username, credential)
    try:
        await protocol.connect()
        granted = False
        for number, address in enumerate(media):
            granted = granted or await _may_reach(protocol, _FIRST_CHANNEL + number, address)
        await protocol.delete()
        return granted
    finally:
        if protocol.refresh_task is not None:
            protocol.refresh_task.cancel()
        protocol.transport.close()


async def _connected(server: _Server, username: str, credential: str) -> TurnClientProtocol:
    loop, address = asyncio.get_running_loop(), (server.host, server.port)
    given: Any = (address, username, credential, _LIFETIME_S, _LIFETIME_S)
    if server.is_udp:
        _, udp = await loop.create_datagram_endpoint(lambda: TurnClientUdpProtocol(*given), remote_addr=address)
        return udp
    context = ssl.create_default_context() if server.is_tls else None
    _, tcp = await loop.create_connection(lambda: TurnClientTcpProtocol(*given), *address, ssl=context)
    return tcp


async def _may_reach(protocol: TurnClientProtocol, channel: int, address: Address) -> bool:
    """Of several addresses some may be of a family that the relay does not have."""
    try:
        await protocol.channel_bind(channel, address)
    except stun.TransactionFailed:
        return False
    return True
