"""Somebody who works in two clinics: in each at a time, and never in both at once."""

from http.cookies import SimpleCookie

from control.api.access import COOKIE
from control.identity.roles import Role
from control.store.models import MemberRole, Membership, Practitioner
from tests.control.api.people import told
from tests.control.api.world import ORIGIN, World
from tests.control.store.rows import meeting


async def test_row_n4_after_the_change_the_one_is_gone_and_the_other_is_there(world: World) -> None:
    west, east = world.west, world.east
    me = west.people[Role.PRACTITIONER]
    async with world.database.begin(east.clinic) as session:
        here = Practitioner(person_id=me, name="Lege vest")
        session.add_all([here, Membership(person_id=me, role=MemberRole.PRACTITIONER)])
    ours = await meeting(world.database, west.clinic, west.practitioner, [west.patient])
    theirs = await meeting(world.database, east.clinic, here.id, [east.patient])
    before = await world.headers_of(Role.PRACTITIONER)

    async def sees(headers: dict[str, str]) -> tuple[set[str], set[str]]:
        """Appointments of the day's list, and which of all things are found by their ids."""
        listed = await told(world, "GET", "/worklist", headers=headers)
        found = set()
        for kind, ids in (
            ("patients", (west.patient, east.patient)),
            ("appointments", (ours.appointment, theirs.appointment)),
            ("types", (ours.type, theirs.type)),
            ("consultations", (ours.consultation, theirs.consultation)),
        ):
            for id_ in ids:
                answer = await world.ask("GET", f"/{kind}/{id_}", headers=headers)
                assert answer.status in (200, 404), answer.body
                found |= {id_} if answer.status == 200 else set()
        return {each["appointment"] for each in listed["items"]}, found

    assert await sees(before) == (
        {ours.appointment},
        {west.patient, ours.appointment, ours.type, ours.consultation},
    )
    answer = await world.ask(
        "PUT", "/session/place", body={"role": "practitioner", "clinic": east.clinic}, headers=before
    )
    assert (answer.status, answer.json["clinic"], answer.json["person"]) == (200, east.clinic, me)
    cookies: SimpleCookie = answer.cookies
    after = {"Cookie": f"{COOKIE}={cookies[COOKIE].value}", "Origin": ORIGIN, "X-CSRF-Token": answer.json["csrf"]}
    assert await sees(after) == (
        {theirs.appointment},
        {east.patient, theirs.appointment, theirs.type, theirs.consultation},
    )
    # The page of before is no longer logged in.
    assert (await world.ask("GET", "/session", headers=before)).status == 401
