"""Who may enter as whom, through the interface: login, level, guests, guardians, and the wrong person."""

import json
from datetime import timedelta

import pytest

from control.identity.roles import Role
from control.store.models import Attendee, Clinic, GuardianRelation, MemberRole, Membership, Practitioner
from signalling.roles import Role as RoomRole
from tests.control.api.world import World
from tests.control.consultation.asking import (
    ask,
    audit,
    change,
    claims,
    invite,
    join,
    landing,
    link,
    meeting,
    refused,
)
from tests.control.store import rows
from tests.control.store.rows import NOW

SUBSTANTIAL, HIGH = "idporten-loa-substantial", "idporten-loa-high"
WRONG = (403, "wrong_person")


async def test_row_21_nobody_gets_a_grant_without_login_or_link(world: World) -> None:
    made = await meeting(world)
    assert refused(await ask(world, made, "join")) == (401, "not_logged_in")
    good = link(world, made.patients[0])
    altered = good[:-1] + ("b" if good.endswith("a") else "a")
    for token in ("a", "z" * 58, altered, good.upper()):
        assert refused(await ask(world, made, "join", link=token)) == (404, "link_unknown")


async def test_row_21_the_practitioner_logs_in_at_the_highest_level(world: World) -> None:
    made = await meeting(world)
    by_link = await join(world, made, made.practitioner)
    assert (refused(by_link), by_link.json["acr"]) == ((401, "login_required"), HIGH)
    person = world.west.people[Role.PRACTITIONER]
    for acr in (SUBSTANTIAL, None):
        login = await world.log_in(person, Role.PRACTITIONER, world.west.clinic, acr)
        assert refused(await join(world, made, headers=login)) == (401, "login_required")
    login = await world.log_in(person, Role.PRACTITIONER, world.west.clinic, HIGH)
    given = claims(await join(world, made, headers=login))
    assert (given["gate"], given["role"], given["acr"]) == ("open", "practitioner", HIGH)


@pytest.mark.parametrize("level", [SUBSTANTIAL, HIGH])
async def test_row_22_a_flagged_meeting_refuses_the_link_alone_and_a_lower_level(world: World, level: str) -> None:
    made = await meeting(world, level=level)
    patient, person = made.patients[0], world.west.people[Role.PATIENT]
    answer = await join(world, made, patient)
    assert (refused(answer), answer.json["acr"]) == ((401, "login_required"), level)
    ladder = [None, "selfregistered-email", "idporten-loa-low", SUBSTANTIAL, HIGH]
    for acr in ladder:
        login = await world.log_in(person, Role.PATIENT, None, acr)
        enough = acr is not None and ladder.index(acr) >= ladder.index(level)
        for attendee in (patient, None):  # with the link and by the login alone
            answer = await join(world, made, attendee, headers=login)
            if enough:
                assert claims(answer)["acr"] == acr
            else:
                assert (refused(answer), answer.json["acr"]) == ((401, "login_required"), level), acr


async def test_row_22_a_level_that_nobody_knows_asks_for_the_highest(world: World) -> None:
    made = await meeting(world, level="idporten-loa-tomorrow")
    answer = await join(world, made, made.patients[0])
    assert (refused(answer), answer.json["acr"]) == ((401, "login_required"), HIGH)


async def test_row_22_before_the_login_a_link_tells_contact_and_time_alone(world: World) -> None:
    made = await meeting(world, level=HIGH)
    token = link(world, made.patients[0])
    page = await landing(world, token)
    assert (page["me"], page["acr"], page["starts"]) == (None, HIGH, "2026-03-02T09:00:00Z")
    assert page["contact"]["clinic"] == "Klinikk vest"
    for secret in ("Pasient vest", "Lege vest", "Kontroll"):
        assert secret not in json.dumps(page)
    assert (await landing(world, token, role=Role.PATIENT))["me"]["name"] == "Pasient vest"
    stranger = await world.log_in(world.east.people[Role.PATIENT], Role.PATIENT, None)
    assert (await landing(world, token, headers=stranger))["me"] is None


async def test_row_23_a_guest_comes_by_name_and_to_the_lobby_only(world: World) -> None:
    made = await meeting(world)
    guest = await invite(world, made, RoomRole.GUEST, name="Tante Olga")
    given = claims(await join(world, made, guest))
    assert (given["gate"], given["role"], given["name"], given["sub"]) == ("lobby", "guest", "Tante Olga", guest)
    assert given.get("acr") is None


async def test_row_23_no_guests_where_the_type_has_none(world: World) -> None:
    made = await meeting(world, of_type={"guests": False})
    guest = await invite(world, made, RoomRole.GUEST)
    assert refused(await join(world, made, guest)) == (403, "guests_not_allowed")
    assert (await join(world, made, made.patients[0])).status == 200


async def test_row_36_whoever_is_no_practitioner_waits_in_the_lobby(world: World) -> None:
    made = await meeting(world)
    person = world.west.people[Role.PATIENT]
    login = await world.log_in(person, Role.PATIENT, None, HIGH)
    for role in (role for role in RoomRole if role is not RoomRole.PRACTITIONER):
        who = await invite(world, made, role, person_id=person)
        if role is RoomRole.GUARDIAN:
            await guards(world, who, person)
        for headers in ({}, login):
            given = claims(await join(world, made, who, headers=headers))
            assert (given["gate"], given["role"], given["sub"]) == ("lobby", role, who)


async def guards(world: World, attendee: str, person: str, **given: object) -> None:
    """The attendee is the guardian of the west's patient from now on."""
    async with world.database.begin(world.west.clinic) as session:
        relation = {"patient_id": world.west.patient, "person_id": person, "name": "Mor", "created_at": NOW, **given}
        session.add(GuardianRelation(**relation))
    await change(world, Attendee, attendee, person_id=person, for_patient_id=world.west.patient)


async def test_row_36_a_guardian_enters_as_long_as_the_relation_holds(world: World) -> None:
    made = await meeting(world)
    person = await a_person(world)
    guardian = await invite(world, made, RoomRole.GUARDIAN)
    await change(world, Attendee, guardian, person_id=person, for_patient_id=world.west.patient)
    assert refused(await join(world, made, guardian)) == (403, "guardian_ended")
    await guards(world, guardian, person, ends_on=NOW.date())
    assert refused(await join(world, made, guardian)) == (403, "guardian_ended"), "the day itself is no longer of it"
    await guards(world, guardian, person, ends_on=NOW.date() + timedelta(days=1), revoked_at=NOW)
    assert refused(await join(world, made, guardian)) == (403, "guardian_ended")
    await guards(world, guardian, person, ends_on=NOW.date() + timedelta(days=1))
    assert claims(await join(world, made, guardian))["role"] == "guardian"


async def a_person(world: World, name: str = "Annen Person") -> str:
    async with world.database.begin(None) as session:
        row = rows.person(name)
        session.add(row)
        await session.flush()
        return row.id


async def test_row_n5_another_persons_link_is_refused_and_audited(world: World) -> None:
    made = await meeting(world)
    stranger = world.east.people[Role.PATIENT]
    login = await world.log_in(stranger, Role.PATIENT, None)
    assert refused(await join(world, made, made.patients[0], headers=login)) == WRONG
    (event,) = await audit(world, "consultation.join_refused")
    assert (event.actor_kind, event.actor_id, json.loads(event.detail or "")) == (
        "patient",
        stranger,
        {"code": "wrong_person"},
    )
    assert sorted(event.subjects) == sorted(
        [["consultation", made.consultation], ["attendee", made.patients[0]], ["patient", world.west.patient]]
    )
    assert await audit(world, "consultation.join") == []


async def test_row_n5_a_link_in_the_hands_of_staff_is_refused_and_audited(world: World) -> None:
    made = await meeting(world)
    for role in (Role.SECRETARY, Role.ADMINISTRATOR, Role.PRACTITIONER):
        assert refused(await join(world, made, made.patients[0], role=role)) == WRONG
    events = await audit(world, "consultation.join_refused")
    assert [event.actor_id for event in events] == [
        world.west.people[role] for role in (Role.SECRETARY, Role.ADMINISTRATOR, Role.PRACTITIONER)
    ]


async def test_row_n5_staff_who_are_not_expected_are_refused_and_audited(world: World) -> None:
    made = await meeting(world)
    person = await a_person(world, "Annen Lege")
    async with world.database.begin(world.west.clinic) as session:
        session.add(Membership(person_id=person, role=MemberRole.PRACTITIONER))
        session.add(Practitioner(person_id=person, name="Annen Lege"))
    colleague = await world.log_in(person, Role.PRACTITIONER, world.west.clinic)
    assert refused(await join(world, made, headers=colleague)) == WRONG
    assert refused(await join(world, made, role=Role.SECRETARY)) == WRONG
    events = await audit(world, "consultation.join_refused")
    assert [(event.actor_id, event.subjects) for event in events] == [
        (person, [["consultation", made.consultation]]),
        (world.west.people[Role.SECRETARY], [["consultation", made.consultation]]),
    ]


async def test_row_n5_a_login_of_another_appointment_is_of_no_use(world: World) -> None:
    """Everybody has a link or a login that is good, of another appointment: neither opens this one."""
    made, other = await meeting(world), await meeting(world)
    assert refused(await ask(world, made, "join", link=link(world, other.patients[0]))) == (404, "not_found")
    stranger = await world.log_in(world.east.people[Role.PATIENT], Role.PATIENT, None)
    assert refused(await join(world, made, headers=stranger)) == (404, "not_found")


async def test_row_n5_the_right_person_is_let_in_and_audited(world: World) -> None:
    made = await meeting(world)
    assert claims(await join(world, made, made.patients[0], role=Role.PATIENT))["sub"] == made.patients[0]
    (event,) = await audit(world, "consultation.join")
    assert (event.actor_kind, event.actor_id) == ("patient", world.west.people[Role.PATIENT])
    assert await audit(world, "consultation.join_refused") == []


async def test_row_n5_without_an_identity_a_link_leads_to_the_lobby_and_proves_nothing(world: World) -> None:
    made = await meeting(world, patients=2)
    stranger = await world.log_in(world.east.people[Role.PATIENT], Role.PATIENT, None)
    given = claims(await join(world, made, made.patients[1], headers=stranger))
    assert (given["gate"], given.get("acr")) == ("lobby", None), "nobody knows who that patient is"


async def test_a_clinic_without_video_and_a_revoked_link_are_said(world: World) -> None:
    made = await meeting(world)
    await change(world, Attendee, made.patients[0], link_version=2)
    assert refused(await join(world, made, made.patients[0])) == (410, "link_revoked")
    assert (await landing(world, link(world, made.patients[0])))["me"] is None
    assert (await ask(world, made, "join", link=link(world, made.patients[0], 2))).status == 200
    await change(world, Attendee, made.patients[0], removed_at=NOW)
    assert refused(await ask(world, made, "join", link=link(world, made.patients[0], 2))) == (410, "link_revoked")
    await change(world, Clinic, world.west.clinic, video_enabled=False)
    assert refused(await join(world, made, role=Role.PRACTITIONER)) == (403, "video_off")
