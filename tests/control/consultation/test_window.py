"""When a room may be entered, through the interface: to the whole second, and the first time only."""

from datetime import timedelta

import pytest

from control.identity.roles import Role
from control.store.models import Appointment, AppointmentType, Consultation, ConsultationState
from tests.control.api.world import World
from tests.control.consultation.asking import change, claims, enters, join, landing, link, meeting, refused
from tests.control.store.rows import NOW

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EARLY, LATE = (403, "join_too_early"), (403, "join_too_late")


@pytest.mark.parametrize("minutes", [10, 15])
async def test_row_19_the_window_is_the_types_own_to_the_second(world: World, minutes: int) -> None:
    made = await meeting(world, of_type={"opens_minutes": minutes})
    opens_at = f"{NOW - minutes * MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    for moment in (NOW - minutes * MINUTE - SECOND, NOW - minutes * MINUTE - timedelta(microseconds=1)):
        world.clock.set(moment)
        answer = await join(world, made, made.patients[0])
        assert refused(answer) == EARLY
        assert answer.json["opens_at"] == opens_at
        assert answer.json["reason"].keys() == {"nb", "en"}
    for moment in (NOW - minutes * MINUTE, NOW, NOW + 2 * HOUR, NOW + 2 * HOUR + timedelta(microseconds=999_999)):
        world.clock.set(moment)
        assert claims(await join(world, made, made.patients[0]))["room"] == made.room
    world.clock.set(NOW + 2 * HOUR + SECOND)
    answer = await join(world, made, made.patients[0])
    assert refused(answer) == LATE
    assert answer.json["closed_at"] == f"{NOW + 2 * HOUR:%Y-%m-%dT%H:%M:%SZ}"


async def test_row_19_the_end_of_the_window_is_the_types_own(world: World) -> None:
    made = await meeting(world, of_type={"closes_minutes": 30})
    world.clock.set(NOW + 30 * MINUTE)
    assert (await join(world, made, made.patients[0])).status == 200
    world.clock.set(NOW + 30 * MINUTE + SECOND)
    assert refused(await join(world, made, made.patients[0])) == LATE


async def test_row_19_the_landing_says_the_window_and_what_is_against_an_entry(world: World) -> None:
    made = await meeting(world, of_type={"opens_minutes": 10})
    world.clock.set(NOW - 10 * MINUTE - SECOND)
    page = await landing(world, link(world, made.patients[0]))
    assert (page["opens_at"], page["closes_at"]) == ("2026-03-02T08:50:00Z", "2026-03-02T11:00:00Z")
    assert [each["code"] for each in page["obstacles"]] == ["join_too_early"]
    world.clock.set(NOW - 10 * MINUTE)
    assert (await landing(world, link(world, made.patients[0])))["obstacles"] == []


async def test_row_19_practitioners_may_an_hour_before(world: World) -> None:
    made = await meeting(world, of_type={"opens_minutes": 10})
    world.clock.set(NOW - HOUR - SECOND)
    answer = await join(world, made, role=Role.PRACTITIONER)
    assert (refused(answer), answer.json["opens_at"]) == (EARLY, "2026-03-02T08:00:00Z")
    world.clock.set(NOW - HOUR)
    assert claims(await join(world, made, role=Role.PRACTITIONER))["gate"] == "open"
    world.clock.set(NOW + 2 * HOUR + SECOND)
    assert refused(await join(world, made, role=Role.PRACTITIONER)) == LATE


async def test_row_19_who_was_inside_once_comes_back_after_the_window(world: World) -> None:
    """The first entry is what counts, and that is the room's word: a grant that nobody used opens nothing later."""
    made = await meeting(world, patients=2)
    first, other = made.patients
    entry = await join(world, made, first)
    assert (await join(world, made, other)).status == 200, "given, and never used"
    await enters(world, made, first, entry)
    world.clock.set(NOW + 5 * HOUR)
    again = claims(await join(world, made, first))
    assert (again["room"], again["gate"]) == (made.room, "lobby")
    assert refused(await join(world, made, other)) == LATE


async def test_row_19_a_first_entry_is_too_late_also_in_a_running_call(world: World) -> None:
    made = await meeting(world)
    doctor = await join(world, made, role=Role.PRACTITIONER)
    await enters(world, made, made.practitioner, doctor)
    world.clock.set(NOW + 3 * HOUR)
    assert (await join(world, made, role=Role.PRACTITIONER)).status == 200, "the running call is not cut"
    assert refused(await join(world, made, made.patients[0])) == LATE


async def test_row_19_a_type_changed_and_an_appointment_moved_have_another_window(world: World) -> None:
    made = await meeting(world)
    world.clock.set(NOW - 15 * MINUTE)
    assert (await join(world, made, made.patients[0])).status == 200
    await change(world, AppointmentType, made.type, opens_minutes=10)
    assert refused(await join(world, made, made.patients[0])) == EARLY
    await change(world, Appointment, made.appointment, starts=NOW - 5 * MINUTE, ends=NOW)
    assert (await join(world, made, made.patients[0])).status == 200


async def test_row_19_what_has_ended_opens_for_nobody(world: World) -> None:
    made = await meeting(world)
    await enters(world, made, made.patients[0], await join(world, made, made.patients[0]))
    await change(world, Consultation, made.consultation, state=ConsultationState.ENDED, ended_at=NOW)
    assert refused(await join(world, made, made.patients[0])) == (409, "consultation_ended")
    assert refused(await join(world, made, role=Role.PRACTITIONER)) == (409, "consultation_ended")
