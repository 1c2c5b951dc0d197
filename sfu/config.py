"""Settings of the media node."""

from dataclasses import dataclass

from sfu.addresses import split


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """Where media comes in."""

    port: int = 7882
    """UDP port, the same in IPv4 and IPv6; 0 for a free one."""

    announce: tuple[str, ...] = ()
    """Addresses offered to clients; empty for all of this host. Behind NAT or in a container: those that reach it, with
    the port where that is another one there (`192.0.2.7:7000`)."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError("media.port is 0 to 65535")
        for item in self.announce:
            split(item)
