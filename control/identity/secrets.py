"""All secret keys of an installation, from one folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from control.errors import SecretFileError, SecretPermissionsError
from control.identity.keyring import Purpose, read_keys, read_or_create_keys
from control.identity.links import Links
from control.identity.pseudonyms import Pseudonyms
from signalling.keys import SigningKey, create_key

AUDIT_KEY: Final = "audit-key.pem"
"""Signs audit checkpoints: Ed25519, PKCS #8."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is made of the keys."""

    pseudonyms: Pseudonyms
    links: Links
    audit: SigningKey


def open_secrets(configured: Path | None, data: Path) -> Secrets:
    """Reads the keys of a folder that the operator made, or else our own in the data directory, made on first use.

    Raises SecretFileError or KeyFileError where a file is missing, unusable, or open to others than its owner.
    """
    directory = data / "secrets" if configured is None else configured
    keys = {
        purpose: read_or_create_keys(directory, purpose) if configured is None else read_keys(directory, purpose)
        for purpose in Purpose
    }
    return Secrets(
        pseudonyms=Pseudonyms(keys[Purpose.MATCHING], keys[Purpose.SEALING]),
        links=Links(keys[Purpose.LINKS]),
        audit=_audit_key(directory / AUDIT_KEY, make=configured is None),
    )


def create_secrets(directory: Path) -> None:
    """Makes the files that the folder lacks, and leaves those that are there."""
    for purpose in Purpose:
        read_or_create_keys(directory, purpose)
    _audit_key(directory / AUDIT_KEY, make=True)


def _audit_key(path: Path, *, make: bool) -> SigningKey:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if make:
            return create_key(path)
        raise SecretFileError(path.name, "No such file or directory") from None
    except OSError as error:
        raise SecretFileError(path.name, error.strerror or "unreadable") from error
    if mode & 0o077:
        raise SecretPermissionsError(path.name, f"mode {mode & 0o777:o}, 600 is needed")
    key = SigningKey.read(path)
    if key.algorithm != "EdDSA":
        raise SecretFileError(path.name, "not an Ed25519 key")
    return key
