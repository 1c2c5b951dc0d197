"""Who attended and how one knows, through the interface; tests of sound and picture."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from control.identity.roles import Role
from control.store.models import Admission, OutboxEntry
from signalling.inputs import Act, Move
from signalling.roles import Role as RoomRole
from tests.control.api.world import Answer, World
from tests.control.consultation.asking import (
    ask,
    attendee,
    audit,
    claims,
    enters,
    happens,
    invite,
    join,
    link,
    meeting,
    refused,
)
from tests.control.store.rows import NOW, Meeting

HIGH = "idporten-loa-high"


async def let_in(world: World, made: Meeting, who: str, sequence: int, **by: Any) -> None:
    """Enters the lobby and is admitted."""
    await enters(world, made, who, await join(world, made, who, **by), sequence=sequence)
    admit = Move(who, Act.ADMIT, made.practitioner)
    await happens(world, made, admit, sequence=sequence + 1, at=NOW + timedelta(minutes=1))


async def presence(world: World, made: Meeting, who: str) -> Any:
    answer = await ask(world, made, "attendance", Role.PRACTITIONER, by="GET")
    assert answer.status == 200, answer.body
    return next(each for each in answer.json["items"] if each["attendee"] == who)


async def register(world: World, made: Meeting, who: str, **given: Any) -> Answer:
    asked: dict[str, Any] = {"attendee": who, "attended": True, **given}
    return await ask(world, made, "attendance", Role.PRACTITIONER, **asked)


async def test_row_24_by_the_login_there_are_time_level_and_method(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    await let_in(world, made, patient, 1, role=Role.PATIENT)
    session = (await world.ask("GET", "/session", Role.PATIENT)).json
    found = await presence(world, made, patient)
    assert (found["login_acr"], found["login_at"]) == (HIGH, session["authenticated_at"])
    assert found["attended"] is None, "nobody has said so yet"
    answer = await register(world, made, patient)
    assert answer.status == 200, answer.body
    assert (answer.json["attended"], answer.json["method"]) == (True, "login")
    assert answer.json["registered_at"] == "2026-03-02T09:00:00Z"
    assert (await presence(world, made, patient))["attended"] is True
    (event,) = await audit(world, "consultation.attendance")
    assert event.actor_id == world.west.people[Role.PRACTITIONER]


async def test_row_24_without_a_login_nothing_is_preset_and_the_practitioner_says_how(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    await let_in(world, made, patient, 1)
    found = await presence(world, made, patient)
    for name in ("login_acr", "login_at", "identified", "attended", "method", "registered_at"):
        assert found[name] is None, name
    for given in ({}, {"method": "login"}):
        answer = await register(world, made, patient, **given)
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/method"), answer.body
    assert (await presence(world, made, patient))["attended"] is None
    answer = await register(world, made, patient, method="shown_id")
    assert (answer.json["method"], answer.json["login_acr"]) == ("shown_id", None)


async def test_row_24_what_was_recorded_at_the_door_is_the_way(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    who: Any = {"attendee": patient, "method": "questions"}
    assert (await ask(world, made, "identification", Role.PRACTITIONER, **who)).status == 204
    by_hand = await ask(world, made, "identification", Role.PRACTITIONER, attendee=patient, method="login")
    assert by_hand.status == 422
    assert (await presence(world, made, patient))["identified"] == "questions"
    assert (await register(world, made, patient)).json["method"] == "questions"
    (event,) = await audit(world, "consultation.identify")
    assert event.detail == '{"method":"questions"}'


async def test_row_24_a_login_that_was_never_let_in_proves_nothing(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    await enters(world, made, patient, await join(world, made, patient, role=Role.PATIENT))
    assert (await presence(world, made, patient))["login_acr"] is None, "waits in the lobby"
    assert (await register(world, made, patient)).status == 422


async def test_row_24_the_grants_own_login_counts_not_a_later_one(world: World) -> None:
    """Two grants, one with a login and one by the link: the evidence is of the one that entered."""
    made = await meeting(world)
    patient = made.patients[0]
    by_link = await join(world, made, patient)
    assert claims(await join(world, made, patient, role=Role.PATIENT))["acr"] == HIGH
    await enters(world, made, patient, by_link, sequence=1)
    await happens(world, made, Move(patient, Act.ADMIT, made.practitioner), sequence=2)
    assert (await presence(world, made, patient))["login_acr"] is None


async def test_row_24_somebody_who_did_not_come_is_registered_as_such(world: World) -> None:
    made = await meeting(world)
    answer = await register(world, made, made.patients[0], attended=False)
    assert (answer.status, answer.json["attended"]) == (200, False)
    again = await register(world, made, made.patients[0], method="known")
    assert (again.json["attended"], again.json["method"]) == (True, "known")
    assert len(await audit(world, "consultation.attendance")) == 2, "the log has both"


async def test_row_24_only_practitioners_and_only_who_was_expected(world: World) -> None:
    made, other = await meeting(world), await meeting(world)
    assert refused(await register(world, made, other.patients[0], method="known")) == (404, "not_found")
    asked: dict[str, Any] = {"attendee": made.patients[0], "attended": True, "method": "known"}
    for role in (Role.SECRETARY, Role.PATIENT):
        assert refused(await ask(world, made, "attendance", role, **asked)) == (403, "forbidden")


async def test_row_24_admissions_are_the_rooms_word(world: World) -> None:
    made = await meeting(world)
    doctor = await join(world, made, role=Role.PRACTITIONER)
    async with world.database.look(world.west.clinic) as session:
        assert (await session.scalars(select(Admission))).all() == [], "a grant is no entry"
    await enters(world, made, made.practitioner, doctor)
    async with world.database.look(world.west.clinic) as session:
        (admission,) = (await session.scalars(select(Admission))).all()
    assert (admission.attendee_id, admission.by_id, admission.acr) == (made.practitioner, None, HIGH)
    assert admission.authenticated_at is not None


async def test_row_28_ten_tests_days_ahead_tell_nobody_and_the_last_verdict_shows(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    token = link(world, patient)
    world.clock.set(NOW - timedelta(days=6))
    rooms = set()
    for number in range(10):
        given = claims(await ask(world, made, "test", link=token))
        rooms.add(given["room"])
        assert (given["gate"], given["sub"], given["size"]) == ("open", patient, 2)
        verdict = "no_camera" if number < 9 else "good"
        assert (await ask(world, made, "test", by="PUT", link=token, verdict=verdict)).status == 204
    assert len(rooms) == 10
    assert not any(room == made.room for room in rooms)
    async with world.database.look(world.west.clinic) as session:
        assert (await session.scalars(select(OutboxEntry))).all() == []
    items = (await world.ask("GET", "/worklist?day=2026-03-02", Role.SECRETARY)).json["items"]
    (mine,) = (each for each in items[0]["attendees"] if each["attendee"] == patient)
    assert (mine["test_verdict"], mine["tested_at"]) == ("good", "2026-02-24T09:00:00Z")
    assert items[0]["messages"] == []
    row = await attendee(world, patient)
    assert (row.entered_at, row.standing) == (None, None), "a test is no entry"


async def test_row_28_a_test_needs_no_login_and_leads_into_no_consultation(world: World) -> None:
    made = await meeting(world, level=HIGH)
    token = link(world, made.patients[0])
    assert refused(await ask(world, made, "join", link=token)) == (401, "login_required")
    assert claims(await ask(world, made, "test", link=token))["room"] != made.room
    guest = await invite(world, made, RoomRole.GUEST)
    assert claims(await ask(world, made, "test", link=link(world, guest)))["room"].startswith("test-")
    assert refused(await ask(world, made, "test")) == (401, "not_logged_in")
    stranger = await world.log_in(world.east.people[Role.PATIENT], Role.PATIENT, None)
    assert refused(await ask(world, made, "test", headers=stranger, link=token)) == (403, "wrong_person")
