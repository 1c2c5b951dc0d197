"""What an event of a consultation is about: the consultation, who in it, and so the patients whose own log shows it."""

from collections.abc import Iterable

from control.audit import log
from control.audit.chain import Reference
from control.store.models import Attendee


def about(consultation: str, attendees: Iterable[Attendee] = ()) -> tuple[Reference, ...]:
    """An event's subjects; who comes with a patient is there for that patient, who finds it among the looks."""
    subjects = [Reference("consultation", consultation)]
    for each in attendees:
        subjects.append(Reference("attendee", each.id))
        patient = each.patient_id or each.for_patient_id
        if patient is not None:
            subjects.append(Reference(log.PATIENT, patient))
    return tuple(dict.fromkeys(subjects))
