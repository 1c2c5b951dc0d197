"""Grants: short-lived, single-use tokens (RFC 7519) that say who enters which room, and as what."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from signalling.errors import GrantError
from signalling.ids import Id, Name
from signalling.keys import KeySource, SigningKey
from signalling.roles import Role

LIFE_S: Final = 120
LEEWAY_S: Final = 60
CLOCK_STEP_S: Final = 2 * 3600
"""How far the host's clock may be set back without a spent grant becoming good again."""
MAX_LENGTH: Final = 8192
DEFAULT_ISSUER: Final = "venterom-control"
DEFAULT_AUDIENCE: Final = "venterom"
MAX_SIZE: Final = 100

GateAtEntry = Literal["lobby", "open"]


@dataclass(frozen=True, slots=True)
class GrantId:
    """What makes a grant one of its kind; remembered once spent, until the grant could no longer be used anyway."""

    issuer: str
    jti: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A verified grant."""

    id: GrantId
    issued: float
    expires: float
    room: str
    participant: str
    role: Role
    name: str
    rename: bool
    gate: GateAtEntry
    acr: str | None
    size: int

    @property
    def forget_at(self) -> float:
        """From when on its id need not be remembered: it is refused for its age, also after the clock was set back."""
        return self.expires + LEEWAY_S + CLOCK_STEP_S


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", str_strip_whitespace=False)

    iss: Annotated[str, Field(min_length=1, max_length=512)]
    aud: str | list[str]
    iat: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
    exp: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
    nbf: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)] | None = None
    jti: Annotated[str, Field(min_length=1, max_length=128)]
    room: Id
    sub: Id
    role: Annotated[Role, Field(strict=False)]
    name: Name
    rename: bool = False
    gate: GateAtEntry = "lobby"
    acr: Annotated[str, Field(max_length=256)] | None = None
    size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 2


def issue(
    key: SigningKey,
    *,
    room: str,
    participant: str,
    role: str,
    name: str,
    gate: GateAtEntry = "lobby",
    rename: bool = False,
    size: int = 2,
    acr: str | None = None,
    issuer: str = DEFAULT_ISSUER,
    audience: str = DEFAULT_AUDIENCE,
    life: int = LIFE_S,
    now: Callable[[], float] = time.time,
    new_id: Callable[[], str] = secrets.token_urlsafe,
) -> str:
    """Signs a grant for one entry. `life` is in seconds, at most 120; bad values raise GrantError("grant_invalid")."""
    # With a fraction (RFC 7519 section 2), a grant issued right after a removal is told from one issued right before.
    issued = round(now(), 3)
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "iat": issued,
        "exp": issued + min(life, LIFE_S),
        "jti": new_id(),
        "room": room,
        "sub": participant,
        "role": role,
        "name": name,
        "rename": rename,
        "gate": gate,
        "size": size,
    }
    if acr is not None:
        claims["acr"] = acr
    _parse(claims)
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid, "typ": "JWT"})


def verify(token: str, keys: KeySource, *, audience: str, now: float) -> Grant:
    """The grant, if it may be used at wall time `now`. Whether it has been used is for the caller to know."""
    claims = _parse(_signed_claims(token, keys))
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if audience not in audiences:
        raise GrantError("grant_invalid", "another audience")
    if not 0 < claims.exp - claims.iat <= LIFE_S:
        raise GrantError("grant_invalid", f"a grant lives for at most {LIFE_S} s")
    if max(claims.iat, claims.nbf or 0) > now + LEEWAY_S:
        raise GrantError("grant_invalid", "issued in the future: compare the clocks")
    if now > claims.exp + LEEWAY_S:
        raise GrantError("grant_expired")
    return Grant(
        id=GrantId(claims.iss, claims.jti),
        issued=claims.iat,
        expires=claims.exp,
        room=claims.room,
        participant=claims.sub,
        role=claims.role,
        name=claims.name,
        rename=claims.rename,
        gate=claims.gate,
        acr=claims.acr,
        size=claims.size,
    )


def _signed_claims(token: str, keys: KeySource) -> dict[str, Any]:
    if len(token) > MAX_LENGTH:
        raise GrantError("grant_invalid", "too long")
    try:
        header = jwt.get_unverified_header(token)
        unverified = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise GrantError("grant_invalid", "not a JWT") from error
    issuer, kid = unverified.get("iss"), header.get("kid")
    # The header names a key, it never brings one: jwk, jku, x5u and x5c are not looked at, and crit is refused.
    if not isinstance(issuer, str) or not isinstance(kid, str | None) or "crit" in header:
        raise GrantError("grant_invalid", "issuer or header")
    key = keys.find(issuer, kid)
    if key is None:
        raise GrantError("grant_invalid", "unknown issuer or key")
    try:
        # Times and audience are checked above, against a clock that is a parameter.
        claims: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False,
                     "verify_iss": False, "verify_sub": False, "verify_jti": False},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise GrantError("grant_invalid", "signature") from error
    return claims


def _parse(claims: dict[str, Any]) -> _Claims:
    try:
        return _Claims.model_validate(claims)
    except ValidationError as error:
        fields = ", ".join(sorted({str(each["loc"][0]) for each in error.errors(include_input=False) if each["loc"]}))
        raise GrantError("grant_invalid", f"claims: {fields}") from error
