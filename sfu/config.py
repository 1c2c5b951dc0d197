"""Settings of the media node."""

from dataclasses import dataclass

from sfu.addresses import split


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
