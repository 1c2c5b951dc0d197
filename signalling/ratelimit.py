"""A token bucket: so many messages a second, with some at once."""

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """Starts full. `debt` counts what was refused since the bucket was last full: a sign of abuse."""

    rate: float
    burst: int
    level: float
    at: float
    debt: int = 0

    @staticmethod
    def full(rate: float, burst: int, now: float) -> "Bucket":
        """A bucket that nobody has drawn from."""
        return Bucket(rate, burst, burst, now)

    def take(self, now: float) -> bool:
        """Whether one more may pass now."""
        self.level = min(self.burst, self.level + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.level >= self.burst:
            self.debt = 0
        if self.level < 1:
            self.debt += 1
            return False
        self.level -= 1
        return True
