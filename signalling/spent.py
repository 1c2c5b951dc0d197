"""Grants that were used. There may be thousands of them an hour, so each is kept as eight bytes of a hash."""

import hashlib

from signalling.grant import GrantId

_MINUTE = 60.0


class SpentGrants:
    """Each is remembered until the end of the minute in which its time comes.

    Two ids of one hash would have the second refused, which does not happen: it takes some four billion at a time.
    """

    def __init__(self) -> None:
        self._by_minute: dict[int, set[int]] = {}

    def __contains__(self, grant: GrantId) -> bool:
        mark = _mark(grant)
        return any(mark in marks for marks in self._by_minute.values())

    def __len__(self) -> int:
        return sum(len(marks) for marks in self._by_minute.values())

    def add(self, grant: GrantId, forget_at: float) -> None:
        """Used; `forget_at` is wall time."""
        self._by_minute.setdefault(int(forget_at // _MINUTE), set()).add(_mark(grant))

    def discard(self, grant: GrantId, forget_at: float) -> None:
        """Not used after all."""
        marks = self._by_minute.get(int(forget_at // _MINUTE))
        if marks is not None:
            marks.discard(_mark(grant))

    def forget(self, now: float) -> None:
        """Drops those whose time has come."""
        for minute in [minute for minute in self._by_minute if (minute + 1) * _MINUTE <= now]:
            del self._by_minute[minute]


def _mark(grant: GrantId) -> int:
    text = f"{len(grant.issuer)} {grant.issuer}{grant.jti}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
