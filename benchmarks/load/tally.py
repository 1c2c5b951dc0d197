"""What the load generator counted."""

from array import array
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Tally:
    """Of all participants together, since the last reset."""

    sent: int = 0
    """RTP packets."""
    unsent: int = 0
    """Those that the system did not take."""
    received: int = 0
    """RTP packets, retransmissions apart."""
    repaired: int = 0
    """Retransmissions and padding on their SSRCs."""
    refused: int = 0
    """Sampled packets that libsrtp did not open."""
    delays: "array[int]" = field(default_factory=lambda: array("I"))
    """Microseconds from making a packet to the viewer's socket, of every so manyth packet."""
    lateness: "array[int]" = field(default_factory=lambda: array("I"))
    """Microseconds by which frames left later than they were due: the generator's own fault."""

    def as_json(self) -> dict[str, Any]:
        return {
            "sent": self.sent,
            "unsent": self.unsent,
            "received": self.received,
            "repaired": self.repaired,
            "refused": self.refused,
            "delays": sorted(self.delays),
            "lateness": sorted(self.lateness),
        }
