"""From physical to video and back: one appointment, and a whole day with its free slots."""

from datetime import timedelta
from typing import Any

import pytest

from control.errors import ForbiddenError, NotFoundError
from control.scheduling.booking import Book, book
from control.scheduling.changing import Cancel, cancel
from control.scheduling.errors import BookingRefusedError, ChangeRefusedError, VideoOffError
from control.scheduling.obstacles import Code
from control.scheduling.plans import update_plan
from control.scheduling.surface import Surface
from control.scheduling.surfaces import day_to_video, make_physical, make_video
from control.store.models import (
    Appointment,
    AppointmentState,
    AppointmentType,
    AuditEvent,
    Clinic,
    Consultation,
    ConsultationState,
    OutboxEntry,
    OutboxState,
    RoomCommand,
    Slot,
    SlotOrigin,
    SlotState,
)
from tests.control.scheduling.world import MINUTE, MONDAY, NINE, World
from tests.control.store.rows import NOW


async def physical(world: World, minutes: int = 0, number: int = 0, **given: Any) -> Appointment:
    return await world.booked(minutes, number, surface=Surface.PHYSICAL, **given)


async def kinds_of(world: World, kind: str) -> list[OutboxEntry]:
    return list(await world.all(OutboxEntry, OutboxEntry.kind == kind, OutboxEntry.state == OutboxState.QUEUED))


async def test_row_07_one_appointment_becomes_video_and_the_patient_is_told(world: World) -> None:
    made = await physical(world, external=True, remark="video")
    assert await world.all(Consultation) == []
    await world.do(lambda s: make_video(s, world.secretary, made.id, NOW))
    after = await world.one(Appointment, made.id)
    assert (after.surface, after.video_hinted, after.version > made.version) == (Surface.VIDEO, False, True)
    (meeting,) = await world.all(Consultation)
    assert meeting.appointment_id == made.id
    assert await world.messages() == ["reminder", "to_video"]
    assert len(await world.all(AuditEvent, AuditEvent.action == "appointment.to_video")) == 1


@pytest.mark.parametrize("silent", [False, True])
async def test_row_07_the_day_switch_converts_all_and_tells_each_patient_once(world: World, silent: bool) -> None:
    await world.set_type(notifies=not silent)
    await world.new_patient("Per Hansen")
    first, second = await physical(world), await physical(world, 60)
    other = await physical(world, 120, 1)
    already = await world.booked(180, 1)
    free = await world.slot(240, surface=Surface.PHYSICAL)
    tomorrow = await physical(world, 24 * 60)
    free_tomorrow = await world.slot(25 * 60, surface=Surface.PHYSICAL)
    switch = await world.do(lambda s: day_to_video(s, world.secretary, world.schedule, MONDAY, NOW))
    assert (switch.appointments, switch.slots, switch.left) == (3, 1, ())
    surfaces = {each.id: each.surface for each in await world.all(Appointment)}
    assert {surfaces[each.id] for each in (first, second, other, already)} == {Surface.VIDEO}
    assert surfaces[tomorrow.id] is Surface.PHYSICAL
    assert (await world.one(Slot, free.id)).surface is Surface.VIDEO
    assert (await world.one(Slot, free_tomorrow.id)).surface is Surface.PHYSICAL
    told = {entry.appointment_id: entry.arguments for entry in await kinds_of(world, "to_video")}
    expected = {first.id: {"appointments": [first.id, second.id]}, other.id: {"appointments": [other.id]}}
    assert told == ({} if silent else expected)
    reminded = {entry.appointment_id for entry in await kinds_of(world, "reminder")}
    assert reminded >= {first.id, second.id, other.id}
    assert len(await world.all(Consultation)) == 4
    again = await world.do(lambda s: day_to_video(s, world.secretary, world.schedule, MONDAY, NOW))
    assert (again.appointments, again.slots) == (0, 0)
    assert len(await kinds_of(world, "to_video")) == len(told)


async def test_row_07_the_new_free_video_slots_are_bookable_and_survive_the_plan(world: World) -> None:
    template = await world.template(world.entry(surface=Surface.PHYSICAL))
    plan = (await world.plan(template)).plan
    await world.do(lambda s: day_to_video(s, world.secretary, world.schedule, MONDAY, NOW))
    updated = await world.do(lambda s: update_plan(s, world.secretary, plan.id, NOW))
    assert (updated.added, updated.removed, len(updated.hindered)) == (0, 0, 1)
    (slot,) = await world.all(Slot, Slot.state == SlotState.FREE)
    assert (slot.surface, slot.origin) == (Surface.VIDEO, SlotOrigin.HAND)
    made = await world.do(lambda s: book(s, world.me(), Book(slot.id), NOW))
    assert made.surface is Surface.VIDEO


async def test_row_07_what_is_past_cancelled_or_not_held_by_video_is_left(world: World) -> None:
    early, gone, later = await physical(world), await physical(world, 30), await physical(world, 60)
    await world.do(lambda s: cancel(s, world.secretary, Cancel(gone.id), NOW))
    no_video = await world.new_type(name="Prøve", supports_video=False, surface=Surface.PHYSICAL)
    slot = await world.slot(90, type=no_video)
    left = await world.do(lambda s: book(s, world.secretary, Book(slot.id, world.patients[0]), NOW))
    free = await world.slot(120, type=no_video)
    now = NINE + 10 * MINUTE
    switch = await world.do(lambda s: day_to_video(s, world.secretary, world.schedule, MONDAY, now))
    assert (switch.appointments, switch.left) == (1, (left.id,))
    surfaces = {each.id: each.surface for each in await world.all(Appointment)}
    assert [surfaces[each.id] for each in (early, gone, later, left)] == [
        Surface.PHYSICAL,
        Surface.PHYSICAL,
        Surface.VIDEO,
        Surface.PHYSICAL,
    ]
    assert (await world.one(Slot, free.id)).surface is Surface.PHYSICAL


async def test_row_07_each_patient_of_a_group_is_told(world: World) -> None:
    await world.set_type(capacity=3)
    await world.new_patient("Per Hansen")
    slot = await world.slot(surface=Surface.PHYSICAL)
    for number in (0, 1):
        await world.do(lambda s, n=number: book(s, world.me(n), Book(slot.id), NOW))  # type: ignore[misc]
    await world.do(lambda s: day_to_video(s, world.secretary, world.schedule, MONDAY, NOW))
    assert len(await kinds_of(world, "to_video")) == 2


async def test_row_01_nothing_becomes_video_where_the_clinic_has_none(world: World) -> None:
    made = await physical(world)
    await world.change(Clinic, world.clinic, video_enabled=False)
    with pytest.raises(VideoOffError):
        await world.do(lambda s: make_video(s, world.secretary, made.id, NOW))
    with pytest.raises(VideoOffError):
        await world.do(lambda s: day_to_video(s, world.secretary, world.schedule, MONDAY, NOW))
    assert (await world.one(Appointment, made.id)).surface is Surface.PHYSICAL


async def test_a_type_without_video_does_not_become_video(world: World) -> None:
    made = await physical(world)
    await world.set_type(supports_video=False, surface=Surface.PHYSICAL)
    with pytest.raises(BookingRefusedError) as caught:
        await world.do(lambda s: make_video(s, world.secretary, made.id, NOW))
    assert [o.code for o in caught.value.obstacles] == [Code.TYPE_NOT_VIDEO]


@pytest.mark.parametrize("state", [AppointmentState.CANCELLED, AppointmentState.ENDED])
async def test_what_is_over_is_not_switched(world: World, state: AppointmentState) -> None:
    made = await physical(world)
    await world.change(Appointment, made.id, state=state)
    for act in (make_video, make_physical):
        with pytest.raises(ChangeRefusedError):
            await world.do(lambda s, act=act: act(s, world.secretary, made.id, NOW))  # type: ignore[misc]


async def test_only_staff_make_video_and_only_what_is_theirs(world: World) -> None:
    made = await physical(world)
    with pytest.raises(ForbiddenError):
        await world.do(lambda s: make_video(s, world.me(), made.id, NOW))
    with pytest.raises(ForbiddenError):
        await world.do(lambda s: day_to_video(s, world.me(), world.schedule, MONDAY, NOW))
    with pytest.raises(NotFoundError):
        await world.do(lambda s: make_video(s, world.secretary, "z" * 26, NOW))
    with pytest.raises(NotFoundError):
        await world.do(lambda s: day_to_video(s, world.secretary, "z" * 26, MONDAY, NOW))


async def test_row_40_back_to_a_physical_visit_closes_the_room(world: World) -> None:
    made = await world.booked()
    (meeting,) = await world.all(Consultation)
    await world.change(Consultation, meeting.id, state=ConsultationState.RUNNING)
    await world.do(lambda s: make_physical(s, world.secretary, made.id, NINE + timedelta(minutes=1)))
    assert (await world.one(Appointment, made.id)).surface is Surface.PHYSICAL
    (command,) = await world.all(RoomCommand)
    assert (command.kind, command.room, command.arguments) == ("end", meeting.room, {"reason": "physical"})
    assert await world.messages() == ["to_physical"]
    await world.do(lambda s: make_video(s, world.secretary, made.id, NINE + timedelta(minutes=2)))
    (again,) = await world.all(Consultation)
    assert (again.id, again.state, again.room != meeting.room) == (meeting.id, ConsultationState.PLANNED, True)
    assert await world.messages() == ["to_video"]


async def test_row_10_each_message_fires_at_its_trigger_with_the_types_own_words(world: World) -> None:
    words = {"booking_text": "Ta med kortet.", "message_after_booking": "Velkommen.", "message_to_video": "Vi ringer."}
    await world.set_type(**words)
    kind = await world.one(AppointmentType, world.kind)
    assert {name: getattr(kind, name) for name in words} == words
    assert await world.messages() == []
    made = await physical(world)
    assert await world.messages() == ["booked", "reminder"]
    await world.do(lambda s: make_video(s, world.secretary, made.id, NOW))
    assert await world.messages() == ["reminder", "to_video"]
