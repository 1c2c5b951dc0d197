"""The commands that need no running server."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from control.cli import main
from signalling.grant import DEFAULT_AUDIENCE, DEFAULT_ISSUER, verify
from signalling.keys import StaticKeys, create_key, parse_jwks

WHO = ["--room", "r1", "--participant", "p1", "--role", "patient", "--name", "Kari Nordmann"]


def test_a_grant_is_one_that_signalling_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = create_key(tmp_path / "key.pem")
    assert main(["grant", "--key", str(tmp_path / "key.pem"), *WHO, "--gate", "open", "--size", "5"]) == 0
    token = capsys.readouterr().out.strip()
    keys = StaticKeys(DEFAULT_ISSUER, (key.verify_key,))
    grant = verify(token, keys, audience=DEFAULT_AUDIENCE, now=time.time())
    assert (grant.room, grant.participant, grant.role.value, grant.name, grant.gate, grant.size) == (
        *("r1", "p1", "patient", "Kari Nordmann"),
        *("open", 5),
    )


def test_who_enters_waits_unless_told_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = create_key(tmp_path / "key.pem")
    main(["grant", "--key", str(tmp_path / "key.pem"), *WHO])
    keys = StaticKeys(DEFAULT_ISSUER, (key.verify_key,))
    grant = verify(capsys.readouterr().out.strip(), keys, audience=DEFAULT_AUDIENCE, now=time.time())
    assert (grant.gate, grant.size) == ("lobby", 2)


def test_a_key_of_openssl_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)], check=True)
    assert main(["grant", "--key", str(path), *WHO]) == 0
    token = capsys.readouterr().out.strip()
    assert main(["jwks", "--key", str(path)]) == 0
    keys = StaticKeys(DEFAULT_ISSUER, parse_jwks(capsys.readouterr().out))
    assert verify(token, keys, audience=DEFAULT_AUDIENCE, now=time.time()).participant == "p1"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (["--key", "missing.pem"], "key_invalid"),
        (["--room", "with space"], "grant_invalid"),
        (["--size", "0"], "grant_invalid"),
        (["--name", "x" * 200], "grant_invalid"),
    ],
)
def test_what_can_not_be_is_one_line_with_its_code(
    change: list[str], code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_key(tmp_path / "key.pem")
    assert main(["grant", "--key", str(tmp_path / "key.pem"), *WHO, *change]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"venterom: {code}: ")
    assert captured.err.count("\n") == 1


def test_a_role_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["grant", "--key", "k", *WHO, "--role", "admin"])
    assert "practitioner" in capsys.readouterr().err


def test_the_jwks_holds_no_private_half(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create_key(tmp_path / "key.pem")
    main(["jwks", "--key", str(tmp_path / "key.pem")])
    (key,) = json.loads(capsys.readouterr().out)["keys"]
    assert "d" not in key


@pytest.mark.parametrize("text", ["", "[lab]\nenabled = true\n", "[http]\nprot = 1\n"])
def test_serve_refuses_what_is_no_production(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "venterom.toml"
    path.write_text(text)
    assert main(["serve", "--config", str(path)]) == 1
    assert capsys.readouterr().err.startswith("venterom: config_invalid: ")
