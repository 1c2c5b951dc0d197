"""Booking: who may, what follows from it, and that a time is never promised twice."""

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.audit.chain import Reference
from control.errors import ForbiddenError, NotFoundError
from control.people import wishes
from control.scheduling.booking import Book, book
from control.scheduling.errors import BookingRefusedError, SlotTakenError, VideoOffError
from control.scheduling.obstacles import Code
from control.scheduling.surface import Surface
from control.store.database import Database
from control.store.models import (
    Appointment,
    AppointmentState,
    Attendee,
    AuditEvent,
    AuditSubject,
    Clinic,
    Consultation,
    GuardianRelation,
    Patient,
    Slot,
    SlotState,
)
from signalling.roles import Role
from tests.control.scheduling.world import MINUTE, NINE, World, build
from tests.control.store.rows import NOW

ATTEMPTS = 200


async def refused(world: World, actor: Reference, command: Book) -> list[Code]:
    """The obstacles of a booking that is refused."""
    with pytest.raises(BookingRefusedError) as caught:
        await world.do(lambda s: book(s, actor, command, NOW))
    return [obstacle.code for obstacle in caught.value.obstacles]


async def test_row_06_staff_book_and_the_patient_has_it_at_once(world: World) -> None:
    slot = await world.slot()
    made = await world.do(lambda s: book(s, world.secretary, Book(slot.id, world.patients[0]), NOW))
    assert (made.starts, made.ends, made.surface) == (NINE, NINE + 30 * MINUTE, Surface.VIDEO)
    attendees = {attendee.role: attendee for attendee in await world.attendees(made.id)}
    assert attendees[Role.PATIENT].person_id == world.persons[0]
    assert attendees[Role.PRACTITIONER].person_id == world.doctor
    assert (await world.one(Slot, slot.id)).state is SlotState.BOOKED
    (meeting,) = await world.all(Consultation)
    assert meeting.appointment_id == made.id


async def test_row_68_booking_is_told_and_a_silent_type_is_silent(world: World) -> None:
    await world.booked()
    assert await world.messages() == ["booked", "reminder"]
    await world.set_type(notifies=False)
    await world.booked(60)
    assert await world.messages() == ["booked", "reminder", "reminder"]
    await world.set_type(notifies=False, reminds=False)
    await world.booked(120)
    assert await world.messages() == ["booked", "reminder", "reminder"]


@pytest.mark.parametrize("setting", ["opted_out", "protected_address"])
async def test_who_wants_or_may_get_no_messages_gets_none(world: World, setting: str) -> None:
    await world.change(Patient, world.patients[0], **{setting: True})
    await world.booked()
    assert await world.messages() == []


async def test_a_booking_is_in_the_audit_log_and_found_by_its_patient(world: World) -> None:
    await world.booked()
    event = (await world.all(AuditEvent, AuditEvent.action == "appointment.book"))[0]
    assert (event.actor_kind, event.actor_id) == (world.secretary.kind, world.secretary.id)
    subjects = await world.all(AuditSubject, AuditSubject.sequence == event.sequence)
    assert [subject.patient_id for subject in subjects] == [world.patients[0]]


async def test_row_14_the_patient_books_with_a_comment_for_the_practitioner(world: World) -> None:
    slot = await world.slot()
    made = await world.do(lambda s: book(s, world.me(), Book(slot.id, comment="Vondt i ryggen"), NOW))
    (patient,) = [a for a in await world.attendees(made.id) if a.role is Role.PATIENT]
    assert (patient.patient_id, patient.comment) == (world.patients[0], "Vondt i ryggen")
    other = await world.new_patient("Per Hansen")
    with pytest.raises(SlotTakenError):
        await world.do(lambda s: book(s, world.me(other), Book(slot.id), NOW))


async def test_row_03_the_appointments_own_surface_wins(world: World) -> None:
    slot = await world.slot()
    command = Book(slot.id, world.patients[0], surface=Surface.TELEPHONE)
    made = await world.do(lambda s: book(s, world.secretary, command, NOW))
    assert made.surface is Surface.TELEPHONE
    assert await world.all(Consultation) == []


@pytest.mark.parametrize("given", [{"surface": Surface.PHYSICAL}, {"remark": "x"}, {"external": True}])
async def test_patients_choose_only_what_is_theirs(world: World, given: dict[str, object]) -> None:
    slot = await world.slot()
    with pytest.raises(ForbiddenError):
        await world.do(lambda s: book(s, world.me(), Book(slot.id, **given), NOW))  # type: ignore[arg-type]


async def test_row_01_a_clinic_without_video_refuses_it(world: World) -> None:
    slot = await world.slot()
    await world.change(Clinic, world.clinic, video_enabled=False)
    with pytest.raises(VideoOffError) as caught:
        await world.do(lambda s: book(s, world.secretary, Book(slot.id, world.patients[0]), NOW))
    assert caught.value.status == 403


RULES: dict[Code, tuple[dict[str, object], dict[str, object]]] = {
    Code.AGE_UNKNOWN: ({"age_from": 16}, {"born": None}),
    Code.TOO_YOUNG: ({"age_from": 16}, {"born": date(2015, 1, 1)}),
    Code.TOO_OLD: ({"age_to": 16}, {}),
    Code.NOT_ON_LIST: ({"own_list_only": True}, {}),
    Code.REFERRAL_MISSING: ({"referral_needed": True}, {"referred_until": date(2026, 3, 8)}),
    Code.TOO_LATE_TO_BOOK: ({"lead_minutes": 8 * 24 * 60}, {}),
    Code.TOO_EARLY_TO_BOOK: ({"horizon_days": 3}, {}),
}


@pytest.mark.parametrize("code", RULES)
async def test_row_08_rules_of_the_type_bind_the_patient_and_not_staff(world: World, code: Code) -> None:
    of_type, of_patient = RULES[code]
    await world.set_type(**of_type)
    await world.change(Patient, world.patients[0], **of_patient)
    slot = await world.slot()
    assert await refused(world, world.me(), Book(slot.id)) == [code]
    assert await world.all(Appointment) == []
    await world.do(lambda s: book(s, world.secretary, Book(slot.id, world.patients[0]), NOW))


async def test_row_08_who_is_on_the_list_and_referred_may(world: World) -> None:
    await world.set_type(own_list_only=True, referral_needed=True)
    patient = {"list_of_id": world.practitioner, "referred_until": NINE.date()}
    await world.change(Patient, world.patients[0], **patient)
    slot = await world.slot()
    await world.do(lambda s: book(s, world.me(), Book(slot.id), NOW))


async def test_row_08_open_bookings_are_counted_by_type_and_only_those_to_come(world: World) -> None:
    await world.set_type(max_open=1)
    await world.booked()
    slot = await world.slot(60)
    assert await refused(world, world.me(), Book(slot.id)) == [Code.TOO_MANY_OPEN_BOOKINGS]
    other = await world.slot(120, type=await world.new_type())
    await world.do(lambda s: book(s, world.me(), Book(other.id), NOW))
    later = NINE + timedelta(hours=1, minutes=-1)
    await world.do(lambda s: book(s, world.me(), Book(slot.id), later))


async def test_row_08_the_reasons_come_in_plain_words_and_what_mends_them_is_for_staff(world: World) -> None:
    await world.set_type(age_from=90, own_list_only=True)
    slot = await world.slot()
    with pytest.raises(BookingRefusedError) as caught:
        await world.do(lambda s: book(s, world.me(), Book(slot.id), NOW))
    obstacles = caught.value.members["obstacles"]
    assert isinstance(obstacles, list)
    assert [o["code"] for o in obstacles] == ["too_young", "not_on_list"]
    assert obstacles[0]["age_from"] == 90
    assert all(o["reason"]["nb"] and o["reason"]["en"] and "mend" not in o for o in obstacles)


async def test_row_67_an_unknown_patient_books_where_the_clinic_takes_them(world: World) -> None:
    await world.do(lambda s: s.execute(update(Patient).values(person_id=None)))
    slot = await world.slot()
    assert await refused(world, world.me(), Book(slot.id)) == [Code.NEW_PATIENTS_CLOSED]
    await world.change(Clinic, world.clinic, unknown_patients_book=True)
    await world.set_type(new_patients=False)
    assert await refused(world, world.me(), Book(slot.id)) == [Code.NEW_PATIENTS_CLOSED]
    assert len(await world.all(Patient)) == 1
    await world.set_type()
    made = await world.do(lambda s: book(s, world.me(), Book(slot.id), NOW))
    (record,) = await world.all(Patient, Patient.person_id == world.persons[0])
    assert record.name == "Kari Nordmann"
    assert record.id in {a.patient_id for a in await world.attendees(made.id)}


async def test_who_books_two_first_times_at_once_becomes_one_patient(world: World) -> None:
    """With two practitioners, so that neither booking waits for the other's times."""
    await world.do(lambda s: s.execute(update(Patient).values(person_id=None)))
    await world.change(Clinic, world.clinic, unknown_patients_book=True)
    slots = [await world.slot(), await world.slot(schedule=await world.new_schedule())]
    both_looked = asyncio.Barrier(2)

    async def at_once(slot: str) -> Appointment:
        async def act(session: AsyncSession) -> Appointment:
            if world.database.dialect != "sqlite":  # which has one writer at a time
                await session.scalar(select(Patient.id).limit(1))
                await both_looked.wait()
            return await book(session, world.me(), Book(slot), NOW)

        return await world.do(act)

    await asyncio.gather(*(at_once(slot.id) for slot in slots))
    (record,) = await world.all(Patient, Patient.person_id == world.persons[0])
    assert len(await world.all(Attendee, Attendee.patient_id == record.id)) == 2


async def guard(world: World, child: int, parent: int, **given: object) -> None:
    async with world.database.begin(world.clinic) as session:
        relation = {"patient_id": world.patients[child], "person_id": world.persons[parent], "name": "Kari Nordmann"}
        session.add(GuardianRelation(**{**relation, "created_at": NOW, **given}))


async def test_a_guardian_books_for_the_child_and_is_expected_too(world: World) -> None:
    child = await world.new_patient("Lille Nordmann", born=date(2015, 1, 1))
    await guard(world, child, 0)
    slot = await world.slot()
    made = await world.do(lambda s: book(s, world.me(0), Book(slot.id, world.patients[child]), NOW))
    roles = {a.role: a.person_id for a in await world.attendees(made.id)}
    assert roles[Role.PATIENT] == world.persons[child]
    assert roles[Role.GUARDIAN] == world.persons[0]


@pytest.mark.parametrize("given", [None, {"revoked_at": NOW}, {"ends_on": NOW.date()}])
async def test_nobody_else_learns_that_there_is_such_a_patient(world: World, given: dict[str, object] | None) -> None:
    child = await world.new_patient("Lille Nordmann")
    if given is not None:
        await guard(world, child, 0, **given)
    slot = await world.slot()
    with pytest.raises(NotFoundError):
        await world.do(lambda s: book(s, world.me(0), Book(slot.id, world.patients[child]), NOW))
    with pytest.raises(NotFoundError):
        await world.do(lambda s: book(s, world.me(0), Book(slot.id, "z" * 26), NOW))


@pytest.mark.parametrize(
    ("external", "remark", "surface", "hinted"),
    [
        (True, "Pasienten vil ha VIDEO", Surface.PHYSICAL, True),
        (True, "Kontroll", Surface.PHYSICAL, False),
        (True, "video", Surface.VIDEO, False),
        (False, "video", Surface.PHYSICAL, False),
    ],
)
async def test_row_12_an_external_booking_that_says_video_is_flagged(
    world: World, external: bool, remark: str, surface: Surface, hinted: bool
) -> None:
    slot = await world.slot()
    command = Book(slot.id, world.patients[0], surface=surface, remark=remark, external=external)
    journal = Reference("integrator", "journal")
    made = await world.do(lambda s: book(s, journal, command, NOW))
    assert made.video_hinted is hinted


async def test_row_62_a_follow_up_is_booked_from_the_appointment(world: World) -> None:
    first = await world.booked()
    second = await world.booked(60, follows=first.id)
    assert second.follows_id == first.id
    other = await world.new_patient("Per Hansen")
    with pytest.raises(NotFoundError):
        await world.booked(120, other, follows=first.id)


async def test_row_77_the_wish_for_video_is_seen_until_it_is_met(world: World) -> None:
    await world.do(
        lambda s: wishes.wish(
            s, world.persons[0], world.patients[0], video=True, no_messages=None, actor=world.me(), now=NOW
        )
    )
    assert (await world.one(Patient, world.patients[0])).wants_video
    await world.booked(0, surface=Surface.PHYSICAL)
    assert (await world.one(Patient, world.patients[0])).wants_video
    await world.booked(60)
    assert not (await world.one(Patient, world.patients[0])).wants_video


async def test_a_group_takes_patients_until_it_is_full(world: World) -> None:
    await world.set_type(capacity=2)
    slot = await world.slot()
    for _ in range(2):
        await world.new_patient("En Til")
    first, second = [
        await world.do(lambda s, n=n: book(s, world.me(n), Book(slot.id, comment=f"{n}"), NOW))  # type: ignore[misc]
        for n in (0, 1)
    ]
    assert first.id == second.id
    attendees = await world.attendees(first.id)
    assert sorted(a.comment or "" for a in attendees if a.role is Role.PATIENT) == ["0", "1"]
    assert len([a for a in attendees if a.role is Role.PRACTITIONER]) == 1
    assert (await world.one(Slot, slot.id)).state is SlotState.BOOKED
    with pytest.raises(SlotTakenError):
        await world.do(lambda s: book(s, world.me(2), Book(slot.id), NOW))


async def test_nobody_is_in_a_group_twice(world: World) -> None:
    await world.set_type(capacity=3)
    slot = await world.slot()
    await world.do(lambda s: book(s, world.me(), Book(slot.id), NOW))
    assert await refused(world, world.secretary, Book(slot.id, world.patients[0])) == [Code.ALREADY_BOOKED]


async def test_a_time_promised_in_another_clinic_is_taken_and_nothing_more_is_told(database: Database) -> None:
    here = await build(database)
    there = await build(database, "oest", here.doctor)
    slot = await here.slot(15)
    free = await here.slot(45)
    await there.booked(0)
    with pytest.raises(SlotTakenError) as caught:
        await here.do(lambda s: book(s, here.secretary, Book(slot.id, here.patients[0]), NOW))
    assert caught.value.code == "slot_taken"
    assert set(caught.value.members) == {"obstacles"}
    await here.do(lambda s: book(s, here.secretary, Book(free.id, here.patients[0]), NOW))


async def attempts(worlds: list[tuple[World, str]]) -> list[str]:
    """Books every slot at once, each by another patient; the codes of those that did not get it."""

    async def one(world: World, slot: str, patient: str) -> str | None:
        try:
            await world.do(lambda s: book(s, world.secretary, Book(slot, patient), NOW))
        except BookingRefusedError as error:
            return error.code
        return None

    found = await asyncio.gather(*(one(w, slot, w.patients[n % len(w.patients)]) for n, (w, slot) in enumerate(worlds)))
    return [code for code in found if code is not None]


async def test_row_14_of_200_attempts_at_one_slot_one_succeeds(world: World) -> None:
    for number in range(9):
        await world.new_patient(f"Pasient {number}")
    slot = await world.slot()
    codes = await attempts([(world, slot.id)] * ATTEMPTS)
    assert codes == ["slot_taken"] * (ATTEMPTS - 1)
    assert len(await world.all(Appointment)) == 1


async def test_of_200_attempts_at_overlapping_slots_of_two_clinics_one_succeeds(database: Database) -> None:
    here = await build(database)
    there = await build(database, "oest", here.doctor)
    slots = [(here, (await here.slot(15)).id), (there, (await there.slot(0)).id)]
    codes = await attempts(slots * (ATTEMPTS // 2))
    assert codes == ["slot_taken"] * (ATTEMPTS - 1)
    async with database.look(None) as session:
        statement = select(Appointment.id).where(Appointment.state == AppointmentState.BOOKED)
        made = await session.scalars(statement, execution_options={"across": "operation"})
        assert len(made.all()) == 1


async def test_what_another_clinic_has_is_not_there(database: Database) -> None:
    here = await build(database)
    there = await build(database, "oest")
    slot = await there.slot()
    for command in (Book(slot.id, here.patients[0]), Book((await here.slot()).id, there.patients[0])):
        with pytest.raises(NotFoundError) as foreign:
            await here.do(lambda s, c=command: book(s, here.secretary, c, NOW))  # type: ignore[misc]
        with pytest.raises(NotFoundError) as missing:
            await here.do(lambda s: book(s, here.secretary, Book("z" * 26, "z" * 26), NOW))
        assert vars(foreign.value) == vars(missing.value)
