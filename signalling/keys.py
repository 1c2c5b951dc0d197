"""Keys: whose signature on a grant counts, and the node's own key for seats. EdDSA (Ed25519) and ES256 (P-256) only."""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from signalling.errors import KeyFileError

Algorithm = Literal["EdDSA", "ES256"]
PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey
PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key and the one algorithm it may be used with (RFC 8725 section 3.1)."""

    kid: str
    algorithm: Algorithm
    public: PublicKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; `kid` is the thumbprint of its public half (RFC 7638)."""

    kid: str
    algorithm: Algorithm
    private: PrivateKey = field(repr=False)

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(self.kid, self.algorithm, self.private.public_key())

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JWK, for a JWKS file."""
        return {**_members(self.private.public_key()), "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def pem(self) -> bytes:
        """The unencrypted private key (PKCS #8)."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @staticmethod
    def of(private: PrivateKey) -> "SigningKey":
        """Names a private key."""
        members = _members(private.public_key())
        return SigningKey(_thumbprint(members), "EdDSA" if members["kty"] == "OKP" else "ES256", private)

    @staticmethod
    def generate() -> "SigningKey":
        """A fresh Ed25519 key."""
        return SigningKey.of(Ed25519PrivateKey.generate())

    @staticmethod
    def read(path: Path) -> "SigningKey":
        """Reads a PKCS #8 PEM file, as `openssl genpkey -algorithm ed25519` writes it."""
        try:
            private = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise KeyFileError("key_invalid", error.strerror or "unreadable") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyFileError("key_invalid", "not an unencrypted private key in PEM") from error
        if isinstance(private, Ed25519PrivateKey):
            return SigningKey.of(private)
        if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
            return SigningKey.of(private)
        raise KeyFileError("key_invalid", "neither Ed25519 nor P-256")


class KeySource(Protocol):
    """Where the keys of grant issuers come from. It answers at once; what has to be fetched is fetched elsewhere."""

    def find(self, issuer: str, kid: str | None) -> VerifyKey | None:
        """The issuer's key of this name; without a name, the issuer's only key."""
        ...


@dataclass(frozen=True, slots=True)
class StaticKeys:
    """Keys known in the process."""

    issuer: str
    keys: tuple[VerifyKey, ...]

    def find(self, issuer: str, kid: str | None) -> VerifyKey | None:
        return _pick(self.keys, kid) if issuer == self.issuer else None


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Several sources; the first that knows the key answers."""

    sources: tuple[KeySource, ...]

    def find(self, issuer: str, kid: str | None) -> VerifyKey | None:
        found = (source.find(issuer, kid) for source in self.sources)
        return next((key for key in found if key is not None), None)


class JwksFile:
    """A JWKS file of one issuer (RFC 7517), read again when it changes; the last readable keys stay in force."""

    LOOK_EVERY = 1.0

    def __init__(self, issuer: str, path: Path, now: Callable[[], float]) -> None:
        self._issuer = issuer
        self._path = path
        self._now = now
        self._looked = now()
        self._stamp = self._look()
        self._keys = parse_jwks(self._read())

    def find(self, issuer: str, kid: str | None) -> VerifyKey | None:
        if issuer != self._issuer:
            return None
        self._refresh()
        return _pick(self._keys, kid)

    def _refresh(self) -> None:
        if self._now() - self._looked < self.LOOK_EVERY:
            return
        self._looked = self._now()
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._keys = parse_jwks(self._read())
                self._stamp = stamp
        except KeyFileError:
            return

    def _look(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise KeyFileError("key_invalid", error.strerror or "unreadable") from error
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise KeyFileError("key_invalid", error.strerror or "unreadable") from error


def parse_jwks(text: bytes | str) -> tuple[VerifyKey, ...]:
    """The usable keys of a JWKS; others are passed over (RFC 7517 section 5), a set without any is an error."""
    try:
        entries = json.loads(text)["keys"]
        keys = tuple(key for key in (_parse_jwk(entry) for entry in entries) if key is not None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise KeyFileError("key_invalid", "not a JWKS") from error
    if not keys:
        raise KeyFileError("key_invalid", "no Ed25519 or P-256 key in the JWKS")
    return keys


def jwks(keys: Iterable[SigningKey]) -> str:
    """A JWKS file's text with the public halves."""
    return json.dumps({"keys": [key.public_jwk() for key in keys]}, indent=2) + "\n"


def node_key(directory: Path) -> SigningKey:
    """The node's own key, made on first use. Only its owner may read it, else nothing starts."""
    path = directory / "node-key.pem"
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return create_key(path)
    if mode & 0o077:
        raise KeyFileError("key_permissions", f"{path.name} has mode {mode & 0o777:o}, 600 is needed")
    return SigningKey.read(path)


def create_key(path: Path) -> SigningKey:
    """A new key in a file that only its owner reads. An existing file is never replaced, half a file never left."""
    key = SigningKey.generate()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchmod(handle, 0o600)
        os.write(handle, key.pem())
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(part, path)  # fails where the name is taken, unlike a rename
    except FileExistsError:
        return SigningKey.read(path)
    finally:
        os.unlink(part)
    return key


def _pick(keys: tuple[VerifyKey, ...], kid: str | None) -> VerifyKey | None:
    if kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.kid == kid), None)


def _parse_jwk(entry: dict[str, Any]) -> VerifyKey | None:
    if entry.get("use", "sig") != "sig":
        return None
    match entry.get("kty"), entry.get("crv"):
        case "OKP", "Ed25519":
            algorithm: Algorithm = "EdDSA"
            public: PublicKey = Ed25519PublicKey.from_public_bytes(_decode(entry["x"]))
        case "EC", "P-256":
            algorithm = "ES256"
            x, y = (int.from_bytes(_decode(entry[name])) for name in ("x", "y"))
            public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        case _:
            return None
    if entry.get("alg", algorithm) not in (algorithm, "Ed25519"):
        return None
    kid = entry.get("kid")
    return VerifyKey(kid if isinstance(kid, str) else _thumbprint(_members(public)), algorithm, public)


def _members(public: PublicKey) -> dict[str, str]:
    """The members of a JWK that its thumbprint covers."""
    if isinstance(public, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    numbers = public.public_numbers()
    x, y = (_encode(value.to_bytes(32)) for value in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _thumbprint(members: dict[str, str]) -> str:
    return _encode(sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
