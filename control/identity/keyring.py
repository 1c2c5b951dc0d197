"""Secret keys from files: each with an id that is stored beside what it made, so that keys can be changed.

One file a purpose, one key a line, `id key` (the key 32 bytes in standard base64), the first in use and the others
still known; `#` begins a comment. To change a key, put a new line on top; take an old one away once nothing is of it.
"""

import os
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from control.errors import SecretFileError, SecretPermissionsError
from control.files import sync_directory

KEY_BYTES: Final = 32
_ID: Final = re.compile(r"[a-z0-9-]{1,32}")


class Purpose(Enum):
    """What keys are for; the value is the name of their file."""

    MATCHING = "matching.keys"
    """Pseudonyms of national identity numbers."""
    SEALING = "sealing.keys"
    """National identity numbers that must be shown."""
    LINKS = "links.keys"
    """Link tokens of attendees."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key and its id."""

    id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """The keys of one purpose."""

    current: SecretKey
    older: tuple[SecretKey, ...] = ()

    @property
    def all(self) -> tuple[SecretKey, ...]:
        """Every key, the one in use first."""
        return (self.current, *self.older)

    def find(self, key_id: str) -> SecretKey | None:
        """The key of this id."""
        return next((key for key in self.all if key.id == key_id), None)

    @staticmethod
    def generate() -> "SecretKeys":
        """One fresh key."""
        return SecretKeys(SecretKey(secrets.token_hex(6), secrets.token_bytes(KEY_BYTES)))


def read_keys(directory: Path, purpose: Purpose) -> SecretKeys:
    """The keys in a directory. Raises SecretFileError where there is no file, or others than its owner may read it."""
    path = directory / purpose.value
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except OSError as error:
        raise SecretFileError(path.name, error.strerror or "unreadable") from error
    if mode & 0o077:
        raise SecretPermissionsError(path.name, f"mode {mode & 0o777:o}, 600 is needed")
    return _parse(path.name, text)


def read_or_create_keys(directory: Path, purpose: Purpose) -> SecretKeys:
    """The keys in a directory of our own, made on first use: no file is replaced, and no half of one left.

    Raises SecretFileError as `read_keys`, save for a missing file.
    """
    path = directory / purpose.value
    if not path.exists():
        _create(path, SecretKeys.generate())
    return read_keys(directory, purpose)


def _create(path: Path, keys: SecretKeys) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with open(part, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(b"".join(b"%s %s\n" % (key.id.encode(), b64encode(key.key)) for key in keys.all))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # fails where the name is taken, unlike a rename
    except FileExistsError:
        return
    finally:
        os.unlink(part)
    sync_directory(path.parent)  # with a key lost, rows would be left that nothing matches


def _parse(name: str, text: bytes) -> SecretKeys:
    keys: list[SecretKey] = []
    for line in text.split(b"\n"):
        words = line.split(b"#")[0].split()
        if not words:
            continue
        try:
            key_id, encoded = (word.decode("ascii") for word in words)
            key = SecretKey(key_id, b64decode(encoded, validate=True))
        except ValueError:
            raise SecretFileError(name, "each line is an id and a key in base64") from None
        if _ID.fullmatch(key.id) is None or len(key.key) != KEY_BYTES:
            raise SecretFileError(name, "an id is of a-z, 0-9 and -, a key has 32 bytes")
        keys.append(key)
    if not keys:
        raise SecretFileError(name, "no key in it")
    if len({key.id for key in keys}) < len(keys) or len({key.key for key in keys}) < len(keys):
        raise SecretFileError(name, "two lines have the same id or key")
    return SecretKeys(keys[0], tuple(keys[1:]))
