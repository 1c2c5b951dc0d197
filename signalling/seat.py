"""Seats: what a participant keeps across reconnects and restarts. The token says who; the journal says where."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from signalling.errors import SeatError
from signalling.ids import Id
from signalling.keys import SigningKey

LEEWAY_S: Final = 60
MAX_LENGTH: Final = 4096
_TYPE: Final = "venterom-seat+jwt"


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in one life of a room. `number` counts how often the person was given one; only the newest is good."""

    room: str
    epoch: int
    participant: str
    number: int


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    room: Id
    epoch: int
    sub: Id
    number: int
    exp: Annotated[int, Field(ge=0, le=10**11)]


def issue(seat: Seat, key: SigningKey, *, now: float, life: int) -> str:
    """Signs a seat that is good for `life` seconds."""
    claims: dict[str, Any] = {
        "room": seat.room,
        "epoch": seat.epoch,
        "sub": seat.participant,
        "number": seat.number,
        "iat": int(now),
        "exp": int(now) + life,
    }
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid, "typ": _TYPE})


def verify(token: str, key: SigningKey, *, now: float) -> Seat:
    """The seat, if this node signed it and its time is not over. Whether it is still good is for the room to say."""
    if len(token) > MAX_LENGTH:
        raise SeatError("seat_invalid", "too long")
    try:
        if jwt.get_unverified_header(token).get("typ") != _TYPE:
            raise SeatError("seat_invalid", "another kind of token")
        payload = jwt.decode(
            token,
            key.verify_key.public,
            algorithms=[key.algorithm],
            options={"verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_sub": False},
        )
        claims = _Claims.model_validate(payload)
    except (jwt.PyJWTError, ValidationError, ValueError, RecursionError) as error:
        raise SeatError("seat_invalid") from error
    if now > claims.exp + LEEWAY_S:
        raise SeatError("seat_invalid", "expired")
    return Seat(claims.room, claims.epoch, claims.sub, claims.number)
