"""JSON as strictly as all readers agree on it: no member twice, no NaN, numbers that all hold exactly, little depth."""

import json
from typing import Any, Final

from control.api.errors import (
    DuplicateMemberError,
    ForbiddenTextError,
    JsonTooDeepError,
    MalformedJsonError,
    NumberRangeError,
)
from control.characters import is_forbidden

MAX_DEPTH: Final = 16
MAX_INTEGER: Final = 2**53 - 1
_MAX_DIGITS: Final = 24


def parse(body: bytes) -> object:
    """What the bytes say (raises BadRequestError, by kind of fault)."""
    try:
        read: object = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except RecursionError:
        raise JsonTooDeepError("the JSON is too deep") from None
    except ValueError:  # of the decoder of UTF-8, too
        raise MalformedJsonError("the body is not JSON in UTF-8") from None
    _look_through(read)
    return read


def check_text(text: str) -> None:
    """Refuses what no database keeps, and what no reader sees but that changes what they see (raises
    ForbiddenTextError). Whatever else somebody may write stays as it is."""
    if is_forbidden(text):
        raise ForbiddenTextError("text holds a character that controls, turns the direction of others, or is none")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateMemberError("an object names a member twice")
    return found


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS or abs(int(text)) > MAX_INTEGER:
        raise NumberRangeError("a number is out of range")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if abs(number) > MAX_INTEGER:
        raise NumberRangeError("a number is out of range")
    return number


def _constant(_: str) -> object:
    raise MalformedJsonError("NaN and Infinity are no JSON")


def _look_through(root: object) -> None:
    layer, depth = [root], 0
    while layer:
        below: list[object] = []
        for value in layer:
            match value:
                case str():
                    check_text(value)
                case dict():
                    below.extend(value.keys())
                    below.extend(value.values())
                case list():
                    below.extend(value)
                case _:
                    pass
        depth += any(isinstance(value, dict | list) for value in layer)
        if depth > MAX_DEPTH:
            raise JsonTooDeepError("the JSON is too deep")
        layer = below
