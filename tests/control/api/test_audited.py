"""Row N9: every act and every view is in the log of its clinic, and the patient finds those about them."""

from datetime import date
from typing import Any, Final

from sqlalchemy import func, select

from control.identity.roles import Role
from control.store.models import AuditEvent, GuardianRelation
from signalling.inputs import Act, End, Move, Pause
from signalling.roles import Role as RoomRole
from tests.control.api.people import logged, told
from tests.control.api.requests import REQUESTS
from tests.control.api.test_access_table import TABLE, ask
from tests.control.api.world import World
from tests.control.consultation import asking
from tests.control.store import rows
from tests.control.store.rows import NOW

_CATALOGUE: Final = "the clinic's offer: about nobody, and shown to whoever works there"
_OWN: Final = "what the login itself says to the person whose it is; nothing of a patient's record"
_CLOCK: Final = "in a lab only, of no clinic and about nobody"

UNLOGGED: Final = {
    "list_types": _CATALOGUE,
    "read_type": _CATALOGUE,
    "list_schedules": _CATALOGUE,
    "read_schedule": _CATALOGUE,
    "list_templates": _CATALOGUE,
    "read_template": _CATALOGUE,
    "list_work_plans": _CATALOGUE,
    "read_work_plan": _CATALOGUE,
    "list_slots": "free times: about nobody until one of them is booked",
    "list_practitioners": "names and titles, which every patient is shown with the appointment",
    "read_session": _OWN,
    "read_me": _OWN,
    "read_day_view": "how the reader wants to see the day, shown to that person alone",
    "read_clock": _CLOCK,
    "set_clock": _CLOCK,
    "reset_clock": _CLOCK,
}
"""The routes that leave no event, and why each may."""


async def events(world: World) -> int:
    """How many there are, in both clinics."""
    counted = 0
    for place in (world.west, world.east):
        async with world.database.look(place.clinic) as session:
            counted += await session.scalar(select(func.count()).select_from(AuditEvent)) or 0
    return counted


async def prepare(world: World, name: str) -> None:
    """Gives the west's patient an appointment or a child to act for: of an empty list no clinic has anything to say."""
    if name == "list_my_appointments":
        await asking.meeting(world)
    if name == "list_my_guardianships":
        await guards(world)


async def guards(world: World) -> str:
    """The west's patient becomes guardian of a child, who is the answer."""
    child = rows.patient(world.west.clinic, "Barn")
    async with world.database.begin(world.west.clinic) as session:
        session.add(child)
        await session.flush()
        session.add(
            GuardianRelation(
                patient_id=child.id,
                person_id=world.west.people[Role.PATIENT],
                name="Verge",
                ends_on=date(2099, 1, 1),
                created_at=NOW,
            )
        )
    return child.id


async def looks(world: World) -> list[tuple[str, str | None]]:
    """What the west's patient finds of who looked: acts, and the names of who did them; the oldest first."""
    found = (await told(world, "GET", "/me/looks?limit=100", Role.PATIENT))["items"]
    return [(each["action"], each["actor_name"]) for each in reversed(found)]


async def test_row_n9_every_route_leaves_an_event_or_is_excused_in_words(world: World) -> None:
    assert {route.name for route in world.routes} >= UNLOGGED.keys()
    faults: list[str] = []
    for route in world.routes:
        own = TABLE[route.name]["own"]
        role = next(role for role in Role if own[role] < 300)
        await world.headers_of(role)
        await prepare(world, route.name)
        request = await REQUESTS[route.name](world, world.west)
        before = await events(world)
        answer = await ask(world, route, request, role)
        assert answer.status == own[role], (route.name, answer.body)
        if (await events(world) > before) == (route.name in UNLOGGED):
            faults.append(f"{route.name}, by {role}: {await events(world) - before} events")
    assert faults == []


async def test_row_n9_the_patient_sees_what_the_practitioner_did_at_the_consultation(world: World) -> None:
    made = await asking.meeting(world)
    patient = made.patients[0]
    by = Role.PRACTITIONER
    assert (await asking.ask(world, made, "notice", by, minutes=5)).status == 204
    known: dict[str, Any] = {"attendee": patient, "method": "known"}
    assert (await asking.ask(world, made, "identification", by, **known)).status == 204
    await asking.enters(world, made, patient, await asking.join(world, made, patient), sequence=1)
    await asking.happens(world, made, Move(patient, Act.ADMIT, made.practitioner), sequence=2)
    await asking.happens(world, made, Pause(made.practitioner, "not_alone"), sequence=3)
    await asking.happens(world, made, End(made.practitioner, "done"), sequence=4)
    assert (await asking.ask(world, made, "attendance", by, attended=True, **known)).status == 200
    name = "practitioner vest"
    seen = await looks(world)
    for action in (
        *("consultation.delayed", "consultation.identify", "room.admit", "room.pause", "room.end"),
        "consultation.attendance",
    ):
        assert (action, name) in seen, action
    for action in ("consultation.join", "room.enter"):
        assert (action, None) in seen, f"{action}, by whoever held the link"


async def test_row_n9_the_patient_sees_own_views_and_tests_too(world: World) -> None:
    made = await asking.meeting(world)
    await asking.landing(world, asking.link(world, made.patients[0]))
    assert [action for action, _ in await looks(world)] == ["looks.read"], "a preview is nobody's view"
    await asking.landing(world, asking.link(world, made.patients[0]), role=Role.PATIENT)
    await told(world, "GET", f"/consultations/{made.consultation}", Role.PATIENT)
    assert (await asking.ask(world, made, "test", Role.PATIENT)).status == 200
    assert (await asking.ask(world, made, "test", Role.PATIENT, by="PUT", verdict="good")).status == 204
    assert (await asking.ask(world, made, "cant-wait", Role.PATIENT)).status == 204
    seen = await looks(world)
    for action, times in {
        "consultation.read": 2,
        "consultation.test_grant": 1,
        "consultation.test": 1,
        "consultation.cant_wait": 1,
    }.items():
        assert seen.count((action, "patient vest")) == times, action


async def test_row_n9_what_a_guardian_does_is_about_the_patient(world: World) -> None:
    made = await asking.meeting(world)
    child = await guards(world)
    guardian = await asking.invite(
        world, made, RoomRole.GUARDIAN, person_id=world.west.people[Role.PATIENT], for_patient_id=child
    )
    await asking.enters(world, made, guardian, await asking.join(world, made, guardian, role=Role.PATIENT))
    assert await logged(world, "consultation.join") == [(world.west.people[Role.PATIENT], {child})]
    assert await logged(world, "room.enter") == [(guardian, {child})]


async def test_row_n9_what_one_patient_of_a_group_does_is_not_told_to_the_others(world: World) -> None:
    made = await asking.meeting(world, patients=2)
    other = made.patients[1]
    assert (await asking.ask(world, made, "notice", link=asking.link(world, other), minutes=5)).status == 204
    await asking.enters(world, made, other, await asking.join(world, made, other))
    assert [action for action, _ in await looks(world)] == ["looks.read"]
    assert (await asking.ask(world, made, "notice", Role.PRACTITIONER, minutes=5)).status == 204
    assert "consultation.delayed" in [action for action, _ in await looks(world)]
