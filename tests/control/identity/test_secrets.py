"""All keys of an installation: our own are made, an operator's must be there."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from control.audit.chain import ISSUER, Head, sign
from control.errors import SecretFileError, SecretPermissionsError
from control.identity.numbers import LAB, parse
from control.identity.secrets import AUDIT_KEY, create_secrets, open_secrets
from signalling.errors import KeyFileError
from signalling.keys import SigningKey, StaticKeys

FILES = ["audit-key.pem", "links.keys", "matching.keys", "sealing.keys"]


def test_our_own_are_made_on_first_use_and_stay(tmp_path: Path) -> None:
    first, again = open_secrets(None, tmp_path), open_secrets(None, tmp_path)
    assert sorted(os.listdir(tmp_path / "secrets")) == FILES
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    kari = parse("47906701517", LAB, date(2026, 11, 27))
    assert first.pseudonyms.of(kari) == again.pseudonyms.of(kari)
    assert first.links.token("c", "a" * 26, 1) == again.links.token("c", "a" * 26, 1)
    point = sign(Head.start("c"), datetime(2026, 11, 27, tzinfo=UTC), first.audit)
    assert point.genuine(StaticKeys(ISSUER, (again.audit.verify_key,)))


@pytest.mark.parametrize("missing", FILES)
def test_an_operators_must_all_be_there(tmp_path: Path, missing: str) -> None:
    create_secrets(tmp_path / "made")
    open_secrets(tmp_path / "made", tmp_path)
    (tmp_path / "made" / missing).unlink()
    with pytest.raises(SecretFileError, match=missing):
        open_secrets(tmp_path / "made", tmp_path)
    assert missing not in os.listdir(tmp_path / "made")
    create_secrets(tmp_path / "made")
    open_secrets(tmp_path / "made", tmp_path)


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    create_secrets(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    create_secrets(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", FILES)
def test_no_other_may_read_them(tmp_path: Path, name: str) -> None:
    create_secrets(tmp_path)
    (tmp_path / name).chmod(0o644)
    with pytest.raises(SecretPermissionsError, match=name):
        open_secrets(tmp_path, tmp_path)


def test_an_audit_key_is_an_ed25519_key(tmp_path: Path) -> None:
    create_secrets(tmp_path)
    (tmp_path / AUDIT_KEY).write_bytes(SigningKey.of(ec.generate_private_key(ec.SECP256R1())).pem())
    with pytest.raises(SecretFileError, match="Ed25519"):
        open_secrets(tmp_path, tmp_path)
    (tmp_path / AUDIT_KEY).write_text("no key")
    with pytest.raises(KeyFileError):
        open_secrets(tmp_path, tmp_path)
