"""`practitioners`, `members` and `me/day-view`."""

from control.identity.roles import STAFF, Role
from tests.control.api.world import World


async def test_staff_see_the_practitioners_of_their_clinic(world: World) -> None:
    for role in (*STAFF, Role.INTEGRATOR):
        answer = await world.ask("GET", "/practitioners", role)
        assert answer.json == {
            "items": [{"id": world.west.practitioner, "name": "Lege vest", "title": None, "active": True}]
        }


async def test_an_administrator_sees_who_works_here(world: World) -> None:
    answer = await world.ask("GET", "/members", Role.ADMINISTRATOR)
    assert [(each["name"], each["person"], each["role"], each["active"]) for each in answer.json["items"]] == [
        (f"{role} vest", world.west.people[role], role, True) for role in sorted(STAFF)
    ]


async def test_row_11_the_video_icon_is_switched_off_for_oneself_and_stays_so(world: World) -> None:
    secretary = world.west.people[Role.SECRETARY]
    assert (await world.ask("GET", "/me/day-view", Role.SECRETARY)).json == {"video_icons": True}
    for wanted in (False, True, False):
        chosen = await world.ask("PUT", "/me/day-view", Role.SECRETARY, body={"video_icons": wanted})
        assert (chosen.status, chosen.json) == (200, {"video_icons": wanted})
    # Another login of the same person, another person, and the same person in another clinic.
    again = await world.log_in(secretary, Role.SECRETARY, world.west.clinic)
    assert (await world.ask("GET", "/me/day-view", headers=again)).json == {"video_icons": False}
    assert (await world.ask("GET", "/me/day-view", Role.PRACTITIONER)).json == {"video_icons": True}
    there = await world.log_in(world.east.people[Role.SECRETARY], Role.SECRETARY, world.east.clinic)
    assert (await world.ask("GET", "/me/day-view", headers=there)).json == {"video_icons": True}
