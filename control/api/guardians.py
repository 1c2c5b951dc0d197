"""`patients/{id}/guardians` and `guardians`: staff say who may act for a patient, and until when."""

from dataclasses import dataclass, field
from datetime import date

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from control.api.endpoint import Call, Endpoint, Route
from control.api.fields import Day, Email, Name, Number, NumberReader, Phone
from control.api.models import Id, Input, Instant, Output, Versioned
from control.audit.actors import actor
from control.clock import Clock
from control.errors import NationalNumberError, PreconditionFailedError, SyntheticNumberError
from control.identity.pseudonyms import Pseudonyms
from control.identity.roles import STAFF
from control.people import guardians
from control.people.errors import EndDateNeededError, EndDatePassedError, GuardianExistsError, OwnGuardianError
from control.store.models import GuardianRelation


class NewGuardian(Input):
    """Who is to act for the patient. They log in themselves, so their number must be known."""

    number: Number
    name: Name
    phone: Phone | None = None
    email: Email | None = None
    ends_on: Day | None = Field(
        default=None,
        description="The first day without; null for the patient's 16th birthday, where the date of birth is known",
    )


class GuardianChange(Input):
    """Another end date."""

    ends_on: Day


class GuardianAnswer(Versioned):
    """A relation; `revoked_at` is null where it was not revoked."""

    id: Id
    patient: Id
    name: str
    phone: str | None
    email: str | None
    ends_on: date | None
    revoked_at: Instant | None


class GuardiansAnswer(Output):
    """All that a patient has or had."""

    items: list[GuardianAnswer]


@dataclass(frozen=True, slots=True)
class GuardiansResource:
    """The routes' acts."""

    pseudonyms: Pseudonyms = field(repr=False)
    numbers: NumberReader
    now: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            Endpoint(
                *("GET", "/patients/{id}/guardians", "list_guardians", "A patient's guardians", STAFF, self.list),
                answer=GuardiansAnswer,
            ),
            Endpoint(
                *("POST", "/patients/{id}/guardians", "add_guardian", "Lets somebody act for a patient", STAFF),
                self.add,
                body=NewGuardian,
                answer=GuardianAnswer,
                problems=(
                    NationalNumberError,
                    SyntheticNumberError,
                    EndDateNeededError,
                    EndDatePassedError,
                    OwnGuardianError,
                    GuardianExistsError,
                ),
                status=201,
                location="/guardians/{id}",
                idempotent=True,
            ),
            Endpoint(
                *("GET", "/guardians/{id}", "read_guardian", "One relation", STAFF, self.read),
                answer=GuardianAnswer,
            ),
            Endpoint(
                *("PATCH", "/guardians/{id}", "change_guardian", "Changes the end date", STAFF, self.change),
                body=GuardianChange,
                answer=GuardianAnswer,
                problems=(EndDatePassedError, PreconditionFailedError),
                conditional=True,
                description="At appointments from the new date on, the guardian is no longer expected.",
            ),
            Endpoint(
                *("POST", "/guardians/{id}/revoke", "revoke_guardian", "Ends a relation at once", STAFF, self.revoke),
                answer=GuardianAnswer,
                description="Links and grants of the guardian die; a room that they are in lets them go.",
            ),
        )

    async def list(self, call: Call[None, None]) -> GuardiansAnswer:
        async def act(session: AsyncSession) -> GuardiansAnswer:
            found = await guardians.of_patient(session, call.id, actor(call.caller), self.now())
            return GuardiansAnswer(items=[_answer(relation) for relation in found])

        return await call.store.transact(call.clinic, act)

    async def add(self, call: Call[NewGuardian, None]) -> GuardianAnswer:
        now, given = self.now(), call.body
        number = self.numbers.read(given.number, now)
        new = guardians.NewGuardian(number, given.name, given.phone, given.email, given.ends_on)

        async def act(session: AsyncSession) -> GuardianAnswer:
            return _answer(await guardians.add(session, self.pseudonyms, call.id, new, actor(call.caller), now))

        return await call.store.transact(call.clinic, act)

    async def read(self, call: Call[None, None]) -> GuardianAnswer:
        async def act(session: AsyncSession) -> GuardianAnswer:
            return _answer(await guardians.read(session, call.id, actor(call.caller), self.now()))

        return await call.store.transact(call.clinic, act)

    async def change(self, call: Call[GuardianChange, None]) -> GuardianAnswer:
        async def act(session: AsyncSession) -> GuardianAnswer:
            return _answer(
                await guardians.end_on(
                    session, call.id, call.versions, call.body.ends_on, actor(call.caller), self.now()
                )
            )

        return await call.store.transact(call.clinic, act)

    async def revoke(self, call: Call[None, None]) -> GuardianAnswer:
        async def act(session: AsyncSession) -> GuardianAnswer:
            return _answer(await guardians.revoke(session, call.id, actor(call.caller), self.now()))

        return await call.store.transact(call.clinic, act)


def _answer(relation: GuardianRelation) -> GuardianAnswer:
    return GuardianAnswer(
        version=relation.version,
        id=relation.id,
        patient=relation.patient_id,
        name=relation.name,
        phone=relation.phone,
        email=relation.email,
        ends_on=relation.ends_on,
        revoked_at=relation.revoked_at,
    )
