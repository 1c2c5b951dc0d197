"""A consultation without an appointment."""

from control.identity.roles import Role
from tests.control.api.world import ORIGIN, World


async def test_a_practitioner_opens_one_at_once_and_links_lead_to_its_lobby(world: World) -> None:
    invited = [{"role": "patient", "patient": world.west.patient}, {"role": "interpreter", "name": "Ada Tolk"}]
    opened = await world.ask("POST", "/consultations", Role.PRACTITIONER, body={"invited": invited})
    assert opened.status == 201
    told = opened.json
    assert [each["role"] for each in told["attendees"]] == ["practitioner", "patient", "interpreter"]
    host, patient, interpreter = told["attendees"]
    assert host["link"] is None
    rooms = set()
    for each in (patient, interpreter):
        link = each["link"].partition("#k=")[2]
        landing = await world.ask("POST", "/links", body={"link": link})
        assert landing.json["me"]["name"] == each["name"]
        joined = await world.ask("POST", f"/consultations/{told['id']}/join", body={"link": link})
        assert joined.status == 200, joined.body
        rooms.add(joined.json["room"])
    joined = await world.ask("POST", f"/consultations/{told['id']}/join", Role.PRACTITIONER, body={})
    assert rooms == {joined.json["room"]}


async def test_addresses_begin_as_the_settings_say_whatever_host_is_asked_for(world: World) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    body = {"invited": [{"role": "guest", "name": "Per"}]}
    told = (await world.ask("POST", "/consultations", Role.PRACTITIONER, body=body, headers=headers)).json
    link = told["attendees"][1]["link"]
    assert link.startswith(f"{ORIGIN}/patient/#k=")
    given = {"link": link.partition("#k=")[2]}
    joined = await world.ask("POST", f"/consultations/{told['id']}/join", body=given, headers=headers)
    assert joined.json["ws_url"] == f"{ORIGIN.replace('http', 'ws', 1)}/ws"


async def test_one_with_a_time_has_a_window(world: World) -> None:
    body = {"starts": "2026-03-02T12:00:00Z", "invited": [{"role": "guest", "name": "Per"}]}
    told = (await world.ask("POST", "/consultations", Role.PRACTITIONER, body=body)).json
    link = told["attendees"][1]["link"].partition("#k=")[2]
    refused = await world.ask("POST", f"/consultations/{told['id']}/join", body={"link": link})
    assert (refused.status, refused.json["code"]) == (403, "join_too_early")
    assert refused.json["opens_at"] == "2026-03-02T11:45:00Z"
