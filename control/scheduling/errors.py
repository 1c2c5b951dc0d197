"""What scheduling refuses: the obstacles in the way, each with its code and its words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from control.errors import ControlError, InvalidInputError
from control.identity.levels import Level
from control.scheduling.obstacles import WORDS, Code, Obstacle, Text

_TEXT: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["nb", "en"],
    "properties": {"nb": {"type": "string"}, "en": {"type": "string"}},
}
OBSTACLES_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["code", "reason"],
        "properties": {
            "code": {"type": "string", "enum": [code.value for code in Code]},
            "reason": _TEXT,
            "mend": _TEXT,
            **{name: {} for name in sorted({wording.limit for wording in WORDS.values() if wording.limit})},
        },
    },
}


def described(obstacle: Obstacle, *, mend: bool) -> Mapping[str, object]:
    """An obstacle as the interface shows it; what mends it is for staff alone."""
    wording = WORDS[obstacle.code]
    found: dict[str, object] = {"code": obstacle.code.value, "reason": _both(wording.reason)}
    if mend and wording.mend is not None:
        found["mend"] = _both(wording.mend)
    if wording.limit is not None and obstacle.limit is not None:
        found[wording.limit] = obstacle.limit.acr if isinstance(obstacle.limit, Level) else obstacle.limit
    return found


def _both(text: Text) -> Mapping[str, str]:
    return {"nb": text.nb, "en": text.en}


class ObstacleError(ControlError):
    """Something stands in the way; `obstacles` is all of it."""

    code = "refused"
    status = 409
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {"obstacles": OBSTACLES_SCHEMA}

    def __init__(self, obstacles: Sequence[Obstacle], *, mend: bool = False) -> None:
        super().__init__(
            " ".join(WORDS[obstacle.code].reason.en for obstacle in obstacles),
            obstacles=[described(obstacle, mend=mend) for obstacle in obstacles],
        )
        self.obstacles = tuple(obstacles)


class BookingRefusedError(ObstacleError):
    """The patient can't have this time."""

    code = "booking_refused"


class SlotTakenError(BookingRefusedError):
    """The time is taken: by whom, and in which clinic, is not told."""

    code = "slot_taken"


class VideoOffError(ObstacleError):
    """The clinic has no video."""

    code = "video_off"
    status = 403


class ChangeRefusedError(ObstacleError):
    """The appointment can't be cancelled, moved or changed any longer, or not by this caller."""

    code = "change_refused"


def refuse_booking(obstacles: Iterable[Obstacle], *, mend: bool) -> None:
    """Raises the error for what stands in the way of a booking; nothing where nothing does."""
    found = tuple(obstacles)
    codes = {obstacle.code for obstacle in found}
    if Code.VIDEO_OFF in codes:
        raise VideoOffError(found, mend=mend)
    if Code.SLOT_TAKEN in codes <= {Code.SLOT_TAKEN, Code.ALREADY_BOOKED}:
        raise SlotTakenError(found, mend=mend)
    if found:
        raise BookingRefusedError(found, mend=mend)


def refuse_change(obstacles: Iterable[Obstacle], *, mend: bool) -> None:
    """The same for a change of what is booked."""
    if found := tuple(obstacles):
        raise ChangeRefusedError(found, mend=mend)


def invalid(member: str, code: str) -> InvalidInputError:
    """The error for a member of the request's body that can't be meant."""
    return InvalidInputError(f"{member}: {code}", errors=[{"pointer": f"/{member}", "code": code}])
