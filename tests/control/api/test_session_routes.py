"""`session`, `me`, `audit`, `me/looks`, `lab/clock` over a real database."""

from typing import Any

from control.api.access import COOKIE
from control.audit import log
from control.audit.chain import Event, Reference
from control.identity.roles import Role
from tests.control.api.world import NOW, World


async def test_a_lab_login_may_be_what_the_person_is_and_no_more(world: World) -> None:
    west, east = world.west, world.east
    for body, status in (
        ({"person": west.people[Role.SECRETARY], "role": "secretary", "clinic": west.clinic}, 200),
        ({"person": west.people[Role.SECRETARY], "role": "patient"}, 200),
        ({"person": west.people[Role.SECRETARY], "role": "secretary"}, 403),
        ({"person": west.people[Role.SECRETARY], "role": "secretary", "clinic": east.clinic}, 403),
        ({"person": west.people[Role.SECRETARY], "role": "administrator", "clinic": west.clinic}, 403),
        ({"person": west.people[Role.PATIENT], "role": "patient", "clinic": west.clinic}, 403),
        ({"person": "z" * 26, "role": "patient"}, 403),
        ({"person": west.people[Role.SECRETARY], "role": "integrator", "clinic": west.clinic}, 422),
    ):
        assert (await world.ask("POST", "/session", body=body)).status == status, body


async def test_who_is_logged_in_is_told_with_the_second_proof(world: World) -> None:
    headers = await world.log_in(world.west.people[Role.PATIENT], Role.PATIENT, None, "idporten-loa-substantial")
    answer = (await world.ask("GET", "/session", headers=headers)).json
    assert answer.pop("authenticated_at").endswith("Z")
    assert answer == {
        "person": world.west.people[Role.PATIENT],
        "role": "patient",
        "clinic": None,
        "acr": "idporten-loa-substantial",
        "csrf": headers["X-CSRF-Token"],
    }


async def test_another_place_is_another_session_with_the_same_login(world: World) -> None:
    secretary = world.west.people[Role.SECRETARY]
    before = await world.log_in(secretary, Role.SECRETARY, world.west.clinic)
    for place in (
        {"role": "secretary", "clinic": world.east.clinic},
        {"role": "administrator", "clinic": world.west.clinic},
    ):
        refused = await world.ask("PUT", "/session/place", body=place, headers=before)
        assert refused.status == 403
    changed = await world.ask("PUT", "/session/place", body={"role": "patient"}, headers=before)
    assert changed.status == 200
    assert changed.json["csrf"] != before["X-CSRF-Token"]
    assert (await world.ask("GET", "/session", headers=before)).status == 401
    after = {"Cookie": f"{COOKIE}={changed.cookies[COOKIE].value}"}
    assert ((await world.ask("GET", "/session", headers=after)).json)["role"] == "patient"


async def test_after_logout_the_cookie_opens_nothing(world: World) -> None:
    headers = await world.log_in(world.west.people[Role.SECRETARY], Role.SECRETARY, world.west.clinic)
    assert (await world.ask("DELETE", "/session", headers=headers)).status == 204
    assert (await world.ask("GET", "/session", headers=headers)).status == 401


async def test_me_names_where_one_works_and_where_one_is_a_patient(world: World) -> None:
    patient = (await world.ask("GET", "/me", Role.PATIENT)).json
    assert patient["works_in"] == []
    assert [(found["clinic"], found["patient"]) for found in patient["patient_in"]] == [
        (world.west.clinic, world.west.patient)
    ]
    secretary = (await world.ask("GET", "/me", Role.SECRETARY)).json
    assert secretary["works_in"] == [{"clinic": world.west.clinic, "name": "Klinikk vest", "role": "secretary"}]
    assert (secretary["name"], secretary["clinic"]) == ("secretary vest", world.west.clinic)


async def entries(world: World, path: str, role: Role) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = f"?limit=2&cursor={cursor}" if cursor else "?limit=2"
        response = await world.ask("GET", path + query, role)
        assert response.status == 200, response.body
        answer = response.json
        found += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return found


async def look_at(world: World, patient: str, clinic: str, person: str) -> None:
    async with world.database.begin(clinic) as session:
        detail = log.detail({"how": "list"})
        about = (Reference(log.PATIENT, patient),)
        await log.record(session, Event(NOW, Reference("secretary", person), "patient.read", about, detail))


async def test_administrators_read_their_own_clinics_log(world: World) -> None:
    west, east = world.west, world.east
    await look_at(world, west.patient, west.clinic, west.people[Role.SECRETARY])
    await look_at(world, east.patient, east.clinic, east.people[Role.SECRETARY])
    found = await entries(world, "/audit", Role.ADMINISTRATOR)
    assert [entry["action"] for entry in reversed(found)] == ["patient.read", "session.open"]
    assert [entry["sequence"] for entry in reversed(found)] == [1, 2]
    assert (await entries(world, "/audit", Role.ADMINISTRATOR))[0]["action"] == "audit.read"
    (viewed,) = [entry for entry in found if entry["action"] == "patient.read"]
    assert viewed["subjects"] == [{"kind": "patient", "id": west.patient}]
    assert (viewed["actor_role"], viewed["actor_name"]) == ("secretary", "secretary vest")
    assert viewed["detail"] == {"how": "list"}


async def test_the_log_is_filtered_by_patient_and_time(world: World) -> None:
    west = world.west
    await look_at(world, west.patient, west.clinic, west.people[Role.SECRETARY])
    for query, actions in (
        (f"patient={west.patient}", ["patient.read"]),
        (f"patient={world.east.patient}", []),
        ("until=2026-03-02T09:00:00Z", []),
        (f"patient={west.patient}&since=2026-03-02T10:00:00%2B01:00&until=2026-03-02T09:00:01Z", ["patient.read"]),
        ("since=2999-01-01T00:00:00Z", None),
    ):
        response = await world.ask("GET", f"/audit?{query}", Role.ADMINISTRATOR)
        if actions is None:
            assert response.status == 422
        else:
            found = [entry["action"] for entry in response.json["items"]]
            assert [action for action in found if action != "audit.read"] == actions, query


async def test_patients_see_who_looked_in_every_clinic_and_nobody_elses_looks(world: World) -> None:
    west, east = world.west, world.east
    await look_at(world, west.patient, west.clinic, west.people[Role.SECRETARY])
    await look_at(world, east.patient, east.clinic, east.people[Role.SECRETARY])
    found = await entries(world, "/me/looks", Role.PATIENT)
    seen = [
        (look["clinic_name"], look["actor_role"], look["actor_name"])
        for look in found
        if look["action"] == "patient.read"
    ]
    assert seen == [("Klinikk vest", "secretary", "secretary vest")]
    assert {look["action"] for look in found} == {"patient.read", "looks.read"}


async def test_the_lab_clock_runs_from_where_it_was_set(world: World) -> None:
    assert (await world.ask("GET", "/lab/clock")).json == {"now": "2026-03-02T09:00:00Z"}
    ahead = {"now": "2026-03-02T12:30:00+02:00"}
    assert (await world.ask("PUT", "/lab/clock", body=ahead)).json == {"now": "2026-03-02T10:30:00Z"}
    assert (await world.ask("DELETE", "/lab/clock")).json == {"now": "2026-03-02T09:00:00Z"}


async def test_no_other_page_sets_the_clock(world: World) -> None:
    body = {"now": "2026-03-02T12:30:00+02:00"}
    assert (
        await world.ask("PUT", "/lab/clock", body=body, headers={"Origin": "https://elsewhere.example"})
    ).status == 403
