"""Link tokens: an address that stands for an attendee, the same in every message, until its version is raised.

A token is an attendee's opaque id (26 letters) and, in base32, its version (2 bytes) and an HMAC-SHA-256 of clinic,
attendee and version cut to 144 bits: nothing of it is kept, the attendee is found by the id, and who has the database
but not the key can make none.
"""

import hmac
import re
from base64 import b32decode, b32encode
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from control.canonical import encode
from control.errors import LinkUnknownError
from control.identity.keyring import SecretKeys

MAX_VERSION: Final = 0xFFFF
_MAC: Final = 18
_SHAPE: Final = re.compile(r"([a-z2-7]{26})([a-z2-7]{32})")


class Verdict(Enum):
    """What a token is worth."""

    GOOD = auto()
    REVOKED = auto()
    """Once given out for this attendee, and not in force now."""
    FORGED = auto()
    """Never given out by us."""


@dataclass(frozen=True, slots=True)
class LinkToken:
    """What a token says, before it is believed: find the attendee, then `Links.judge`."""

    attendee: str
    version: int
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and judges tokens. With an older key in the ring, links given out under it stay good."""

    keys: SecretKeys

    def token(self, clinic: str, attendee: str, version: int) -> str:
        """The token of this version, the same each time. The version is 1 to MAX_VERSION."""
        if not 1 <= version <= MAX_VERSION or len(attendee) != 26:
            raise ValueError("no version or id of an attendee")
        mac = _mac(self.keys.current.key, clinic, attendee, version)
        return attendee + b32encode(version.to_bytes(2) + mac).decode().lower()

    def judge(self, token: LinkToken, clinic: str, version: int) -> Verdict:
        """What the token is worth, where the attendee that it names is of this clinic and at this version.

        A forged token is told from a revoked one, since only a true one may learn that it was revoked.
        """
        macs = [_mac(key.key, clinic, token.attendee, token.version) for key in self.keys.all]
        if not any([hmac.compare_digest(mac, token.mac) for mac in macs]):  # a list: each is compared
            return Verdict.FORGED
        # A higher one was given out before the database was restored: whatever revoked the others is gone with it.
        return Verdict.GOOD if token.version == version else Verdict.REVOKED


def read_token(text: str) -> LinkToken:
    """The parts of a token. Raises LinkUnknownError for what can't be one."""
    parts = _SHAPE.fullmatch(text)
    if parts is None:
        raise LinkUnknownError("this link is not known here")
    data = b32decode(parts[2].upper())
    return LinkToken(parts[1], int.from_bytes(data[:2]), data[2:])


def link_address(public_url: str, token: str) -> str:
    """What to open in a browser. The token travels in the fragment, which no server log sees."""
    return f"{public_url}/patient/#k={token}"


def _mac(key: bytes, clinic: str, attendee: str, version: int) -> bytes:
    return hmac.digest(key, encode("venterom link 1", clinic, attendee, version), "sha256")[:_MAC]
