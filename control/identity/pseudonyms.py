"""How national identity numbers are kept: a keyed pseudonym to match by, and sealed where they must be shown.

Pseudonym: HMAC-SHA-256 (RFC 2104). Without the key, eleven digits are found in seconds from any hash of them.
Sealed: AES-256-GCM (NIST SP 800-38D), a random nonce of 96 bits before the text; the row that it stands in is
authenticated with it, so that what is copied into another row doesn't open there.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from control.canonical import encode
from control.errors import SealError, SealKeyUnknownError
from control.identity.keyring import SecretKeys
from control.identity.numbers import NationalNumber, restore

_NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """What stands for a number in the database. The same number gives the same one, by the same key."""

    key_id: str
    digest: bytes = field(repr=False)
    """32 bytes."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A number that can be read with the key, in its own row alone."""

    key_id: str
    data: bytes = field(repr=False)
    """Nonce, ciphertext, tag."""


@dataclass(frozen=True, slots=True)
class Row:
    """Where a sealed number stands."""

    table: str
    id: str
    clinic: str | None = None
    """None for tables that belong to no clinic."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes and reads both."""

    matching: SecretKeys
    sealing: SecretKeys

    def of(self, number: NationalNumber) -> Pseudonym:
        """What a new row gets."""
        return _pseudonym(number, self.matching.current.id, self.matching.current.key)

    def candidates(self, number: NationalNumber) -> tuple[Pseudonym, ...]:
        """All that may stand for the number while keys rotate, the current first: a row with any of them matches."""
        return tuple(_pseudonym(number, key.id, key.key) for key in self.matching.all)

    def matches(self, stored: Pseudonym, number: NationalNumber) -> bool:
        """Whether the row's number is this one, told in constant time. Raises SealError where the key is gone."""
        key = self.matching.find(stored.key_id)
        if key is None:
            raise SealKeyUnknownError(f"matching key {stored.key_id} is not in the ring")
        return hmac.compare_digest(_pseudonym(number, key.id, key.key).digest, stored.digest)

    def seal(self, number: NationalNumber, row: Row) -> Sealed:
        """The number for this row; each time another text."""
        nonce = secrets.token_bytes(_NONCE)
        key = self.sealing.current
        text = AESGCM(key.key).encrypt(nonce, number.reveal().encode(), _bound(row, key.id))
        return Sealed(key.id, nonce + text)

    def open(self, sealed: Sealed, row: Row) -> NationalNumber:
        """The number. Raises SealError where the key is gone, or the text is not what was sealed for this row."""
        key = self.sealing.find(sealed.key_id)
        if key is None:
            raise SealKeyUnknownError(f"sealing key {sealed.key_id} is not in the ring")
        nonce, text = sealed.data[:_NONCE], sealed.data[_NONCE:]
        try:
            return restore(AESGCM(key.key).decrypt(nonce, text, _bound(row, key.id)).decode())
        except (InvalidTag, ValueError):
            raise SealError("not what was sealed for this row") from None

    def current(self, pseudonym: Pseudonym, sealed: Sealed | None) -> bool:
        """Whether a row is of the keys in use."""
        return pseudonym.key_id == self.matching.current.id and (
            sealed is None or sealed.key_id == self.sealing.current.id
        )

    def rederive(self, pseudonym: Pseudonym, sealed: Sealed, row: Row) -> tuple[Pseudonym, Sealed]:
        """The same number under the keys in use; what is of them already stays as it is.

        A row without a sealed number is derived again when its person next brings the number.
        """
        number = self.open(sealed, row)
        if not self.matches(pseudonym, number):
            raise SealError("pseudonym and sealed number are not of one person")
        return (
            pseudonym if pseudonym.key_id == self.matching.current.id else self.of(number),
            sealed if sealed.key_id == self.sealing.current.id else self.seal(number, row),
        )

    def check(self, matching: Iterable[str], sealing: Iterable[str]) -> None:
        """Raises SealKeyUnknownError where one of the key ids that rows name is in no file."""
        missing = sorted(f"matching key {each}" for each in matching if self.matching.find(each) is None)
        missing += sorted(f"sealing key {each}" for each in sealing if self.sealing.find(each) is None)
        if missing:
            raise SealKeyUnknownError(f"rows of the database are of keys that are in no file: {', '.join(missing)}")


def _pseudonym(number: NationalNumber, key_id: str, key: bytes) -> Pseudonym:
    return Pseudonym(key_id, hmac.digest(key, encode("venterom national number 1", number.reveal()), "sha256"))


def _bound(row: Row, key_id: str) -> bytes:
    return encode("venterom sealed number 1", row.table, row.clinic, row.id, key_id)
