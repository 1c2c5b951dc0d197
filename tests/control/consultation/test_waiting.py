"""Words about a wait, through the interface: both ways, at once, and by who may say them."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from control.identity.roles import Role
from control.notifications.outbox import Kind
from control.scheduling.rows import hold_times
from control.store.models import Clinic, GuardianRelation, OutboxEntry, Patient, RoomCommand
from signalling.inputs import Act, Move, SetNotice
from signalling.roles import Role as RoomRole
from tests.control.api.world import World
from tests.control.consultation.asking import (
    ask,
    audit,
    change,
    enters,
    happens,
    invite,
    join,
    landing,
    link,
    meeting,
    refused,
)
from tests.control.store.rows import NOW, Meeting, person


async def line(world: World, made: Meeting) -> Any:
    """The appointment as the secretary's worklist has it."""
    items = (await world.ask("GET", "/worklist", Role.SECRETARY)).json["items"]
    return next(item for item in items if item["appointment"] == made.appointment)


async def commands(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """What the rooms are still to be told, in order."""
    async with world.database.look(world.west.clinic) as session:
        rows = (await session.scalars(select(RoomCommand).order_by(RoomCommand.number))).all()
        return [(row.room, row.kind, dict(row.arguments)) for row in rows]


async def test_row_55_the_patients_i_am_late_reaches_the_worklist(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    answer = await ask(world, made, "notice", link=link(world, patient), minutes=10, text="Toget står")
    assert answer.status == 204
    (said,) = (await line(world, made))["messages"]
    assert {**said, "at": None} == {
        "kind": "late",
        "attendee": patient,
        "minutes": 10,
        "text": "Toget står",
        "at": None,
    }
    assert await commands(world) == [], "the lobby is not told of it"
    (event,) = await audit(world, "consultation.late")
    assert (event.actor_kind, event.actor_id) == ("attendee", patient)


async def test_row_55_the_practitioners_delay_reaches_lobby_landing_and_worklist(world: World) -> None:
    made = await meeting(world)
    assert (await ask(world, made, "notice", Role.PRACTITIONER, minutes=20, text="Akutt")).status == 204
    assert await commands(world) == [
        (made.room, "open", {"size": 2}),
        (made.room, "notice", {"minutes": 20, "text": "Akutt"}),
    ]
    page = await landing(world, link(world, made.patients[0]))
    assert (page["delay_minutes"], page["delay_text"]) == (20, "Akutt")
    (said,) = (await line(world, made))["messages"]
    assert (said["kind"], said["minutes"], said["text"]) == ("delayed", 20, "Akutt")
    assert (await ask(world, made, "notice", Role.PRACTITIONER)).status == 204
    page = await landing(world, link(world, made.patients[0]))
    assert (page["delay_minutes"], page["delay_text"]) == (None, None), "no longer delayed"


async def test_row_55_what_a_host_says_in_the_room_is_in_the_worklist_too(world: World) -> None:
    made = await meeting(world)
    await happens(world, made, SetNotice(made.practitioner, 5, None), sequence=1)
    (said,) = (await line(world, made))["messages"]
    assert (said["kind"], said["attendee"], said["minutes"]) == ("delayed", made.practitioner, 5)
    assert (await landing(world, link(world, made.patients[0])))["delay_minutes"] == 5


async def test_row_55_words_are_for_who_is_expected(world: World) -> None:
    made = await meeting(world, level="idporten-loa-high")
    token = link(world, made.patients[0])
    for what in ("notice", "cant-wait", "physical"):
        assert refused(await ask(world, made, what, link=token)) == (401, "login_required")
        assert refused(await ask(world, made, what, Role.SECRETARY)) == (403, "wrong_person")
        assert refused(await ask(world, made, what)) == (401, "not_logged_in")
    assert (await line(world, made))["messages"] == []


async def test_row_76_i_cant_wait_shows_in_the_worklist_at_once(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    await enters(world, made, patient, await join(world, made, patient))
    answer = await ask(world, made, "cant-wait", link=link(world, patient), text="Må hente i barnehagen")
    assert answer.status == 204
    found = await line(world, made)
    (said,) = found["messages"]
    assert (said["kind"], said["attendee"], said["text"]) == ("cant_wait", patient, "Må hente i barnehagen")
    (waits,) = (each for each in found["attendees"] if each["attendee"] == patient)
    assert (waits["standing"], waits["waiting_since"]) == ("lobby", "2026-03-02T09:00:00Z")
    assert len(await audit(world, "consultation.cant_wait")) == 1


async def test_row_76_it_is_said_of_another_appointment_by_nobody(world: World) -> None:
    made, other = await meeting(world), await meeting(world)
    answer = await ask(world, made, "cant-wait", link=link(world, other.patients[0]))
    assert refused(answer) == (404, "not_found")
    assert (await line(world, made))["messages"] == (await line(world, other))["messages"] == []


async def test_row_40_the_clinics_own_words_come_first(world: World) -> None:
    made = await meeting(world)
    assert (await landing(world, link(world, made.patients[0])))["physical_text"] is None
    await change(world, Clinic, world.west.clinic, physical_text="Du kan få ventetid.", privacy_text="Frivillig.")
    page = await landing(world, link(world, made.patients[0]))
    assert (page["physical_text"], page["privacy_text"]) == ("Du kan få ventetid.", "Frivillig.")


async def test_row_40_one_call_changes_to_a_physical_visit_and_the_secretary_sees_it(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    assert (await ask(world, made, "physical", link=link(world, patient))).status == 204
    found = await line(world, made)
    assert (found["surface"], found["state"], [each["kind"] for each in found["messages"]]) == (
        "physical",
        "booked",
        ["physical"],
    )
    assert await commands(world) == [(made.room, "end", {"reason": "physical"})]
    assert refused(await join(world, made, patient)) == (409, "appointment_not_video")
    assert refused(await join(world, made, role=Role.PRACTITIONER)) == (409, "appointment_not_video")
    assert await queued(world) == [(Kind.TO_PHYSICAL, patient)]
    again = await ask(world, made, "physical", link=link(world, patient))
    assert refused(again) == (409, "appointment_not_video")
    assert len(await audit(world, "consultation.physical")) == 1


async def test_row_40_of_two_calls_at_once_one_changes_it_and_the_other_is_told_so(world: World) -> None:
    made = await meeting(world)
    patient, mother = made.patients[0], await guardian(world, made)
    async with world.database.begin(world.west.clinic) as session:
        # Both have looked at the appointment, where the database lets them, before either may change it.
        await hold_times(session, [world.west.people[Role.PRACTITIONER]])
        calls = [
            asyncio.ensure_future(ask(world, made, "physical", link=link(world, who))) for who in (patient, mother)
        ]
        await asyncio.wait(calls, timeout=0.5)
    answers = await asyncio.gather(*calls)
    (late,) = (answer for answer in answers if answer.status != 204)
    assert refused(late) == (409, "appointment_not_video")
    assert [each["kind"] for each in (await line(world, made))["messages"]] == ["physical"]
    assert await commands(world) == [(made.room, "end", {"reason": "physical"})]
    assert sorted(await queued(world)) == sorted((Kind.TO_PHYSICAL, who) for who in (patient, mother))
    for action in ("consultation.physical", "appointment.to_physical"):
        assert len(await audit(world, action)) == 1


async def queued(world: World) -> list[tuple[str, str | None]]:
    """What is to be sent, and to whom."""
    async with world.database.look(world.west.clinic) as session:
        rows = (await session.scalars(select(OutboxEntry).order_by(OutboxEntry.attendee_id))).all()
        return [(each.kind, each.attendee_id) for each in rows]


async def guardian(world: World, made: Meeting, **given: Any) -> str:
    """The attendee of a guardian of the west's patient."""
    async with world.database.begin(None) as session:
        mother = person("Mor")
        session.add(mother)
    known = {"patient_id": world.west.patient, "person_id": mother.id, "name": "Mor", "created_at": NOW}
    async with world.database.begin(world.west.clinic) as session:
        session.add(GuardianRelation(**known, **given))
    return await invite(world, made, RoomRole.GUARDIAN, person_id=mother.id, for_patient_id=world.west.patient)


@pytest.mark.parametrize("setting", ["opted_out", "protected_address"])
async def test_row_40_who_wants_or_may_get_no_messages_gets_none_of_the_change(world: World, setting: str) -> None:
    made = await meeting(world)
    await change(world, Patient, world.west.patient, **{setting: True})
    assert (await ask(world, made, "physical", link=link(world, made.patients[0]))).status == 204
    assert (await line(world, made))["surface"] == "physical"
    assert await queued(world) == []


async def test_row_40_guardians_may_choose_it_and_are_told(world: World) -> None:
    made = await meeting(world)
    mother = await guardian(world, made)
    assert (await ask(world, made, "physical", link=link(world, mother))).status == 204
    assert await queued(world) == sorted(
        [(Kind.TO_PHYSICAL, made.patients[0]), (Kind.TO_PHYSICAL, mother)], key=lambda each: each[1]
    )


async def test_row_40_a_guardian_whose_time_is_over_does_not_choose_it(world: World) -> None:
    made = await meeting(world)
    former = await guardian(world, made, ends_on=NOW.date())
    assert refused(await ask(world, made, "physical", link=link(world, former))) == (403, "guardian_ended")
    assert (await line(world, made))["surface"] == "video"


@pytest.mark.parametrize("role", [RoomRole.COMPANION, RoomRole.GUEST, RoomRole.INTERPRETER])
async def test_row_40_whoever_comes_along_does_not_choose_it(world: World, role: RoomRole) -> None:
    made = await meeting(world)
    other = await invite(world, made, role, for_patient_id=world.west.patient)
    assert refused(await ask(world, made, "physical", link=link(world, other))) == (403, "forbidden")
    found = await line(world, made)
    assert (found["surface"], found["messages"]) == ("video", [])
    assert await commands(world) == []
    assert await queued(world) == []


async def test_row_40_in_a_group_a_patients_wish_is_theirs_alone(world: World) -> None:
    made = await meeting(world, patients=2)
    one, other = made.patients
    assert (await ask(world, made, "physical", link=link(world, one), text="Jeg kommer heller")).status == 204
    found = await line(world, made)
    (said,) = found["messages"]
    assert (said["kind"], said["attendee"], said["text"]) == ("physical", one, "Jeg kommer heller")
    assert found["surface"] == "video"
    assert await commands(world) == []
    assert await queued(world) == []
    assert (await join(world, made, other)).status == 200
    (event,) = await audit(world, "consultation.physical")
    assert event.actor_id == one


async def test_row_40_the_practitioner_makes_a_whole_group_a_visit(world: World) -> None:
    made = await meeting(world, patients=2)
    assert (await ask(world, made, "physical", Role.PRACTITIONER)).status == 204
    assert (await line(world, made))["surface"] == "physical"
    assert await commands(world) == [(made.room, "end", {"reason": "physical"})]
    assert await queued(world) == [(Kind.TO_PHYSICAL, each) for each in sorted(made.patients)]
    (event,) = await audit(world, "appointment.to_physical")
    assert event.actor_id == world.west.people[Role.PRACTITIONER]


@pytest.mark.parametrize(
    ("what", "action"), [("notice", "notice"), ("cant-wait", "cant_wait"), ("physical", "physical"), ("test", "test")]
)
async def test_row_n5_a_wrong_persons_words_and_tests_are_audited(world: World, what: str, action: str) -> None:
    made = await meeting(world)
    (patient,) = made.patients
    stranger = world.east.people[Role.PATIENT]
    login = await world.log_in(stranger, Role.PATIENT, None)
    assert refused(await ask(world, made, what, headers=login, link=link(world, patient))) == (403, "wrong_person")
    assert refused(await ask(world, made, what, Role.SECRETARY)) == (403, "wrong_person")
    by_link, not_expected = await audit(world, f"consultation.{action}_refused")
    assert (by_link.actor_id, json.loads(by_link.detail or "")) == (stranger, {"code": "wrong_person"})
    assert sorted(by_link.subjects) == sorted(
        [["consultation", made.consultation], ["attendee", patient], ["patient", world.west.patient]]
    )
    assert (not_expected.actor_id, not_expected.subjects) == (
        world.west.people[Role.SECRETARY],
        [["consultation", made.consultation]],
    )


async def test_row_n5_a_wrong_persons_verdict_is_audited_and_other_refusals_are_not(world: World) -> None:
    made = await meeting(world, level="idporten-loa-high")
    token = link(world, made.patients[0])
    assert refused(await ask(world, made, "notice", link=token)) == (401, "login_required")
    assert await audit(world, "consultation.notice_refused") == []
    answer = await ask(world, made, "test", Role.SECRETARY, by="PUT", verdict="good")
    assert refused(answer) == (403, "wrong_person")
    assert len(await audit(world, "consultation.test_refused")) == 1


async def test_row_40_it_may_be_asked_for_days_before_and_in_the_call(world: World) -> None:
    for moment in (NOW - timedelta(days=9), NOW + timedelta(minutes=10)):
        made = await meeting(world)
        world.clock.set(moment)
        assert (await ask(world, made, "physical", link=link(world, made.patients[0]))).status == 204


async def test_row_n6_who_was_sent_back_waits_again_and_who_was_removed_is_gone(world: World) -> None:
    made = await meeting(world)
    patient, doctor = made.patients[0], made.practitioner
    await enters(world, made, patient, await join(world, made, patient), sequence=1)

    async def stands(act: Any, sequence: int) -> tuple[str, str | None]:
        later = NOW + timedelta(minutes=sequence)
        await happens(world, made, Move(patient, act, doctor), sequence=sequence, at=later)
        (mine,) = (each for each in (await line(world, made))["attendees"] if each["attendee"] == patient)
        return mine["standing"], mine["waiting_since"]

    assert await stands(Act.ADMIT, 2) == ("admitted", None)
    assert await stands(Act.TO_LOBBY, 3) == ("lobby", "2026-03-02T09:03:00Z")
    assert await stands(Act.ADMIT, 4) == ("admitted", None)
    assert await stands(Act.REMOVE, 5) == ("removed", None)
    by = world.west.people[Role.PRACTITIONER]
    for action, count in (("room.admit", 2), ("room.to_lobby", 1), ("room.remove", 1)):
        events = await audit(world, action)
        assert [(each.actor_id, each.subjects) for each in events] == count * [
            (by, [["attendee", patient], ["consultation", made.consultation], ["patient", world.west.patient]])
        ]


async def test_row_n7_delays_are_told_both_ways_and_updated(world: World) -> None:
    made = await meeting(world)
    token = link(world, made.patients[0])
    for minutes in (10, 25):
        assert (await ask(world, made, "notice", Role.PRACTITIONER, minutes=minutes)).status == 204
        assert (await landing(world, token))["delay_minutes"] == minutes
    for minutes in (5, 15):
        assert (await ask(world, made, "notice", link=token, minutes=minutes)).status == 204
    said = (await line(world, made))["messages"]
    assert sorted((each["kind"], each["minutes"]) for each in said) == [
        ("delayed", 10),
        ("delayed", 25),
        ("late", 5),
        ("late", 15),
    ]
