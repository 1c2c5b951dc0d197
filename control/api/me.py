"""`me`: the person who is logged in, and where they work or are a patient."""

from control.api.endpoint import EVERYONE, Call, Endpoint, Route
from control.api.models import Id, Output
from control.errors import NotLoggedInError
from control.identity import places
from control.identity.places import Place, Record
from control.identity.roles import Role


class WorkAnswer(Output):
    """A role in a clinic that the session may change to."""

    clinic: Id
    name: str
    role: Role


class RecordAnswer(Output):
    """A clinic that has the person as a patient."""

    clinic: Id
    name: str
    patient: Id


class MeAnswer(Output):
    """The person, and what they are now."""

    person: Id
    name: str
    role: Role
    clinic: Id | None
    works_in: list[WorkAnswer]
    patient_in: list[RecordAnswer]


def me_routes() -> tuple[Route, ...]:
    """The table."""
    return (Endpoint("GET", "/me", "read_me", "The person who is logged in", EVERYONE, _read, answer=MeAnswer),)


async def _read(call: Call[None, None]) -> MeAnswer:
    login = call.login
    async with call.store.look(None) as session:
        name = await places.name_of(session, login.person)
        works, records = await places.places(session, login.person), await places.patient_in(session, login.person)
    if name is None:
        raise NotLoggedInError("log in first")
    return MeAnswer(
        person=login.person,
        name=name,
        role=login.role,
        clinic=login.clinic,
        works_in=[_work(place) for place in works],
        patient_in=[_record(record) for record in records],
    )


def _work(place: Place) -> WorkAnswer:
    return WorkAnswer(clinic=place.clinic, name=place.name, role=place.role)


def _record(record: Record) -> RecordAnswer:
    return RecordAnswer(clinic=record.clinic, name=record.name, patient=record.patient)
