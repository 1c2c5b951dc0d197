"""The hash chain of a clinic's audit log (pure): rows that can't be changed unseen, and signed checkpoints of its head.

A row's hash (SHA-256) covers its clinic, number, predecessor's hash, time, actor, action, subjects and the hash of its
detail. The detail itself (what may name people) may be erased when its time is over, and the chain stays whole; it is
hashed with a random salt that goes with it, so that what was erased can't be guessed from what is left.
Who holds the database can still write the whole chain anew; what tells are the checkpoints, kept elsewhere.
"""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from control.canonical import encode
from signalling.keys import KeySource, SigningKey

GENESIS: Final = bytes(32)
"""What stands for the hash of the row before the first."""
ISSUER: Final = "venterom-audit"
"""By this name the keys of checkpoints are found."""
_SALT: Final = 16


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Somebody or something, by kind and opaque id: a person as practitioner, a patient, an appointment."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Detail:
    """What may be erased: text (JSON), and the salt that it is hashed with."""

    text: str = field(repr=False)
    salt: bytes = field(repr=False)

    @staticmethod
    def of(text: str) -> "Detail":
        """With a salt of its own."""
        return Detail(text, secrets.token_bytes(_SALT))

    @property
    def hash(self) -> bytes:
        """What the row's hash covers, and what stays when the detail is erased."""
        return sha256(encode("venterom audit detail 1", self.salt, self.text)).digest()


@dataclass(frozen=True, slots=True)
class Event:
    """What happened; `actor` says by its kind in which role."""

    at: datetime
    actor: Reference
    action: str
    subjects: tuple[Reference, ...] = ()
    detail: Detail | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a clinic's chain ends: the number of its last row, from 1, and that row's hash."""

    clinic: str
    sequence: int
    hash: bytes

    @staticmethod
    def start(clinic: str) -> "Head":
        """Of a chain without rows."""
        return Head(clinic, 0, GENESIS)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is stored."""

    clinic: str
    sequence: int
    previous: bytes
    at: datetime
    actor: Reference
    action: str
    subjects: tuple[Reference, ...]
    detail_hash: bytes | None
    """None where there never was a detail."""
    detail: Detail | None
    """None where there was none, or it has been erased."""
    hash: bytes

    @property
    def head(self) -> Head:
        """The chain's end, where this is its last row."""
        return Head(self.clinic, self.sequence, self.hash)

    def expected_hash(self) -> bytes:
        """What the hash has to be."""
        return sha256(
            encode(
                "venterom audit row 1",
                self.clinic,
                self.sequence,
                self.previous,
                self.at,
                (self.actor.kind, self.actor.id),
                self.action,
                tuple((subject.kind, subject.id) for subject in self.subjects),
                self.detail_hash,
            )
        ).digest()


def follow(head: Head, event: Event) -> Row:
    """The row of an event, after this head. Subjects are kept in order of kind and id, each once."""
    row = Row(
        clinic=head.clinic,
        sequence=head.sequence + 1,
        previous=head.hash,
        at=event.at,
        actor=event.actor,
        action=event.action,
        subjects=tuple(sorted(set(event.subjects))),
        detail_hash=None if event.detail is None else event.detail.hash,
        detail=event.detail,
        hash=b"",
    )
    return replace(row, hash=row.expected_hash())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head, signed (Ed25519): by then the chain went so far, and ended so."""

    clinic: str
    sequence: int
    hash: bytes
    at: datetime
    restored: bool
    """The head that a restore of the database went back to: later rows that checkpoints before it tell of are gone."""
    kid: str
    signature: bytes

    def signed(self) -> bytes:
        """What the signature is over."""
        return _signed(Head(self.clinic, self.sequence, self.hash), self.at, self.restored, self.kid)

    def genuine(self, keys: KeySource) -> bool:
        """Whether one of our keys signed it."""
        key = keys.find(ISSUER, self.kid)
        if key is None or not isinstance(key.public, Ed25519PublicKey):
            return False
        try:
            key.public.verify(self.signature, self.signed())
        except InvalidSignature:
            return False
        return True


def sign(head: Head, at: datetime, key: SigningKey, *, restored: bool = False) -> Checkpoint:
    """A checkpoint of this head. The key is an Ed25519 one, else TypeError."""
    if not isinstance(key.private, Ed25519PrivateKey):
        raise TypeError("checkpoints are signed by Ed25519 keys")
    signature = key.private.sign(_signed(head, at, restored, key.kid))
    return Checkpoint(head.clinic, head.sequence, head.hash, at, restored, key.kid, signature)


def _signed(head: Head, at: datetime, restored: bool, kid: str) -> bytes:
    return encode("venterom audit checkpoint 1", head.clinic, head.sequence, head.hash, at, int(restored), kid)
