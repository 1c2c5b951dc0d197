"""Token buckets: so many messages a second, with some at once."""

from dataclasses import dataclass

from signalling.config import SignallingConfig


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
        self.level = self._level(now)
        self.at = now
        if self.level >= self.burst:
            self.debt = 0
        if self.level < 1:
            self.debt += 1
            return False
        self.level -= 1
        return True

    def is_full(self, now: float) -> bool:
        """Whether a new one would allow no more."""
        return self._level(now) >= self.burst

    def _level(self, now: float) -> float:
        return min(self.burst, self.level + max(0.0, now - self.at) * self.rate)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one participant may send. An offer counts as a message too; to read one may take as long as a thousand."""

    messages: Bucket
    offers: Bucket

    @staticmethod
    def full(config: SignallingConfig, now: float) -> "Allowance":
        """That of somebody who has sent nothing yet."""
        return Allowance(
            Bucket.full(config.messages_per_second, config.messages_burst, now),
            Bucket.full(config.offers_per_second, config.offers_burst, now),
        )

    def is_full(self, now: float) -> bool:
        """Whether a new one would allow no more."""
        return self.messages.is_full(now) and self.offers.is_full(now)
