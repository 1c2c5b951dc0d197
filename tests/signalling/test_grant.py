"""Grants: what lets somebody in, and all that does not."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from signalling import grant
from signalling import seat as seats
from signalling.errors import GrantError, KeyFileError, SeatError
from signalling.grant import Grant
from signalling.keys import JwksFile, KeyRing, SigningKey, StaticKeys, create_key, jwks, node_key, parse_jwks
from signalling.roles import Role
from signalling.seat import Seat

NOW = 1_800_000_000.0
KEY = SigningKey.generate()
P256 = SigningKey.of(ec.generate_private_key(ec.SECP256R1()))
KEYS = StaticKeys(grant.DEFAULT_ISSUER, (KEY.verify_key, P256.verify_key))
CLAIMS: dict[str, Any] = {
    "iss": grant.DEFAULT_ISSUER,
    "aud": "venterom",
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "j",
    "room": "r",
    "sub": "p",
    "role": "patient",
    "name": "Kari",
}


def sign(claims: dict[str, Any], key: SigningKey = KEY, **header: object) -> str:
    # Not jwt.encode, which would refuse some of what is tried here.
    payload = json.dumps(claims).encode()
    return jwt.api_jws.encode(payload, key.private, algorithm=key.algorithm, headers={"kid": key.kid, **header})


def verify(token: str, now: float = NOW) -> Grant:
    return grant.verify(token, KEYS, audience="venterom", now=now)


def code(token: str, now: float = NOW) -> str:
    with pytest.raises(GrantError) as caught:
        verify(token, now)
    assert len(token) < 20 or token not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("key", [KEY, P256], ids=["EdDSA", "ES256"])
def test_what_is_issued_is_what_is_verified(key: SigningKey) -> None:
    token = grant.issue(
        key, room="r7", participant="p1", role="interpreter", name="Åse  Ø", gate="open", rename=True, size=5,
        acr="idporten-loa-high", now=lambda: NOW, new_id=lambda: "once",
    )  # fmt: skip
    found = verify(token)
    assert found == Grant(
        grant.GrantId(grant.DEFAULT_ISSUER, "once"), NOW, NOW + 120, "r7", "p1", Role.INTERPRETER, "Åse Ø", True,
        "open", "idporten-loa-high", 5,
    )  # fmt: skip


def test_what_may_be_left_out() -> None:
    found = verify(sign(CLAIMS))
    assert (found.gate, found.rename, found.size, found.acr) == ("lobby", False, 2, None)


@pytest.mark.parametrize(
    "bad", [{"role": "boss"}, {"room": "a b"}, {"name": " "}, {"size": 0}, {"participant": "x" * 129}]
)
def test_nothing_is_issued_that_would_be_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(GrantError):
        grant.issue(KEY, **{"room": "r", "participant": "p", "role": "patient", "name": "n", **bad})


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(-60.001, "grant_invalid"), (-60, None), (0, None), (120, None), (180, None), (180.001, "grant_expired")],
)
def test_clocks_may_differ_by_a_minute_exactly(offset: float, expected: str | None) -> None:
    token = sign(CLAIMS)
    if expected is None:
        assert verify(token, NOW + offset).participant == "p"
    else:
        assert code(token, NOW + offset) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"exp": NOW + 121},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": None},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": -1},
        {"nbf": NOW + 61},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"aud": 5},
        {"iss": "somebody"},
        {"iss": None},
        {"iss": 5},
        {"jti": ""},
        {"jti": 5},
        {"jti": None},
        {"jti": "x" * 129},
        {"room": ""},
        {"room": "../x"},
        {"room": "r\n"},
        {"room": None},
        {"sub": 7},
        {"sub": "a b"},
        {"role": "admin"},
        {"role": ["patient"]},
        {"name": ""},
        {"name": "\u202e"},
        {"name": "x" * 81},
        {"rename": "yes"},
        {"gate": "wide"},
        {"size": 101},
        {"size": 2.5},
        {"acr": 4},
    ],
)
def test_claims_that_let_nobody_in(change: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    assert code(sign(claims)) == "grant_invalid"


def test_one_audience_of_several_is_enough_and_unknown_claims_are_passed_over() -> None:
    assert verify(sign({**CLAIMS, "aud": ["a", "venterom"], "color": "blue"})).room == "r"


def forged() -> dict[str, Callable[[], str]]:
    public_pem = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public_raw = KEY.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    stranger = SigningKey.generate()
    rsa_pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def none(algorithm: str) -> str:
        header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": KEY.kid}).encode()).rstrip(b"=").decode()
        return header + "." + sign(CLAIMS).split(".")[1] + "."

    def tampered() -> str:
        header, _, signature = sign(CLAIMS).split(".")
        body = base64.urlsafe_b64encode(json.dumps({**CLAIMS, "gate": "open"}).encode()).rstrip(b"=").decode()
        return f"{header}.{body}.{signature}"

    return {
        "none": lambda: none("none"),
        "None": lambda: none("None"),
        "HS256 with the public key": lambda: hmac_signed(public_raw),
        "HS256 with the public PEM": lambda: hmac_signed(public_pem),
        "RS256": lambda: jwt.encode(CLAIMS, rsa_pem, algorithm="RS256", headers={"kid": KEY.kid}),
        "another key under our kid": lambda: sign(CLAIMS, stranger, kid=KEY.kid),
        "our key under the other's kid": lambda: sign(CLAIMS, KEY, kid=P256.kid),
        "own jwk": lambda: sign(CLAIMS, stranger, kid=KEY.kid, jwk=stranger.public_jwk()),
        "own jku": lambda: sign(CLAIMS, stranger, kid=KEY.kid, jku="https://evil.example/jwks"),
        "own x5u": lambda: sign(CLAIMS, stranger, kid=KEY.kid, x5u="https://evil.example/cert"),
        "crit": lambda: sign(CLAIMS, crit=["exp"], exp=1),
        "kid as path": lambda: sign(CLAIMS, kid="../../etc/passwd"),
        "kid as SQL": lambda: sign(CLAIMS, kid="' OR 1=1 --"),
        "no kid with two keys": lambda: jwt.encode(CLAIMS, KEY.private, algorithm="EdDSA"),
        "tampered": tampered,
        "no signature": lambda: sign(CLAIMS).rsplit(".", 1)[0] + ".",
        "too long": lambda: sign({**CLAIMS, "x": "y" * 9000}),
        "empty": lambda: "",
        "dots": lambda: "..",
        "a list": lambda: jwt.api_jws.encode(b"[1]", KEY.private, algorithm="EdDSA", headers={"kid": KEY.kid}),
    }


def hmac_signed(secret: bytes) -> str:
    import hashlib
    import hmac

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    signed = part(json.dumps({"alg": "HS256", "kid": KEY.kid}).encode()) + "." + part(json.dumps(CLAIMS).encode())
    return signed + "." + part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


@pytest.mark.parametrize("attack", list(forged()))
def test_forgeries(attack: str) -> None:
    assert code(forged()[attack]()) == "grant_invalid"


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_text_is_refused(text: str) -> None:
    assert code(text) == "grant_invalid"
    assert code(f"{text}.{text}.{text}") == "grant_invalid"


def test_a_seat_is_no_grant_and_a_grant_no_seat() -> None:
    seat = seats.issue(Seat("r", 1, "p", 1), KEY, now=NOW, life=100)
    assert code(seat) == "grant_invalid"
    with pytest.raises(SeatError) as caught:
        seats.verify(sign(CLAIMS), KEY, now=NOW)
    assert caught.value.code == "seat_invalid"


def test_a_key_counts_for_its_own_issuer_alone() -> None:
    ring = KeyRing((StaticKeys("a", (KEY.verify_key,)), StaticKeys("b", (P256.verify_key,))))
    assert ring.find("a", KEY.kid) is not None
    assert ring.find("b", KEY.kid) is None
    assert ring.find("b", None) == P256.verify_key, "an only key needs no name"
    assert KEYS.find(grant.DEFAULT_ISSUER, None) is None


# --- seats


def test_seats() -> None:
    seat = Seat("r", 5, "p", 2)
    token = seats.issue(seat, KEY, now=NOW, life=43200)
    assert seats.verify(token, KEY, now=NOW + 43200 + 60) == seat
    for bad, now in (
        (token, NOW + 43200 + 62),
        (seats.issue(seat, SigningKey.generate(), now=NOW, life=100), NOW),
        (token[:-4] + "AAAA", NOW),
        ("x" * 5000, NOW),
        ("", NOW),
        (jwt.encode({"room": "r"}, KEY.private, algorithm="EdDSA", headers={"typ": "venterom-seat+jwt"}), NOW),
    ):
        with pytest.raises(SeatError) as caught:
            seats.verify(bad, KEY, now=now)
        assert caught.value.code == "seat_invalid"


# --- key files


def test_the_node_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    made = node_key(tmp_path / "data")
    path = tmp_path / "data" / "node-key.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert node_key(tmp_path / "data").kid == made.kid
    assert [each.name for each in path.parent.iterdir()] == ["node-key.pem"]
    assert create_key(path).kid == made.kid, "an existing key is never replaced"
    path.chmod(0o640)
    with pytest.raises(KeyFileError) as caught:
        node_key(tmp_path / "data")
    assert caught.value.code == "key_permissions"


@pytest.mark.parametrize("content", [b"", b"nonsense", rsa.generate_private_key(65537, 2048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())])  # fmt: skip
def test_a_key_file_without_a_usable_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(KeyFileError):
        SigningKey.read(path)
    path.write_bytes(content)
    with pytest.raises(KeyFileError) as caught:
        SigningKey.read(path)
    assert caught.value.code == "key_invalid"


@pytest.mark.parametrize("key", [KEY, P256], ids=["EdDSA", "ES256"])
def test_keys_survive_their_files(tmp_path: Path, key: SigningKey) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(key.pem())
    assert SigningKey.read(path).kid == key.kid
    assert parse_jwks(jwks([key]))[0].kid == key.kid
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "RSA"}]}', '{"keys": [{"kty": "OKP", "crv": "Ed25519"}]}',
             '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}', '{"keys": 5}', "[" * 100_000],
)  # fmt: skip
def test_a_bad_jwks(text: str) -> None:
    with pytest.raises(KeyFileError):
        parse_jwks(text)


def test_a_jwks_passes_over_what_is_not_for_signing_here() -> None:
    entries = [{"kty": "RSA", "n": "x"}, {**P256.public_jwk(), "use": "enc"}, {**P256.public_jwk(), "alg": "ES384"}]
    assert [key.kid for key in parse_jwks(json.dumps({"keys": [*entries, KEY.public_jwk()]}))] == [KEY.kid]
    unnamed = {name: value for name, value in KEY.public_jwk().items() if name != "kid"}
    assert parse_jwks(json.dumps({"keys": [unnamed]}))[0].kid == KEY.kid


def test_a_jwks_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path, now = tmp_path / "jwks.json", [0.0]
    with pytest.raises(KeyFileError):
        JwksFile("i", path, lambda: now[0])
    path.write_text(jwks([KEY]))
    source = JwksFile("i", path, lambda: now[0])
    assert source.find("i", KEY.kid) is not None
    assert source.find("other", KEY.kid) is None
    path.write_text(jwks([P256, KEY]))
    assert source.find("i", P256.kid) is None, "at most one look a second"
    now[0] = 1.0
    assert source.find("i", P256.kid) is not None
    for broken in ("{", None):
        now[0] += 1
        if broken is None:
            path.unlink()
        else:
            path.write_text(broken)
        assert source.find("i", P256.kid) is not None, "the last readable keys stay in force"
