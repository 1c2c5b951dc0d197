"""Characters that no text may hold, whichever way it comes in. Pure."""

import re
from typing import Final

_FORBIDDEN: Final = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls (Cc), save tab and the ends of lines
    "\u202a-\u202e\u2066-\u2069"  # overrides, embeddings and isolates of direction
    "\ud800-\udfff"  # halves of surrogate pairs
    "\ufdd0-\ufdef"  # noncharacters, as are the last two of each plane
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def is_forbidden(text: str) -> bool:
    """Whether it holds what no database keeps, or what no reader sees but that changes what they see."""
    return _FORBIDDEN.search(text) is not None
