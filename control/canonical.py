"""One way to write values down as bytes, for what is hashed, signed or authenticated.

Injective: every value begins with its kind, then its length or count (8 bytes, big-endian), so that no two different
values give the same bytes, whatever stands beside them. `domain` keeps what is made for one use from another's.

    text   b"s" length UTF-8      bytes   b"b" length bytes      integer   b"i" 8 bytes, two's complement
    time   b"d" microseconds since 1970 in UTC, as an integer    none      b"n"
    tuple  b"t" count, then each of its values
"""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

Value: TypeAlias = "str | bytes | int | datetime | tuple[Value, ...] | None"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def encode(domain: str, *values: Value) -> bytes:
    """The bytes. A time without a zone, a lone surrogate and an integer beyond 64 bits raise ValueError."""
    return _encode((domain, values))


def _encode(value: Value) -> bytes:
    match value:
        case None:
            return b"n"
        case str():
            text = value.encode()
            return b"s" + _eight(len(text)) + text
        case bytes():
            return b"b" + _eight(len(value)) + value
        case int():
            return b"i" + _eight(value)
        case datetime():
            if value.tzinfo is None:
                raise ValueError("a time without a zone")
            return b"d" + _eight((value - _EPOCH) // _MICROSECOND)
        case tuple():
            return b"t" + _eight(len(value)) + b"".join(map(_encode, value))


def _eight(number: int) -> bytes:
    try:
        return number.to_bytes(8, signed=True)
    except OverflowError:
        raise ValueError("an integer beyond 64 bits") from None
