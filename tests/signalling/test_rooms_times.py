"""How long the absent, their seats and rooms without anybody are kept are settings: other values are heeded."""

import pytest

from signalling import messages
from signalling.config import SignallingConfig
from signalling.inputs import End
from signalling.room import Ended
from tests.signalling.doubles import House, pair, refused


@pytest.mark.parametrize("away", [5.0, 600.0])
async def test_when_the_absent_are_no_longer_shown_is_a_setting(away: float) -> None:
    house = House(SignallingConfig(away=away))
    host, patient = await pair(house)
    seat = patient.seat
    patient.drop()
    house.clock.advance(away - 0.1)
    assert [p.id for p in host.last(messages.Participants).participants] == ["host", "pat"]
    house.clock.advance(0.1)
    assert [p.id for p in host.last(messages.Participants).participants] == ["host"]
    assert (await house.join(seat=seat)).last(messages.Joined).gate == "open", "the seat stays good"


@pytest.mark.parametrize("life", [600, 48 * 3600])
async def test_how_long_a_seat_lasts_is_a_setting(life: int) -> None:
    house = House(SignallingConfig(seat_life=life))
    host, patient = await pair(house)
    seat = patient.seat
    patient.drop()
    house.clock.advance(life)
    (await house.join(seat=seat)).drop()
    house.clock.advance(61)
    with refused("seat_invalid"):
        await house.join(seat=seat)
    assert host.link.ended is None


@pytest.mark.parametrize("life", [600, 48 * 3600])
async def test_how_long_an_empty_room_is_kept_is_the_life_of_a_seat(life: int) -> None:
    house = House(SignallingConfig(seat_life=life))
    for person in await pair(house):
        person.drop()
    house.clock.advance(life - 1)
    state = house.rooms.roster("r")
    assert state is not None
    assert not isinstance(state.life, Ended)
    house.clock.advance(1)
    assert house.journal.records[-1].event == End(None, "expired", expired=True)


@pytest.mark.parametrize("absence", [5.0, 600.0])
async def test_how_long_patients_may_be_alone_is_a_setting(absence: float) -> None:
    house = House(SignallingConfig(host_absence=absence))
    host, _ = await pair(house)
    host.drop()
    house.clock.advance(absence - 0.1)
    assert house.node.gate("pat") is True
    house.clock.advance(0.1)
    assert house.node.gate("pat") is False
