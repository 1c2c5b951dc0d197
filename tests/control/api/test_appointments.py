"""Booking over the interface: once per key, once per slot, by staff and by the patient, in the patient's own clinic."""

import asyncio
from typing import Any

from control.identity.roles import Role
from tests.control.api.requests import REQUESTS
from tests.control.api.world import Answer, World


async def good(world: World, *, by_patient: bool = False) -> dict[str, Any]:
    body = dict((await REQUESTS["book"](world, world.west)).body)
    if by_patient:
        del body["patient"]
    return body


async def book(world: World, body: dict[str, Any], role: Role, key: str | None = None) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await world.ask("POST", "/appointments", role, body=body, headers=headers)


async def test_a_booking_sent_again_is_one_booking(world: World) -> None:
    body = await good(world)
    first, *again = await asyncio.gather(*(book(world, body, Role.SECRETARY, "booking-0001") for _ in range(5)))
    assert first.status == 201
    assert {(answer.status, answer.body, answer.headers["Location"]) for answer in again} == {
        (201, first.body, f"/api/v1/appointments/{first.json['id']}")
    }
    other = await book(world, await good(world), Role.SECRETARY, "booking-0001")
    assert (other.status, other.json["code"]) == (422, "idempotency_conflict")
    taken = await book(world, body, Role.SECRETARY, "booking-0002")
    assert (taken.status, taken.json["code"]) == (409, "slot_taken")
    assert "slot_taken" in [obstacle["code"] for obstacle in taken.json["obstacles"]]


async def test_patients_book_for_themselves_and_name_the_clinic(world: World) -> None:
    body = await good(world, by_patient=True)
    unnamed = await book(world, {"slot": body["slot"]}, Role.PATIENT)
    assert (unnamed.status, unnamed.json["errors"]) == (422, [{"pointer": "/clinic", "code": "missing"}])
    chosen = await book(world, body | {"surface": "physical"}, Role.PATIENT)
    assert (chosen.status, chosen.json["code"]) == (403, "forbidden")
    booked = await book(world, body | {"comment": "Hoste i to uker"}, Role.PATIENT)
    assert booked.status == 201, booked.body
    assert b"Hoste" not in booked.body
    mine = (await world.ask("GET", "/me/appointments", Role.PATIENT)).json["items"]
    assert [each["appointment"] for each in mine] == [booked.json["id"]]


async def test_slots_are_shown_until_they_are_booked_and_again_when_let_go(world: World) -> None:
    body = await good(world)

    async def shown() -> list[str]:
        found = await world.ask("GET", f"/slots?clinic={world.west.clinic}", Role.PATIENT)
        return [slot["id"] for slot in found.json["items"]]

    assert await shown() == [body["slot"]]
    booked = await book(world, body, Role.SECRETARY)
    assert await shown() == []
    place = f"/appointments/{booked.json['id']}"
    stale = await world.ask("POST", f"{place}/cancel", Role.PATIENT, body={}, headers={"If-Match": '"99"'})
    assert (stale.status, stale.json["code"]) == (412, "precondition_failed")
    current = (await world.ask("GET", place, Role.PATIENT)).headers["ETag"]
    done = await world.ask("POST", f"{place}/cancel", Role.PATIENT, body={}, headers={"If-Match": current})
    assert (done.status, done.json["state"]) == (200, "cancelled"), done.body
    assert await shown() == [body["slot"]]


async def test_a_clinic_that_is_not_there_looks_like_one_without_that_slot(world: World) -> None:
    body = await good(world, by_patient=True)
    answers = [await book(world, body | change, Role.PATIENT) for change in ({"clinic": "z" * 26}, {"slot": "z" * 26})]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].body == answers[1].body


async def test_staff_are_told_why_in_plain_words(world: World) -> None:
    request = await REQUESTS["why_not_book"](world, world.west)
    found = await world.ask("GET", f"/obstacles/booking{request.query}", Role.SECRETARY)
    codes = {obstacle["code"]: obstacle for obstacle in found.json["items"]}
    assert "slot_missing" in codes
    assert set(codes["slot_missing"]["reason"]) == {"nb", "en"}
