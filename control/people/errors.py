"""What can't be done with people."""

from collections.abc import Mapping
from typing import Any, ClassVar

from control.errors import ControlError

_ID: Mapping[str, Any] = {"type": "string", "pattern": "^[a-z2-7]{26}$"}


class PatientExistsError(ControlError):
    """The clinic has this patient already; `patient` is the record."""

    code = "patient_exists"
    status = 409
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {"patient": _ID}


class EndDateNeededError(ControlError):
    """The patient's date of birth is not known, so it must be said until when the guardian may act."""

    code = "end_date_needed"
    status = 422


class EndDatePassedError(ControlError):
    """The guardian's time would be over already."""

    code = "end_date_passed"
    status = 422


class OwnGuardianError(ControlError):
    """Nobody is their own guardian."""

    code = "own_guardian"
    status = 422


class GuardianExistsError(ControlError):
    """This person is the patient's guardian already; `guardian` is the relation."""

    code = "guardian_exists"
    status = 409
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {"guardian": _ID}


class GuardianEndedError(ControlError):
    """The guardian's time is over on the day of the appointment."""

    code = "guardian_ended"
    status = 409


class AppointmentClosedError(ControlError):
    """The appointment is cancelled or over."""

    code = "appointment_closed"
    status = 409


class GuestsNotAllowedError(ControlError):
    """Appointments of this type take no guests."""

    code = "guests_not_allowed"
    status = 409


class AttendeeExistsError(ControlError):
    """This person is expected already; `attendee` is the entry."""

    code = "attendee_exists"
    status = 409
    schemas: ClassVar[Mapping[str, Mapping[str, Any]]] = {"attendee": _ID}


class AttendeesFullError(ControlError):
    """No room takes more people."""

    code = "attendees_full"
    status = 409


class AttendeeNeededError(ControlError):
    """Without this patient or practitioner it would be another appointment: cancel it or move it."""

    code = "attendee_needed"
    status = 409


class LinksUsedUpError(ControlError):
    """This attendee's link was renewed too often: remove the attendee, and add another."""

    code = "links_used_up"
    status = 409
