"""Cursors: where a list goes on, as one opaque word.

A cursor travels in addresses, which logs may keep: it holds times, numbers and identifiers, and never a name.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from control.api.errors import CursorError
from control.api.models import Page

Position = tuple[str | int | datetime, ...]
"""What a list is ordered by, of its last item so far."""

RowT = TypeVar("RowT")
ItemT = TypeVar("ItemT")


def cursor_of(position: Position) -> str:
    """The cursor after this item."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in position]
    return urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).rstrip(b"=").decode()


def position_of(cursor: str | None, *kinds: type[str | int | datetime]) -> tuple[Any, ...] | None:
    """What the cursor stands for, of these kinds; None at the beginning of the list (raises CursorError)."""
    if cursor is None:
        return None
    try:
        plain = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(plain, list) or len(plain) != len(kinds):
            raise ValueError
        return tuple(_part(part, kind) for part, kind in zip(plain, kinds, strict=True))
    except (ValueError, RecursionError):
        raise CursorError("the cursor is not one of this list's") from None


def identifier_of(cursor: str | None) -> str | None:
    """The same of a list that is ordered by identifier alone."""
    position = position_of(cursor, str)
    return None if position is None else str(position[0])


def page(
    rows: Sequence[RowT], limit: int, item: Callable[[RowT], ItemT], position: Callable[[RowT], Position]
) -> Page[ItemT]:
    """A page of at most `limit` of the rows. One row more than that must have been asked for: it tells of a next."""
    shown = rows[:limit]
    following = cursor_of(position(shown[-1])) if len(rows) > limit else None
    return Page(items=[item(row) for row in shown], next=following)


def _part(part: object, kind: type[str | int | datetime]) -> str | int | datetime:
    if kind is datetime and isinstance(part, str):
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if type(part) is not kind or (isinstance(part, str) and ("\0" in part or not part.isprintable())):
        raise ValueError
    if isinstance(part, int) and abs(part) >= 2**63:
        raise ValueError
    assert isinstance(part, str | int)
    return part
