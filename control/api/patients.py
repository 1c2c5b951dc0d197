"""`patients`: the clinic's staff and its journal system make, find, read and change records."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import CLINIC, Call, Endpoint, Route
from control.api.fields import Address, Changes, Day, Email, Name, Number, NumberReader, Phone
from control.api.models import Id, Input, Line, Output, Page, Versioned
from control.api.paging import cursor_of, position_of
from control.audit.actors import actor
from control.clock import Clock
from control.errors import NationalNumberError, PreconditionFailedError, SyntheticNumberError
from control.identity.callers import Caller, role_of
from control.identity.numbers import NationalNumber
from control.identity.pseudonyms import Pseudonyms
from control.identity.roles import Role
from control.people import records, search
from control.people.errors import PatientExistsError
from control.people.records import Details, Identifiers
from control.people.rules import Audience, may_know_whereabouts
from control.store.models import Patient

_NUMBER = (NationalNumberError, SyntheticNumberError)


class NewPatient(Input):
    """A record to be made. Without `number` no login can ever be this patient."""

    name: Name
    number: Number | None = None
    external_id: Line | None = Field(default=None, description="The journal system's own identifier")
    born: Day | None = None
    phone: Phone | None = None
    email: Email | None = None
    address: Address | None = None
    protected_address: bool = False
    opted_out: bool = False
    wants_video: bool = False
    list_of: Id | None = Field(default=None, description="The practitioner on whose list the patient is")
    referred_until: Day | None = None


class PatientChanges(Changes):
    """What is not given stays as it is; null empties what may be empty."""

    name: Name = Field(default_factory=str)
    born: Day | None = None
    phone: Phone | None = None
    email: Email | None = None
    address: Address | None = None
    protected_address: bool = Field(default_factory=bool)
    opted_out: bool = Field(default_factory=bool)
    wants_video: bool = Field(default_factory=bool)
    list_of: Id | None = None
    referred_until: Day | None = None


class NumberInput(Input):
    """Whose record it is."""

    number: Number


class Search(Input):
    """By the beginning of the name, or by number: in a body, since addresses are kept in logs."""

    name: Annotated[str | None, Field(min_length=2, max_length=80)] = None
    number: Number | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(min_length=1, max_length=400, pattern=r"^[A-Za-z0-9_-]+$")] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.name is None) == (self.number is None):
            raise PydanticCustomError("name_or_number", "name or number, and not both")
        return self


class PatientLine(Output):
    """A patient in a list: enough to tell people of one name apart."""

    id: Id
    name: str
    born: date | None
    protected_address: bool
    wants_video: bool


class PatientAnswer(Versioned):
    """A record. Address and phone of a patient whose address is protected are told to staff alone."""

    id: Id
    name: str
    can_log_in: bool = Field(description="Whether it is known who this is, so that a login can be this patient")
    external_id: str | None
    born: date | None
    phone: str | None
    email: str | None
    address: str | None
    protected_address: bool
    opted_out: bool
    wants_video: bool
    list_of: Id | None
    referred_until: date | None


class NumberAnswer(Output):
    """An identity number; null where it is not known."""

    number: str | None


@dataclass(frozen=True, slots=True)
class PatientsResource:
    """The routes' acts."""

    pseudonyms: Pseudonyms
    numbers: NumberReader
    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("POST", "/patients", "create_patient", "Adds a patient", CLINIC, self.create),
                body=NewPatient,
                answer=PatientAnswer,
                problems=(*_NUMBER, PatientExistsError),
                status=201,
                location="/patients/{id}",
                idempotent=True,
            ),
            Endpoint(
                *("POST", "/patients/search", "search_patients", "Finds patients", CLINIC, self.search),
                body=Search,
                answer=Page[PatientLine],
                problems=_NUMBER,
            ),
            Endpoint(
                *("GET", "/patients/{id}", "read_patient", "One patient", CLINIC, self.read),
                answer=PatientAnswer,
            ),
            Endpoint(
                *("PATCH", "/patients/{id}", "change_patient", "Changes a record", CLINIC, self.change),
                body=PatientChanges,
                answer=PatientAnswer,
                problems=(PreconditionFailedError,),
                conditional=True,
            ),
            Endpoint(
                *("GET", "/patients/{id}/number", "read_number", "A patient's identity number", CLINIC),
                self.read_number,
                answer=NumberAnswer,
            ),
            Endpoint(
                *("PUT", "/patients/{id}/number", "identify_patient", "Says whose record it is", CLINIC),
                self.identify,
                body=NumberInput,
                answer=PatientAnswer,
                problems=(*_NUMBER, PatientExistsError, PreconditionFailedError),
                conditional=True,
                description="Where the number was another one before, links and grants given out until now are dead.",
            ),
        )

    async def create(self, call: Call[NewPatient, None]) -> PatientAnswer:
        now, given = self.now(), call.body
        known = Identifiers(self._number(given.number, now), given.external_id)
        details = Details(**_renamed(given.model_dump(exclude={"number", "external_id"})))

        async def act(session: AsyncSession) -> PatientAnswer:
            patient = await records.create(session, self.pseudonyms, details, known, actor(call.caller), now)
            return _patient(patient, call.caller)

        return await call.store.transact(call.clinic, act)

    async def search(self, call: Call[Search, None]) -> Page[PatientLine]:
        now, asked = self.now(), call.body
        number = self._number(asked.number, now)
        after = position_of(asked.cursor, str)

        async def act(session: AsyncSession) -> Page[PatientLine]:
            if number is not None:
                found = await search.by_number(session, self.pseudonyms, number, actor(call.caller), now)
                return Page(items=[_line(patient) for patient in found], next=None)
            found, more = await search.by_name(
                session,
                asked.name or "",
                limit=asked.limit,
                after=None if after is None else after[0],
                actor=actor(call.caller),
                now=now,
            )
            following = cursor_of((found[-1].id,)) if more else None
            return Page(items=[_line(patient) for patient in found], next=following)

        return await call.store.transact(call.clinic, act)

    async def read(self, call: Call[None, None]) -> PatientAnswer:
        async def act(session: AsyncSession) -> PatientAnswer:
            return _patient(await records.read(session, call.id, actor(call.caller), self.now()), call.caller)

        return await call.store.transact(call.clinic, act)

    async def change(self, call: Call[PatientChanges, None]) -> PatientAnswer:
        changes = _renamed(call.body.given())

        async def act(session: AsyncSession) -> PatientAnswer:
            patient = await records.change(
                *(session, call.id, call.versions, lambda before: replace(before, **changes)),
                *(actor(call.caller), self.now()),
            )
            return _patient(patient, call.caller)

        return await call.store.transact(call.clinic, act)

    async def read_number(self, call: Call[None, None]) -> NumberAnswer:
        async def act(session: AsyncSession) -> NumberAnswer:
            number = await records.read_number(session, self.pseudonyms, call.id, actor(call.caller), self.now())
            return NumberAnswer(number=None if number is None else number.reveal())

        return await call.store.transact(call.clinic, act)

    async def identify(self, call: Call[NumberInput, None]) -> PatientAnswer:
        now = self.now()
        number = self.numbers.read(call.body.number, now)

        async def act(session: AsyncSession) -> PatientAnswer:
            patient = await records.identify(
                session, self.pseudonyms, call.id, call.versions, number, actor(call.caller), now
            )
            return _patient(patient, call.caller)

        return await call.store.transact(call.clinic, act)

    def _number(self, text: str | None, now: datetime) -> NationalNumber | None:
        return None if text is None else self.numbers.read(text, now)


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    """By the names of the table."""
    return {("list_of_id" if name == "list_of" else name): value for name, value in fields.items()}


def _line(patient: Patient) -> PatientLine:
    return PatientLine(
        id=patient.id,
        name=patient.name,
        born=patient.born,
        protected_address=patient.protected_address,
        wants_video=patient.wants_video,
    )


def _patient(patient: Patient, reader: Caller) -> PatientAnswer:
    audience = Audience.EXPORT if role_of(reader) is Role.INTEGRATOR else Audience.CLINIC
    known = may_know_whereabouts(audience, protected=patient.protected_address)
    return PatientAnswer(
        version=patient.version,
        id=patient.id,
        name=patient.name,
        can_log_in=patient.person_id is not None,
        external_id=patient.external_id,
        born=patient.born,
        phone=patient.phone if known else None,
        email=patient.email,
        address=patient.address if known else None,
        protected_address=patient.protected_address,
        opted_out=patient.opted_out,
        wants_video=patient.wants_video,
        list_of=patient.list_of_id,
        referred_until=patient.referred_until,
    )
