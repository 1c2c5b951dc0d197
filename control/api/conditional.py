"""ETag, If-Match and If-None-Match (RFC 9110, section 13): a thing's version in quotes is its strong ETag."""

import re
from typing import Final

from control.api.errors import HeaderError, PreconditionRequiredError
from control.errors import PreconditionFailedError

_TAGS: Final = re.compile(r'\s*(?:(?:W/)?"[\x21\x23-\x7e]*"\s*(?:,\s*|$))+')
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_MAX: Final = 2**31


def etag(version: int) -> str:
    """The ETag of this version."""
    return f'"{version}"'


def versions(if_match: str | None) -> frozenset[int] | None:
    """The versions that a change is meant for, None for whichever is there (`*`).

    A weak tag never matches (strong comparison, section 8.8.3.2), nor does one that is none of ours: then the set lacks
    them. Raises PreconditionRequiredError without the header, PreconditionFailedError where nothing could ever match.
    """
    if if_match is None:
        raise PreconditionRequiredError("say by If-Match which version is to be changed")
    if if_match.strip() == "*":
        return None
    if not _TAGS.fullmatch(if_match):
        raise HeaderError("If-Match holds no entity tags")
    found = {int(tag) for weak, tag in _TAG.findall(if_match) if not weak and _is_version(tag)}
    if not found:
        raise PreconditionFailedError("no such version is there")
    return frozenset(found)


def is_unchanged(if_none_match: str | None, version: int) -> bool:
    """Whether who asks has this version already (weak comparison)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or str(version) in (tag for _, tag in _TAG.findall(if_none_match))


def _is_version(tag: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,9}", tag) is not None and int(tag) < _MAX
