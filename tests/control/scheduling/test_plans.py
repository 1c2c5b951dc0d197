"""From template and work plan to slots, and what hides them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from control.errors import ForbiddenError, InvalidInputError, NotFoundError, PreconditionFailedError
from control.scheduling.booking import Book, book
from control.scheduling.errors import BookingRefusedError, SlotTakenError
from control.scheduling.obstacles import Code
from control.scheduling.offers import Wish, free_slots
from control.scheduling.openings import Insert, insert_slot, retype_slot, withdraw_slot
from control.scheduling.plans import PlanFields, change_plan, create_plan, hide_plan, update_plan
from control.scheduling.recurrence import Weekday
from control.scheduling.schedules import (
    ScheduleFields,
    TemplateFields,
    change_schedule,
    change_template,
    create_schedule,
    create_template,
)
from control.scheduling.surface import Surface
from control.scheduling.types import TypeFields, change_type, create_type
from control.store.database import Database
from control.store.models import (
    AppointmentType,
    AuditEvent,
    Clinic,
    Schedule,
    Slot,
    SlotOrigin,
    SlotState,
    TemplateEntry,
    WeekTemplate,
    WorkPlan,
)
from tests.control.scheduling.world import MINUTE, MONDAY, NINE, VIDEO, World, build
from tests.control.store.rows import NOW

DAY, WEEK = timedelta(days=1), timedelta(days=7)
EVER = Wish(NOW, NOW + timedelta(days=400))


async def offered(world: World, *, online: bool = True, wish: Wish = EVER) -> list[Slot]:
    """The free slots, by start."""
    async with world.database.look(world.clinic) as session:
        return list(await free_slots(session, wish, online=online, limit=100))


async def edit(world: World, template: str, *entries: object) -> None:
    given = TemplateFields("Uke", entries)  # type: ignore[arg-type]
    await world.do(lambda s: change_template(s, world.secretary, template, given, NOW))


async def test_row_05_a_template_gives_slots_that_can_be_booked(world: World) -> None:
    made = await world.plan(await world.template())
    assert (made.added, made.removed, made.hindered) == (3, 0, ())
    found = await offered(world)
    assert [slot.starts for slot in found] == [NINE + n * 30 * MINUTE for n in range(3)]
    assert {(slot.surface, slot.origin) for slot in found} == {(Surface.VIDEO, SlotOrigin.TEMPLATE)}
    await world.do(lambda s: book(s, world.me(), Book(found[1].id), NOW))
    assert len(await offered(world)) == 2


async def test_row_05_a_slot_inserted_and_one_retyped_by_hand_can_be_booked(world: World) -> None:
    physical = await world.new_type(name="Oppmøte", supports_video=False, surface=Surface.PHYSICAL)
    template = await world.template(world.entry(type=physical))
    await world.plan(template)
    (slot,) = await offered(world)
    assert slot.surface is Surface.PHYSICAL
    await world.do(lambda s: retype_slot(s, world.secretary, slot.id, world.kind, None, NOW))
    inserted = await world.slot(60)
    found = await offered(world)
    assert [(each.id, each.surface, each.origin) for each in found] == [
        (slot.id, Surface.VIDEO, SlotOrigin.HAND),
        (inserted.id, Surface.VIDEO, SlotOrigin.HAND),
    ]
    for each in found:
        await world.do(lambda s, e=each: book(s, world.me(), Book(e.id), NOW))  # type: ignore[misc]


async def test_row_04_an_edited_template_takes_effect_when_the_plan_is_updated(world: World) -> None:
    template = await world.template()
    plan = (await world.plan(template)).plan
    first, second, third = await offered(world)
    booked = await world.do(lambda s: book(s, world.me(), Book(first.id), NOW))
    await world.do(lambda s: retype_slot(s, world.secretary, second.id, world.kind, Surface.TELEPHONE, NOW))
    await edit(world, template, world.entry("12:00"))
    assert [slot.id for slot in await offered(world)] == [second.id, third.id]
    updated = await world.do(lambda s: update_plan(s, world.secretary, plan.id, NOW))
    assert (updated.added, updated.removed) == (1, 1)
    found = await offered(world)
    assert [(slot.id == second.id, slot.starts) for slot in found] == [
        (True, NINE + 30 * MINUTE),
        (False, NINE + 180 * MINUTE),
    ]
    kept = await world.one(Slot, first.id)
    assert (kept.state, kept.starts) == (SlotState.BOOKED, booked.starts)
    assert (await world.one(Slot, third.id)).state is SlotState.WITHDRAWN
    again = await world.do(lambda s: update_plan(s, world.secretary, plan.id, NOW))
    assert (again.added, again.removed) == (0, 0)


async def test_row_04_a_group_with_places_left_is_booked_and_stays(world: World) -> None:
    await world.set_type(capacity=5)
    template = await world.template(world.entry())
    plan = (await world.plan(template)).plan
    (slot,) = await offered(world)
    await world.do(lambda s: book(s, world.me(), Book(slot.id), NOW))
    await edit(world, template, world.entry("12:00"))
    await world.do(lambda s: update_plan(s, world.secretary, plan.id, NOW))
    assert (await world.one(Slot, slot.id)).state is SlotState.FREE
    for act in (
        lambda s: retype_slot(s, world.secretary, slot.id, world.kind, None, NOW),
        lambda s: withdraw_slot(s, world.secretary, slot.id, NOW),
    ):
        with pytest.raises(SlotTakenError):
            await world.do(act)


async def test_row_04_other_days_of_a_plan_come_and_go(world: World) -> None:
    template = await world.template(world.entry())
    plan = (await world.plan(template, 8)).plan
    assert [slot.starts for slot in await offered(world)] == [NINE, NINE + WEEK]
    given = PlanFields(template, MONDAY + DAY, MONDAY + 14 * DAY)
    changed = await world.do(lambda s: change_plan(s, world.secretary, plan.id, given, NOW))
    assert (changed.added, changed.removed) == (1, 1)
    assert [slot.starts for slot in await offered(world)] == [NINE + WEEK, NINE + 2 * WEEK]


async def test_local_hours_stay_over_the_change_to_summer_time(world: World) -> None:
    await world.plan(await world.template(world.entry()), 22)
    assert [slot.starts.hour for slot in await offered(world)] == [8, 8, 8, 7]


async def _no_schedule(s: AsyncSession, world: World) -> None:
    await change_schedule(s, world.secretary, world.schedule, ScheduleFields("Timebok"), NOW)


async def _no_type(s: AsyncSession, world: World) -> None:
    await change_type(s, world.admin, world.kind, replace(VIDEO, published=False), NOW)


async def _no_template(s: AsyncSession, world: World) -> None:
    (template,) = await world.all(WeekTemplate)
    given = TemplateFields("Uke", (world.entry(),), active=False)
    await change_template(s, world.secretary, template.id, given, NOW)


async def _no_plan(s: AsyncSession, world: World) -> None:
    (plan,) = await world.all(WorkPlan)
    await hide_plan(s, world.secretary, plan.id, False, NOW)


async def _no_slot(s: AsyncSession, world: World) -> None:
    (slot,) = await world.all(Slot)
    await withdraw_slot(s, world.secretary, slot.id, NOW)


LINKS: dict[Code, Callable[[AsyncSession, World], Awaitable[None]]] = {
    Code.SCHEDULE_NOT_PUBLISHED: _no_schedule,
    Code.TYPE_NOT_PUBLISHED: _no_type,
    Code.TEMPLATE_MISSING: _no_template,
    Code.WORK_PLAN_MISSING: _no_plan,
    Code.SLOT_MISSING: _no_slot,
}


async def broken(world: World, *codes: Code) -> Slot:
    """A slot that patients were shown, and with these links broken."""
    await world.plan(await world.template(world.entry()))
    (slot,) = await offered(world)
    for code in codes:
        link = LINKS[code]
        await world.do(lambda s, link=link: link(s, world))  # type: ignore[misc]
    return slot


@pytest.mark.parametrize("code", LINKS)
async def test_row_04_each_of_the_five_links_hides_the_slot_and_is_named(world: World, code: Code) -> None:
    slot = await broken(world, code)
    assert await offered(world) == []
    with pytest.raises(BookingRefusedError) as caught:
        await world.do(lambda s: book(s, world.me(), Book(slot.id), NOW))
    assert [obstacle.code for obstacle in caught.value.obstacles] == [code]


async def test_row_01_without_video_no_video_is_shown_anywhere(world: World) -> None:
    await world.slot()
    other = await world.slot(60, surface=Surface.PHYSICAL)
    await world.change(Clinic, world.clinic, video_enabled=False)
    assert [slot.id for slot in await offered(world)] == [other.id]


async def test_row_03_a_type_without_video_shows_no_video(world: World) -> None:
    await world.slot()
    await world.set_type(supports_video=False, surface=Surface.PHYSICAL)
    assert await offered(world) == []
    await world.set_type(active=False)
    assert await offered(world) == []
    await world.set_type()
    assert len(await offered(world)) == 1


async def test_row_08_restrictions_of_the_schedule_bind_too(world: World) -> None:
    given = ScheduleFields("Timebok", published=True, age_from=90, lead_minutes=60)
    await world.do(lambda s: change_schedule(s, world.secretary, world.schedule, given, NOW))
    slot = await world.slot()
    with pytest.raises(BookingRefusedError) as caught:
        await world.do(lambda s: book(s, world.me(), Book(slot.id), NINE - 30 * MINUTE))
    assert [obstacle.code for obstacle in caught.value.obstacles] == [Code.TOO_YOUNG, Code.TOO_LATE_TO_BOOK]


async def test_free_slots_are_listed_by_page_and_wish(world: World) -> None:
    slots = [await world.slot(n * 30) for n in range(4)]
    async with world.database.look(world.clinic) as session:
        first = await free_slots(session, EVER, online=True, limit=3)
        after = (first[-1].starts, first[-1].id)
        rest = await free_slots(session, EVER, online=True, limit=3, after=after)
    assert [slot.id for slot in (*first, *rest)] == [slot.id for slot in slots]
    for wish, count in (
        (replace(EVER, since=slots[1].starts, until=slots[3].starts), 2),
        (replace(EVER, type=world.kind), 4),
        (replace(EVER, type="z" * 26), 0),
        (replace(EVER, schedule=world.schedule, practitioner=world.practitioner, surface=Surface.VIDEO), 4),
        (replace(EVER, surface=Surface.PHYSICAL), 0),
        (replace(EVER, practitioner="z" * 26), 0),
        (replace(EVER, schedule="z" * 26), 0),
    ):
        assert len(await offered(world, wish=wish)) == count


async def test_no_slot_of_a_practitioner_lies_over_another(world: World) -> None:
    await world.plan(await world.template(world.entry()))
    for minutes in (-29, 0, 29):
        with pytest.raises(SlotTakenError):
            await world.slot(minutes)
    given = ScheduleFields("Enda en", published=True)
    other = await world.do(lambda s: create_schedule(s, world.secretary, world.practitioner, given, NOW))
    with pytest.raises(SlotTakenError):
        await world.slot(0, schedule=other.id)
    template = await world.template(world.entry(), world.entry("10:00"))
    plan = PlanFields(template, MONDAY, MONDAY)
    made = await world.do(lambda s: create_plan(s, world.secretary, other.id, plan, NOW))
    assert (made.added, [wish.start for wish in made.hindered]) == (1, [NINE])
    await world.slot(30)
    await world.slot(-30)


async def test_a_slot_taken_away_makes_room_and_comes_again_with_the_plan(world: World) -> None:
    plan = (await world.plan(await world.template(world.entry()))).plan
    (slot,) = await offered(world)
    await world.do(lambda s: withdraw_slot(s, world.secretary, slot.id, NOW))
    assert await offered(world) == []
    assert (await world.do(lambda s: update_plan(s, world.secretary, plan.id, NOW))).added == 1


async def test_a_booked_slot_is_neither_retyped_nor_taken_away(world: World) -> None:
    slot_id = (await world.booked()).slot_id or ""
    for act in (
        lambda s: retype_slot(s, world.secretary, slot_id, world.kind, None, NOW),
        lambda s: withdraw_slot(s, world.secretary, slot_id, NOW),
    ):
        with pytest.raises(SlotTakenError):
            await world.do(act)


@pytest.mark.parametrize(
    "change",
    [{"level": "idporten-loa-highest"}, {"supports_video": False}, {"age_from": 20, "age_to": 19}],
    ids=lambda change: "-".join(change),
)
async def test_a_type_that_means_nothing_is_refused(world: World, change: dict[str, object]) -> None:
    given = replace(VIDEO, **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        await world.do(lambda s: create_type(s, world.admin, given, NOW))
    with pytest.raises(InvalidInputError):
        await world.do(lambda s: change_type(s, world.admin, world.kind, given, NOW))


async def test_row_03_only_an_administrator_changes_types(world: World) -> None:
    for actor in (world.secretary, world.me()):
        with pytest.raises(ForbiddenError):
            await world.do(lambda s, a=actor: create_type(s, a, VIDEO, NOW))  # type: ignore[misc]
        with pytest.raises(ForbiddenError):
            await world.do(lambda s, a=actor: change_type(s, a, world.kind, VIDEO, NOW))  # type: ignore[misc]
    before = await world.one(AppointmentType, world.kind)
    given = TypeFields("Lang time", 60)
    with pytest.raises(PreconditionFailedError):
        await world.do(lambda s: change_type(s, world.admin, world.kind, given, NOW, frozenset({99})))
    changed = await world.do(lambda s: change_type(s, world.admin, world.kind, given, NOW, frozenset({before.version})))
    assert (changed.name, changed.minutes, changed.supports_video) == ("Lang time", 60, False)
    assert changed.version == before.version + 1
    assert len(await world.all(AuditEvent, AuditEvent.action == "type.change")) == 1


async def test_patients_set_up_nothing(world: World) -> None:
    template = await world.template()
    plan = (await world.plan(template)).plan
    slot = (await offered(world))[0]
    fields, days = TemplateFields("Uke", ()), PlanFields(template, MONDAY, MONDAY)
    me, own = world.me(), ScheduleFields("Min")
    for act in (
        lambda s: create_schedule(s, me, world.practitioner, own, NOW),
        lambda s: change_schedule(s, me, world.schedule, own, NOW),
        lambda s: create_template(s, me, fields, NOW),
        lambda s: change_template(s, me, template, fields, NOW),
        lambda s: create_plan(s, me, world.schedule, days, NOW),
        lambda s: change_plan(s, me, plan.id, days, NOW),
        lambda s: update_plan(s, me, plan.id, NOW),
        lambda s: hide_plan(s, me, plan.id, False, NOW),
        lambda s: insert_slot(s, me, Insert(world.schedule, world.kind, NINE), NOW),
        lambda s: retype_slot(s, me, slot.id, world.kind, None, NOW),
        lambda s: withdraw_slot(s, me, slot.id, NOW),
    ):
        with pytest.raises(ForbiddenError):
            await world.do(act)


async def test_a_template_has_another_version_when_its_entries_alone_change(world: World) -> None:
    template = await world.template()
    before = await world.one(WeekTemplate, template)
    plan = (await world.plan(template)).plan
    assert plan.applied_version == before.version
    await edit(world, template, world.entry("12:00"))
    assert (await world.one(WeekTemplate, template)).version > before.version
    assert [entry.starts for entry in await world.all(TemplateEntry)] == ["12:00"]


async def test_a_template_that_means_nothing_is_refused(world: World) -> None:
    late = world.entry("23:30", weekday=Weekday.SUNDAY, minutes=60)
    for entries in (
        (world.entry(), world.entry("09:15")),
        (world.entry(week=1),),
        (world.entry(type="z" * 26),),
        (late, world.entry("00:00")),
    ):
        given = TemplateFields("Uke", entries)
        with pytest.raises(InvalidInputError):
            await world.do(lambda s, g=given: create_template(s, world.secretary, g, NOW))  # type: ignore[misc]


@pytest.mark.parametrize("last", [MONDAY - DAY, MONDAY + timedelta(days=401)])
async def test_a_plan_that_means_nothing_is_refused(world: World, last: date) -> None:
    given = PlanFields(await world.template(), MONDAY, last)
    with pytest.raises(InvalidInputError):
        await world.do(lambda s: create_plan(s, world.secretary, world.schedule, given, NOW))


async def test_a_plan_of_too_many_slots_is_refused(world: World) -> None:
    entries = [
        world.entry("00:00", weekday=day, minutes=5, count=24 * 12) for day in Weekday if day is not Weekday.SUNDAY
    ]
    template = await world.template(*entries)
    with pytest.raises(InvalidInputError):
        await world.plan(template, 100)
    assert await world.all(Slot) == []


@pytest.mark.parametrize("given", [{"minutes": 24 * 60 + 1}, {"starts": NOW - 30 * MINUTE}])
async def test_a_slot_that_means_nothing_is_refused(world: World, given: dict[str, object]) -> None:
    command = replace(Insert(world.schedule, world.kind, NINE), **given)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        await world.do(lambda s: insert_slot(s, world.secretary, command, NOW))


async def test_nothing_of_another_clinic_is_put_out_or_changed(database: Database) -> None:
    here = await build(database)
    there = await build(database, "oest")
    template = await there.template()
    plan = (await there.plan(template)).plan
    slot = (await there.all(Slot))[0]
    days = PlanFields(template, MONDAY, MONDAY)
    for act in (
        lambda s: create_schedule(s, here.secretary, there.practitioner, ScheduleFields("x"), NOW),
        lambda s: change_schedule(s, here.secretary, there.schedule, ScheduleFields("x"), NOW),
        lambda s: change_template(s, here.secretary, template, TemplateFields("x", ()), NOW),
        lambda s: create_plan(s, here.secretary, here.schedule, days, NOW),
        lambda s: update_plan(s, here.secretary, plan.id, NOW),
        lambda s: change_type(s, here.admin, there.kind, VIDEO, NOW),
        lambda s: insert_slot(s, here.secretary, Insert(here.schedule, there.kind, NINE), NOW),
        lambda s: withdraw_slot(s, here.secretary, slot.id, NOW),
    ):
        with pytest.raises(NotFoundError):
            await here.do(act)
    assert len(await there.all(Schedule)) == 1
