"""Strings that come from outside: identifiers and shown names."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

NAME_MAX: Final = 80

# These format characters turn the direction of the text around a name (Unicode TR 36).
_BANNED: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def plain(text: str) -> str:
    """One line without control and direction characters, white space joined; ValueError when nothing is left."""
    kept = (
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in unicodedata.normalize("NFC", text)
        if char not in _BANNED
    )
    joined = " ".join("".join(kept).split())
    if not joined:
        raise ValueError("empty")
    return joined


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]
"""Rooms and participants: unreserved characters of RFC 3986, so they can stand in an address."""

TrackId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,160}$")]

Token = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
"""A short word for programs."""

Name = Annotated[str, StringConstraints(max_length=NAME_MAX), AfterValidator(plain)]
"""A name as it is shown to others."""
