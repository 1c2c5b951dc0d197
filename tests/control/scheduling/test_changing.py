"""Cancelling, moving and postponing: what is free, dead, withdrawn and told afterwards."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from control.errors import ForbiddenError, NotFoundError, PreconditionFailedError
from control.scheduling.booking import Book, book
from control.scheduling.changing import Cancel, Move, cancel, move, postpone
from control.scheduling.errors import BookingRefusedError, ChangeRefusedError, SlotTakenError
from control.scheduling.obstacles import Code
from control.scheduling.schedules import ScheduleFields, create_schedule
from control.scheduling.surface import Surface
from control.store.models import (
    Appointment,
    AppointmentState,
    Attendee,
    AuditEvent,
    Consultation,
    ConsultationState,
    GuardianRelation,
    OutboxState,
    Outcome,
    Practitioner,
    RoomCommand,
    Slot,
    SlotState,
)
from signalling.roles import Role
from signalling.room import Standing
from tests.control.scheduling.world import MINUTE, NINE, World
from tests.control.store.rows import NOW, person


async def meeting(world: World, appointment: str) -> Consultation:
    (found,) = await world.all(Consultation, Consultation.appointment_id == appointment)
    return found


async def commands(world: World) -> list[tuple[str, str, dict[str, object]]]:
    return [(row.kind, row.room, row.arguments) for row in await world.all(RoomCommand)]


async def let_in(world: World, appointment: str) -> None:
    """The call runs: the practitioner has let the patient in."""
    await _stand(world, appointment, Role.PATIENT, Standing.ADMITTED)


async def _stand(world: World, appointment: str, role: Role, standing: Standing) -> None:
    held = await meeting(world, appointment)
    await world.change(Consultation, held.id, state=ConsultationState.RUNNING, epoch=7, sequence=3)
    who = next(attendee for attendee in await world.attendees(appointment) if attendee.role is role)
    given = {
        "standing": standing,
        "waiting_since": NOW,
        "entered_at": NOW,
        "entered_by": NOW.timestamp(),
        "barred": True,
    }
    await world.change(Attendee, who.id, **given)


@pytest.mark.parametrize("by_patient", [True, False])
async def test_a_cancelled_appointment_frees_its_slot_and_revokes_what_was_given_out(
    world: World, by_patient: bool
) -> None:
    made = await world.booked()
    room = (await meeting(world, made.id)).room
    actor = world.me() if by_patient else world.secretary
    await world.do(lambda s: cancel(s, actor, Cancel(made.id), NOW))
    after = await world.one(Appointment, made.id)
    assert (after.state, after.cancelled_at, after.cancelled_by) == (AppointmentState.CANCELLED, NOW, actor.id)
    assert (await world.one(Slot, made.slot_id or "")).state is SlotState.FREE
    assert {a.link_version for a in await world.attendees(made.id)} == {2}
    assert await commands(world) == [("end", room, {"reason": "cancelled"})]
    assert (await meeting(world, made.id)).state is ConsultationState.ENDED
    assert await world.messages(OutboxState.WITHDRAWN) == ["booked", "reminder"]
    assert await world.messages() == ["cancelled"]
    assert [e.actor_id for e in await world.all(AuditEvent, AuditEvent.action == "appointment.cancel")] == [actor.id]


async def test_the_slot_can_be_booked_again(world: World) -> None:
    made = await world.booked()
    await world.do(lambda s: cancel(s, world.me(), Cancel(made.id), NOW))
    again = await world.do(lambda s: book(s, world.me(), Book(made.slot_id or ""), NOW))
    assert again.id != made.id


@pytest.mark.parametrize("late", [False, True])
async def test_patients_cancel_until_the_types_notice_and_staff_later_too(world: World, late: bool) -> None:
    await world.set_type(change_minutes=60)
    made = await world.booked()
    now = NINE - 60 * MINUTE + timedelta(seconds=late)
    if late:
        with pytest.raises(ChangeRefusedError) as caught:
            await world.do(lambda s: cancel(s, world.me(), Cancel(made.id), now))
        assert [o.code for o in caught.value.obstacles] == [Code.TOO_LATE_TO_CHANGE]
        await world.do(lambda s: cancel(s, world.secretary, Cancel(made.id), now))
    else:
        await world.do(lambda s: cancel(s, world.me(), Cancel(made.id), now))


async def _cancelled(world: World, appointment: str) -> None:
    await world.do(lambda s: cancel(s, world.secretary, Cancel(appointment), NOW))


async def _ended(world: World, appointment: str) -> None:
    await world.change(Appointment, appointment, state=AppointmentState.ENDED)


async def _waiting(world: World, appointment: str) -> None:
    await _stand(world, appointment, Role.PATIENT, Standing.LOBBY)


async def _host_alone(world: World, appointment: str) -> None:
    await _stand(world, appointment, Role.PRACTITIONER, Standing.ADMITTED)


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (_cancelled, Code.APPOINTMENT_CANCELLED),
        (_ended, Code.CONSULTATION_ENDED),
        (let_in, Code.CONSULTATION_RUNNING),
        (_waiting, None),
        (_host_alone, None),
    ],
)
async def test_what_runs_or_is_over_is_not_cancelled_and_a_wait_in_the_lobby_is_neither(
    world: World, prepare: Callable[[World, str], Awaitable[None]], code: Code | None
) -> None:
    made = await world.booked()
    await prepare(world, made.id)
    if code is None:
        await world.do(lambda s: cancel(s, world.me(), Cancel(made.id), NOW))
        return
    with pytest.raises(ChangeRefusedError) as caught:
        await world.do(lambda s: cancel(s, world.me(), Cancel(made.id), NOW))
    assert [o.code for o in caught.value.obstacles] == [code]


async def test_strangers_learn_nothing(world: World) -> None:
    made, free = await world.booked(), await world.slot(60)
    other = await world.new_patient("Per Hansen")
    for act in (
        lambda s: cancel(s, world.me(other), Cancel(made.id), NOW),
        lambda s: cancel(s, world.me(), Cancel(made.id, world.patients[other]), NOW),
        lambda s: move(s, world.me(other), Move(made.id, free.id), NOW),
        lambda s: cancel(s, world.me(other), Cancel("z" * 26), NOW),
    ):
        with pytest.raises(NotFoundError):
            await world.do(act)
    assert (await world.one(Appointment, made.id)).state is AppointmentState.BOOKED


async def test_a_guardian_cancels_for_the_child(world: World) -> None:
    child = await world.new_patient("Lille Nordmann")
    made = await world.booked(number=child)
    with pytest.raises(NotFoundError):
        await world.do(lambda s: cancel(s, world.me(0), Cancel(made.id), NOW))
    async with world.database.begin(world.clinic) as session:
        session.add(
            GuardianRelation(patient_id=world.patients[child], person_id=world.persons[0], name="Kari", created_at=NOW)
        )
    await world.do(lambda s: cancel(s, world.me(0), Cancel(made.id), NOW))


async def test_a_change_is_for_the_version_that_was_read(world: World) -> None:
    made = await world.booked()
    with pytest.raises(PreconditionFailedError):
        await world.do(lambda s: cancel(s, world.secretary, Cancel(made.id), NOW, frozenset({99})))
    await world.do(lambda s: cancel(s, world.secretary, Cancel(made.id), NOW, frozenset({made.version})))


@pytest.mark.parametrize("by_patient", [True, False])
async def test_a_moved_appointment_has_another_time_other_links_and_another_room(
    world: World, by_patient: bool
) -> None:
    made, free = await world.booked(), await world.slot(60)
    before = (await meeting(world, made.id)).room
    await _waiting(world, made.id)
    actor = world.me() if by_patient else world.secretary
    moved = await world.do(lambda s: move(s, actor, Move(made.id, free.id), NOW))
    assert (moved.id, moved.starts, moved.ends) == (made.id, free.starts, free.ends)
    assert (await world.one(Slot, made.slot_id or "")).state is SlotState.FREE
    assert (await world.one(Slot, free.id)).state is SlotState.BOOKED
    now = {
        (a.link_version, a.entered_at, a.standing, a.waiting_since, a.barred) for a in await world.attendees(made.id)
    }
    assert now == {(2, None, None, None, False)}
    after = await meeting(world, made.id)
    assert (after.state, after.room == before) == (ConsultationState.PLANNED, False)
    assert await commands(world) == [("end", before, {"reason": "moved"})]
    assert await world.messages(OutboxState.WITHDRAWN) == ["booked", "reminder"]
    assert await world.messages() == ["moved", "reminder"]


async def test_moving_holds_to_the_rules_of_the_new_time_and_not_to_its_own_old_one(world: World) -> None:
    await world.set_type(max_open=1, lead_minutes=60)
    made, free = await world.booked(), await world.slot(30)
    soon = free.starts - 59 * MINUTE
    with pytest.raises(BookingRefusedError) as caught:
        await world.do(lambda s: move(s, world.me(), Move(made.id, free.id), soon))
    assert [o.code for o in caught.value.obstacles] == [Code.TOO_LATE_TO_BOOK]
    await world.do(lambda s: move(s, world.me(), Move(made.id, free.id), NOW))


async def test_nothing_moves_onto_what_is_booked_or_of_another_type(world: World) -> None:
    made = await world.booked()
    other = await world.booked(60)
    with pytest.raises(SlotTakenError):
        await world.do(lambda s: move(s, world.secretary, Move(made.id, other.slot_id or ""), NOW))
    strange = await world.slot(120, type=await world.new_type())
    with pytest.raises(BookingRefusedError):
        await world.do(lambda s: move(s, world.secretary, Move(made.id, strange.id), NOW))


async def test_moving_to_a_colleague_changes_who_is_expected(world: World) -> None:
    made = await world.booked()
    async with world.database.begin(None) as session:
        colleague = person("Eva Lege")
        session.add(colleague)
    async with world.database.begin(world.clinic) as session:
        practitioner = Practitioner(person_id=colleague.id, name="Eva Lege")
        session.add(practitioner)
    hers = await world.do(
        lambda s: create_schedule(s, world.secretary, practitioner.id, ScheduleFields("Eva", True), NOW)
    )
    free = await world.slot(0, schedule=hers.id)
    moved = await world.do(lambda s: move(s, world.secretary, Move(made.id, free.id), NOW))
    assert (moved.practitioner_id, moved.person_id) == (practitioner.id, colleague.id)
    hosts = [a for a in await world.attendees(made.id) if a.role is Role.PRACTITIONER]
    assert {a.name: a.removed_at is None for a in hosts} == {"Ola Lege": False, "Eva Lege": True}


async def group(world: World, size: int = 3) -> Appointment:
    """Two patients in a group with places left."""
    await world.set_type(capacity=size)
    slot = await world.slot()
    if len(world.patients) < 2:
        await world.new_patient("Per Hansen")
    await world.do(lambda s: book(s, world.me(0), Book(slot.id), NOW))
    return await world.do(lambda s: book(s, world.me(1), Book(slot.id), NOW))


async def test_one_patient_leaves_a_group_and_the_others_notice_nothing(world: World) -> None:
    made = await group(world, 2)
    room = (await meeting(world, made.id)).room
    await world.do(lambda s: cancel(s, world.me(1), Cancel(made.id), NOW))
    after = await world.one(Appointment, made.id)
    assert after.state is AppointmentState.BOOKED
    assert after.version > made.version
    assert (await world.one(Slot, made.slot_id or "")).state is SlotState.FREE
    attendees = {attendee.patient_id: attendee for attendee in await world.attendees(made.id)}
    stays, left = attendees[world.patients[0]], attendees[world.patients[1]]
    assert (stays.removed_at, stays.link_version) == (None, 1)
    assert (left.removed_at, left.link_version) == (NOW, 2)
    assert await commands(world) == [("revoke", room, {"participant": left.id})]
    assert await world.messages() == ["booked", "cancelled", "reminder"]
    again = await world.do(lambda s: book(s, world.me(1), Book(made.slot_id or ""), NOW))
    assert again.id == made.id


async def test_staff_cancel_a_group_for_all_and_the_last_ones_leaving_cancels_it(world: World) -> None:
    made = await group(world)
    await world.do(lambda s: cancel(s, world.secretary, Cancel(made.id), NOW))
    assert (await world.one(Appointment, made.id)).state is AppointmentState.CANCELLED
    assert await world.messages() == ["cancelled", "cancelled"]
    second = await world.do(lambda s: book(s, world.me(), Book(made.slot_id or ""), NOW))
    await world.do(lambda s: cancel(s, world.secretary, Cancel(second.id, world.patients[0]), NOW))
    assert (await world.one(Appointment, second.id)).state is AppointmentState.CANCELLED


async def test_a_patient_of_a_group_moves_alone(world: World) -> None:
    made = await group(world)
    free = await world.slot(60)
    moved = await world.do(lambda s: move(s, world.me(1), Move(made.id, free.id), NOW))
    assert (moved.id == made.id, moved.follows_id, moved.starts) == (False, made.id, free.starts)
    assert (await world.one(Appointment, made.id)).state is AppointmentState.BOOKED


async def test_row_75_postponed_even_while_it_runs_and_booked_anew_from_there(world: World) -> None:
    made, free = await world.booked(), await world.slot(60)
    await let_in(world, made.id)
    with pytest.raises(ForbiddenError):
        await world.do(lambda s: postpone(s, world.me(), made.id, free.id, NOW))
    (following,) = await world.do(lambda s: postpone(s, world.secretary, made.id, free.id, NOW))
    after = await world.one(Appointment, made.id)
    assert (after.state, after.outcome) == (AppointmentState.ENDED, Outcome.POSTPONED)
    assert (following.follows_id, following.starts, following.state) == (made.id, free.starts, AppointmentState.BOOKED)
    assert (await meeting(world, made.id)).state is ConsultationState.ENDED
    assert [kind for kind, _, _ in await commands(world)] == ["end"]
    with pytest.raises(ChangeRefusedError):
        await world.do(lambda s: postpone(s, world.secretary, made.id, None, NOW))


async def test_row_75_postponed_without_a_new_time(world: World) -> None:
    made = await world.booked(surface=Surface.PHYSICAL)
    assert await world.messages() == ["booked", "reminder"]
    assert await world.do(lambda s: postpone(s, world.secretary, made.id, None, NOW)) == []
    assert (await world.one(Slot, made.slot_id or "")).state is SlotState.FREE
    assert await world.messages() == ["postponed"], "the patient hears of it"


async def test_row_75_of_a_new_time_the_booking_tells(world: World) -> None:
    made, free = await world.booked(), await world.slot(60)
    await world.do(lambda s: postpone(s, world.secretary, made.id, free.id, NOW))
    assert await world.messages() == ["booked", "reminder"]


async def test_staff_move_a_group_with_its_places(world: World) -> None:
    made, free = await group(world, 3), await world.slot(60)
    moved = await world.do(lambda s: move(s, world.secretary, Move(made.id, free.id), NOW))
    assert (moved.id, (await world.one(Slot, free.id)).state) == (made.id, SlotState.FREE)
    third = await world.new_patient("En Til")
    joined = await world.do(lambda s: book(s, world.me(third), Book(free.id), NOW))
    assert (joined.id, (await world.one(Slot, free.id)).state) == (made.id, SlotState.BOOKED)


@pytest.mark.parametrize(
    ("prepare", "code"), [(_cancelled, Code.APPOINTMENT_CANCELLED), (let_in, Code.CONSULTATION_RUNNING)]
)
async def test_what_runs_or_is_over_is_not_moved(
    world: World, prepare: Callable[[World, str], Awaitable[None]], code: Code
) -> None:
    made, free = await world.booked(), await world.slot(60)
    await prepare(world, made.id)
    with pytest.raises(ChangeRefusedError) as caught:
        await world.do(lambda s: move(s, world.secretary, Move(made.id, free.id), NOW))
    assert [o.code for o in caught.value.obstacles] == [code]


async def test_nobody_is_reminded_of_what_is_too_near(world: World) -> None:
    await world.booked(now=NINE - timedelta(days=2))
    assert await world.messages() == ["booked"]
