"""Settings of the media node."""

from dataclasses import dataclass

from sfu.addresses import split
from sfu.sdp import VIDEO


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """Where media comes in."""

    port: int = 7882
    """UDP and TCP port, the same in IPv4 and IPv6; 0 for a free one."""

    tcp_ports: tuple[int, ...] = ()
    """Further TCP ports, such as 443, for those whose firewall lets nothing else through; 0 for a free one."""

    announce: tuple[str, ...] = ()
    """Addresses offered to clients; empty for all of this host. Behind NAT or in a container: those that reach it, with
    the port where that is another one there (`192.0.2.7:7000`)."""

    video_codecs: tuple[str, ...] = tuple(VIDEO)
    """Those that are used of VP8, H264, VP9 and AV1, the preferred first: a room sends the first that all decode."""

    audio_redundancy: bool = True
    """Browsers that can send each piece of sound twice (RED) do: loss is not heard, for twice the bits."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError("media.port is 0 to 65535")
        for item in self.announce:
            split(item)
        if not all(0 <= port <= 65535 for port in self.tcp_ports):
            raise ValueError("media.tcp_ports are 0 to 65535")
        ports = [port for port in (self.port, *self.tcp_ports) if port]
        if len(set(ports)) < len(ports):
            raise ValueError("media.tcp_ports has a port twice; media.port is one already")
        known = len(set(self.video_codecs) & VIDEO.keys())
        if not 0 < known == len(self.video_codecs):
            raise ValueError(f"media.video_codecs are some of {', '.join(VIDEO)}, each once")
