"""Why somebody does not come into a room, one error for each code."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from control.errors import ControlError
from control.identity.levels import Level
from control.scheduling.obstacles import WORDS, Code, Obstacle

_TEXT: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["nb", "en"],
    "properties": {"nb": {"type": "string"}, "en": {"type": "string"}},
}


class EntryRefusedError(ControlError):
    """Not as this person, or not now; `reason` says why in plain words."""

    code = "entry_refused"
    status = 403
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {"reason": _TEXT}

    def __init__(self, obstacle: Obstacle) -> None:
        words = WORDS[obstacle.code]
        members: dict[str, object] = {"reason": {"nb": words.reason.nb, "en": words.reason.en}}
        if words.limit is not None and obstacle.limit is not None:
            members[words.limit] = obstacle.limit.acr if isinstance(obstacle.limit, Level) else obstacle.limit
        super().__init__(words.reason.en, **members)
        self.obstacle = obstacle


class JoinTooEarlyError(EntryRefusedError):
    """Before the window of a first entry; `opens_at` says when it opens."""

    code = "join_too_early"
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **EntryRefusedError.schemas,
        "opens_at": {"type": "string", "format": "date-time"},
    }


class JoinTooLateError(EntryRefusedError):
    """After the window of a first entry, which closed at `closed_at`."""

    code = "join_too_late"
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **EntryRefusedError.schemas,
        "closed_at": {"type": "string", "format": "date-time"},
    }


class LoginRequiredError(EntryRefusedError):
    """A login of the level `acr`, or a higher one, is needed."""

    code = "login_required"
    status = 401
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **EntryRefusedError.schemas,
        "acr": {"type": "string"},
    }


class WrongPersonError(EntryRefusedError):
    """Who is logged in is not who is expected."""

    code = "wrong_person"


class LinkRevokedError(EntryRefusedError):
    """The link was good once."""

    code = "link_revoked"
    status = 410


class NoVideoError(EntryRefusedError):
    """The clinic has no video."""

    code = "video_off"


class NotVideoError(EntryRefusedError):
    """The appointment is not by video."""

    code = "appointment_not_video"
    status = 409


class CancelledError(EntryRefusedError):
    """The appointment is cancelled."""

    code = "appointment_cancelled"
    status = 409


class EndedError(EntryRefusedError):
    """The consultation has ended."""

    code = "consultation_ended"
    status = 409


class GuardianEndedError(EntryRefusedError):
    """The guardian's relation to the patient holds no longer."""

    code = "guardian_ended"


class NoGuestsError(EntryRefusedError):
    """The type of appointment is without guests."""

    code = "guests_not_allowed"


REFUSALS: Final[Mapping[Code, type[EntryRefusedError]]] = {
    Code.JOIN_TOO_EARLY: JoinTooEarlyError,
    Code.JOIN_TOO_LATE: JoinTooLateError,
    Code.LOGIN_REQUIRED: LoginRequiredError,
    Code.WRONG_PERSON: WrongPersonError,
    Code.LINK_REVOKED: LinkRevokedError,
    Code.VIDEO_OFF: NoVideoError,
    Code.APPOINTMENT_NOT_VIDEO: NotVideoError,
    Code.APPOINTMENT_CANCELLED: CancelledError,
    Code.CONSULTATION_ENDED: EndedError,
    Code.GUARDIAN_ENDED: GuardianEndedError,
    Code.GUESTS_NOT_ALLOWED: NoGuestsError,
}


def refusal(obstacle: Obstacle) -> EntryRefusedError:
    """The error for what stands in the way of an entry."""
    return REFUSALS[obstacle.code](obstacle)
