"""Why can't this patient book, start or be notified? Each precondition broken alone, and any of them together."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from control.errors import ForbiddenError, NotFoundError
from control.identity.levels import Level
from control.scheduling.booking import Book, book
from control.scheduling.changing import Cancel, cancel
from control.scheduling.obstacles import WORDS, Code, Obstacle
from control.scheduling.openings import withdraw_slot
from control.scheduling.plans import PlanFields, create_plan, hide_plan
from control.scheduling.questions import AboutBooking, why_not_book, why_not_notified, why_not_start
from control.scheduling.schedules import ScheduleFields, TemplateFields, change_schedule, change_template
from control.scheduling.surface import Surface
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    Attendee,
    AuditEvent,
    AuditSubject,
    Clinic,
    Patient,
    Slot,
    WeekTemplate,
    WorkPlan,
)
from signalling.roles import Role
from tests.control.scheduling.world import MINUTE, MONDAY, NINE, World
from tests.control.store.rows import NOW

Break = Callable[[World], Awaitable[object]]


def _type(**changes: object) -> Break:
    return lambda world: world.change(AppointmentType, world.kind, **changes)


def _patient(**changes: object) -> Break:
    return lambda world: world.change(Patient, world.patients[0], **changes)


def _schedule(world: World) -> Awaitable[object]:
    return world.do(lambda s: change_schedule(s, world.secretary, world.schedule, ScheduleFields("Timebok"), NOW))


async def _template(world: World) -> object:
    (template,) = await world.all(WeekTemplate)
    given = TemplateFields("Uke", (world.entry(),), active=False)
    return await world.do(lambda s: change_template(s, world.secretary, template.id, given, NOW))


async def _plan(world: World) -> object:
    (plan,) = await world.all(WorkPlan)
    return await world.do(lambda s: hide_plan(s, world.secretary, plan.id, False, NOW))


async def _slot(world: World) -> None:
    (slot,) = await world.all(Slot, Slot.type_id == world.kind)
    await world.do(lambda s: withdraw_slot(s, world.secretary, slot.id, NOW))


BOOKING: dict[Code, Break] = {
    Code.VIDEO_OFF: lambda world: world.change(Clinic, world.clinic, video_enabled=False),
    Code.TYPE_NOT_VIDEO: _type(supports_video=False),
    Code.SCHEDULE_NOT_PUBLISHED: _schedule,
    Code.TYPE_NOT_PUBLISHED: _type(published=False),
    Code.TEMPLATE_MISSING: _template,
    Code.WORK_PLAN_MISSING: _plan,
    Code.SLOT_MISSING: _slot,
    Code.AGE_UNKNOWN: _patient(born=None),
    Code.NOT_ON_LIST: _patient(list_of_id=None),
    Code.REFERRAL_MISSING: _patient(referred_until=None),
    Code.TOO_MANY_OPEN_BOOKINGS: _type(max_open=0),
    Code.TOO_LATE_TO_BOOK: _type(lead_minutes=60 * 24 * 30),
}
"""What breaks each precondition of a booking, and no other."""
OUT_OF_BOUNDS: dict[Code, Break] = {
    Code.TOO_YOUNG: _patient(born=date(2015, 1, 1)),
    Code.TOO_OLD: _type(age_from=18, age_to=40),
    Code.TOO_EARLY_TO_BOOK: _type(horizon_days=1),
}
"""The other side of a limit that is broken above."""


async def bookable(world: World) -> AboutBooking:
    """A slot that the patient could book, under rules that are all met."""
    await world.plan(await world.template(world.entry()))
    await world.change(AppointmentType, world.kind, age_from=18, own_list_only=True, referral_needed=True, max_open=3)
    patient = {"born": date(1980, 1, 1), "list_of_id": world.practitioner, "referred_until": date(2027, 1, 1)}
    await world.change(Patient, world.patients[0], **patient)
    return AboutBooking(world.patients[0], world.schedule, world.kind)


async def codes(world: World, question: AboutBooking) -> list[Code]:
    found = await world.do(lambda s: why_not_book(s, world.secretary, question, NOW))
    for obstacle in found:
        assert (obstacle.limit is None) == (WORDS[obstacle.code].limit is None)
    return sorted(obstacle.code for obstacle in found)


@pytest.mark.parametrize("code", BOOKING | OUT_OF_BOUNDS)
async def test_row_09_each_precondition_of_booking_alone(world: World, code: Code) -> None:
    question = await bookable(world)
    assert await codes(world, question) == []
    await (BOOKING | OUT_OF_BOUNDS)[code](world)
    assert await codes(world, question) == [code]


@pytest.mark.parametrize("order", [list(BOOKING), list(reversed(BOOKING))], ids=["forward", "backward"])
async def test_row_09_two_and_more_and_all_come(world: World, order: Sequence[Code]) -> None:
    question = await bookable(world)
    broken: set[Code] = set()
    for code in order:
        await BOOKING[code](world)
        broken.add(code)
        # Without a slot there is no start that it could be too late for.
        expected = broken - {Code.TOO_LATE_TO_BOOK} if Code.SLOT_MISSING in broken else broken
        assert await codes(world, question) == sorted(expected)


async def test_row_09_about_one_slot_that_somebody_has(world: World) -> None:
    question = await bookable(world)
    (slot,) = await world.all(Slot)
    other = await world.new_patient("Per Hansen")
    command = Book(slot.id, world.patients[other])
    await world.do(lambda s: book(s, world.secretary, command, NOW))
    assert await codes(world, question) == [Code.SLOT_MISSING]
    assert await codes(world, replace(question, slot=slot.id)) == [Code.SLOT_TAKEN]
    asked = replace(question, patient=world.patients[other], slot=slot.id)
    await world.change(Patient, world.patients[other], list_of_id=world.practitioner, referred_until=date(2027, 1, 1))
    assert await codes(world, asked) == sorted([Code.SLOT_TAKEN, Code.ALREADY_BOOKED])


async def test_nothing_at_all_set_up(world: World) -> None:
    question = AboutBooking(world.patients[0], world.schedule, world.kind)
    expected = [Code.SLOT_MISSING, Code.TEMPLATE_MISSING, Code.WORK_PLAN_MISSING]
    assert await codes(world, question) == expected


async def test_row_09_a_template_that_another_schedule_uses_is_not_this_ones(world: World) -> None:
    template = await world.template(world.entry())
    question = AboutBooking(world.patients[0], world.schedule, world.kind)
    # Nobody uses it yet: what is missing is the plan.
    assert await codes(world, question) == [Code.SLOT_MISSING, Code.WORK_PLAN_MISSING]
    given = PlanFields(template, MONDAY, MONDAY)
    other = await world.new_schedule()
    await world.do(lambda s: create_plan(s, world.secretary, other, given, NOW))
    assert await codes(world, question) == [Code.SLOT_MISSING, Code.TEMPLATE_MISSING, Code.WORK_PLAN_MISSING]


async def test_row_09_a_plan_for_another_type_is_no_plan_for_this_one(world: World) -> None:
    other = await world.new_type(name="Annet")
    await world.plan(await world.template(world.entry(type=other)))
    question = AboutBooking(world.patients[0], world.schedule, world.kind)
    assert await codes(world, question) == [Code.SLOT_MISSING, Code.TEMPLATE_MISSING, Code.WORK_PLAN_MISSING]
    await world.template(world.entry())
    assert await codes(world, question) == [Code.SLOT_MISSING, Code.WORK_PLAN_MISSING]


async def test_row_09_a_hidden_templates_plan_is_no_plan_for_a_new_template(world: World) -> None:
    question = await bookable(world)
    await _slot(world)
    await _template(world)
    assert await codes(world, question) == [Code.SLOT_MISSING, Code.TEMPLATE_MISSING]
    await world.template(world.entry())
    assert await codes(world, question) == [Code.SLOT_MISSING, Code.WORK_PLAN_MISSING]


async def of_patient(world: World, appointment: Appointment) -> Attendee:
    return next(a for a in await world.attendees(appointment.id) if a.role is Role.PATIENT)


async def _guest(world: World, _: Appointment, who: Attendee) -> None:
    await world.change(Attendee, who.id, role=Role.GUEST)
    await world.change(AppointmentType, world.kind, guests=False)


STARTING: dict[Code, Callable[[World, Appointment, Attendee], Awaitable[object]]] = {
    Code.VIDEO_OFF: lambda world, _, __: world.change(Clinic, world.clinic, video_enabled=False),
    Code.APPOINTMENT_CANCELLED: lambda world, made, _: world.change(
        Appointment, made.id, state=AppointmentState.CANCELLED
    ),
    Code.APPOINTMENT_NOT_VIDEO: lambda world, made, _: world.change(Appointment, made.id, surface=Surface.PHYSICAL),
    Code.LOGIN_REQUIRED: lambda world, _, who: world.change(
        Attendee, who.id, person_id=None, level=Level.SUBSTANTIAL.acr
    ),
    Code.LINK_REVOKED: lambda world, _, who: world.change(Attendee, who.id, removed_at=NOW),
    Code.JOIN_TOO_EARLY: lambda world, made, _: world.change(Appointment, made.id, starts=NINE + 16 * MINUTE),
}
"""What breaks each precondition of a start, and no other; the patient comes as it begins."""
OTHERWISE: dict[Code, Callable[[World, Appointment, Attendee], Awaitable[object]]] = {
    Code.CONSULTATION_ENDED: lambda world, made, _: world.change(Appointment, made.id, state=AppointmentState.ENDED),
    Code.JOIN_TOO_LATE: lambda world, made, _: world.change(Appointment, made.id, starts=NINE - 121 * MINUTE),
    Code.GUARDIAN_ENDED: lambda world, _, who: world.change(Attendee, who.id, role=Role.GUARDIAN),
    Code.GUESTS_NOT_ALLOWED: _guest,
}
"""The other ends, and who is no patient."""


async def start_codes(world: World, attendee: str, now: datetime = NINE) -> list[Code]:
    found = await world.do(lambda s: why_not_start(s, world.secretary, attendee, now))
    return [obstacle.code for obstacle in found]


@pytest.mark.parametrize("code", STARTING | OTHERWISE)
async def test_row_09_each_precondition_of_a_start_alone(world: World, code: Code) -> None:
    made = await world.booked()
    who = await of_patient(world, made)
    assert await start_codes(world, who.id) == []
    await (STARTING | OTHERWISE)[code](world, made, who)
    assert await start_codes(world, who.id) == [code]


async def test_row_09_all_of_a_start_come_together(world: World) -> None:
    made = await world.booked()
    who = await of_patient(world, made)
    broken: set[Code] = set()
    for code, act in STARTING.items():
        await act(world, made, who)
        broken.add(code)
        assert set(await start_codes(world, who.id)) == broken


async def test_row_09_the_practitioner_is_asked_about_as_well(world: World) -> None:
    made = await world.booked()
    host = next(a for a in await world.attendees(made.id) if a.role is Role.PRACTITIONER)
    assert await start_codes(world, host.id, NINE - timedelta(minutes=60)) == []
    assert await start_codes(world, host.id, NINE - timedelta(minutes=61)) == [Code.JOIN_TOO_EARLY]
    assert await start_codes(world, host.id, NINE + timedelta(minutes=121)) == [Code.JOIN_TOO_LATE]


NOTIFYING: dict[Code, Break] = {
    Code.TYPE_SILENT: _type(notifies=False),
    Code.NO_CONTACT_DATA: _patient(phone=None, email=None),
    Code.OPTED_OUT: _patient(opted_out=True),
    Code.PROTECTED_ADDRESS: _patient(protected_address=True),
}


async def notify_obstacles(world: World, attendee: str) -> Sequence[Obstacle]:
    return await world.do(lambda s: why_not_notified(s, world.secretary, attendee, NOW))


@pytest.mark.parametrize("code", NOTIFYING)
async def test_row_09_each_precondition_of_a_message_alone(world: World, code: Code) -> None:
    who = await of_patient(world, await world.booked())
    assert await notify_obstacles(world, who.id) == ()
    await NOTIFYING[code](world)
    assert await notify_obstacles(world, who.id) == (Obstacle(code),)


async def test_row_09_a_patients_protected_address_holds_for_the_guardian_too(world: World) -> None:
    made = await world.booked()
    async with world.database.begin(world.clinic) as session:
        mother = Attendee(
            appointment_id=made.id,
            role=Role.GUARDIAN,
            name="Mor",
            phone="+4790000001",
            for_patient_id=world.patients[0],
        )
        session.add(mother)
    assert await notify_obstacles(world, mother.id) == ()
    await world.change(Patient, world.patients[0], opted_out=True)
    assert await notify_obstacles(world, mother.id) == (), "no messages is the patient's own wish"
    await world.change(Patient, world.patients[0], opted_out=False, protected_address=True, phone=None)
    assert await notify_obstacles(world, mother.id) == (Obstacle(Code.PROTECTED_ADDRESS),)
    await world.do(lambda s: cancel(s, world.secretary, Cancel(made.id), NOW))
    assert await world.messages() == []
    events = await world.all(AuditEvent, AuditEvent.action == "obstacles.notify")
    assert all(["patient", world.patients[0]] in event.subjects for event in events)


async def test_row_09_all_of_a_message_come_together(world: World) -> None:
    who = await of_patient(world, await world.booked())
    broken: set[Code] = set()
    for code, act in NOTIFYING.items():
        await act(world)
        broken.add(code)
        assert {obstacle.code for obstacle in await notify_obstacles(world, who.id)} == broken


def test_row_09_every_code_is_broken_alone_here_or_can_not_be_asked_about() -> None:
    of_one_slot = {Code.SLOT_TAKEN, Code.ALREADY_BOOKED}  # test_row_09_about_one_slot_that_somebody_has
    of_changes = {Code.CONSULTATION_RUNNING, Code.TOO_LATE_TO_CHANGE}  # test_rules: test_cancelling_and_moving
    of_strangers = {Code.NEW_PATIENTS_CLOSED, Code.WRONG_PERSON}  # whoever is asked about is known
    tables = (BOOKING, OUT_OF_BOUNDS, STARTING, OTHERWISE, NOTIFYING)
    assert set().union(*tables, of_one_slot, of_changes, of_strangers) == set(Code)
    assert not (of_changes | of_strangers) & set().union(*tables)


async def test_asking_is_for_staff_and_leaves_a_trace(world: World) -> None:
    who = await of_patient(world, await world.booked())
    question = AboutBooking(world.patients[0], world.schedule, world.kind)
    before = len(await world.all(AuditSubject))
    for act in (
        lambda s, actor: why_not_book(s, actor, question, NOW),
        lambda s, actor: why_not_start(s, actor, who.id, NOW),
        lambda s, actor: why_not_notified(s, actor, who.id, NOW),
    ):
        with pytest.raises(ForbiddenError):
            await world.do(lambda s, act=act: act(s, world.me()))  # type: ignore[misc]
        await world.do(lambda s, act=act: act(s, world.secretary))  # type: ignore[misc]
    assert len(await world.all(AuditSubject)) == before + 3
    with pytest.raises(NotFoundError):
        await world.do(lambda s: why_not_start(s, world.secretary, "z" * 26, NOW))
