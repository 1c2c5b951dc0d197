"""Messages that wait are taken back once the patient's record says that they may not be sent."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from control.people import attendees, records, wishes
from control.scheduling.booking import Book, book
from control.scheduling.changing import Cancel, cancel
from control.store.models import Attendee, OutboxEntry, OutboxState, Patient
from signalling.roles import Role
from tests.control.scheduling.world import World
from tests.control.store.rows import NOW

PROTECTED, OPTED_OUT = {"protected_address": True}, {"opted_out": True}


async def change(session: AsyncSession, world: World, number: int = 0, **changes: bool) -> None:
    """What staff write into a patient's record."""
    patient, staff = world.patients[number], world.secretary
    await records.change(session, patient, None, lambda before: replace(before, **changes), staff, NOW)  # type: ignore[arg-type]


async def group(world: World) -> tuple[str, list[Attendee]]:
    """Two patients booked in a group, each with a companion who was sent a link; the companions."""
    await world.set_type(capacity=2)
    await world.new_patient("Per Hansen")
    slot = await world.slot()
    made, _ = [
        await world.do(lambda s, p=patient: book(s, world.secretary, Book(slot.id, p), NOW))  # type: ignore[misc]
        for patient in world.patients
    ]
    companions = []
    for name, patient in zip(("Ola", "Eva"), world.patients, strict=True):
        new = attendees.NewNamed(Role.COMPANION, name, phone="+4790000001", patient=patient)
        companions.append(
            await world.do(lambda s, new=new: attendees.add(s, made.id, new, world.secretary, NOW))  # type: ignore[misc]
        )
    return made.id, companions


async def waiting(world: World, appointment: str, state: OutboxState = OutboxState.QUEUED) -> list[tuple[str, str]]:
    """Whom what waits is for, by name, and what it is."""
    names = {each.id: each.name for each in await world.attendees(appointment)}
    entries = await world.all(OutboxEntry, OutboxEntry.state == state)
    return sorted((names[each.attendee_id or ""], each.kind) for each in entries)


KARI = [("Kari Nordmann", "booked"), ("Kari Nordmann", "reminder")]
OLA = [("Ola", "invitation")]
OTHERS = [("Eva", "invitation"), ("Per Hansen", "booked"), ("Per Hansen", "reminder")]


@pytest.mark.parametrize("state", [OutboxState.QUEUED, OutboxState.PAUSED])
async def test_an_address_protected_later_takes_back_what_waits_about_the_patient(
    world: World, state: OutboxState
) -> None:
    appointment, _ = await group(world)
    assert await waiting(world, appointment) == sorted([*KARI, *OLA, *OTHERS])
    for entry in await world.all(OutboxEntry):
        await world.change(OutboxEntry, entry.id, state=state)
    await world.do(lambda s: change(s, world, **PROTECTED))
    assert await waiting(world, appointment, state) == OTHERS
    assert await waiting(world, appointment, OutboxState.WITHDRAWN) == sorted([*KARI, *OLA])


async def test_what_was_sent_stays_sent(world: World) -> None:
    appointment, _ = await group(world)
    for entry in await world.all(OutboxEntry):
        await world.change(OutboxEntry, entry.id, state=OutboxState.SENT)
    await world.do(lambda s: change(s, world, **PROTECTED))
    assert await waiting(world, appointment, OutboxState.WITHDRAWN) == []


async def test_who_wants_no_messages_any_more_gets_none_that_waits_but_companions_do(world: World) -> None:
    appointment, _ = await group(world)
    await world.do(lambda s: change(s, world, **OPTED_OUT))
    assert await waiting(world, appointment) == sorted([*OLA, *OTHERS])


async def test_the_patients_own_wish_for_no_messages_holds_for_those_that_wait(world: World) -> None:
    appointment, _ = await group(world)
    who, patient = world.me(1), world.patients[1]
    for wanted in (None, False, True):
        await world.do(
            lambda s, wanted=wanted: wishes.wish(  # type: ignore[misc]
                s, who.id, patient, video=None, no_messages=wanted, actor=who, now=NOW
            )
        )
        told = sorted([*KARI, *OLA, OTHERS[0]] if wanted else [*KARI, *OLA, *OTHERS])
        assert await waiting(world, appointment) == told


async def test_who_is_expected_no_longer_is_told_nothing_of_one_who_became_protected(world: World) -> None:
    """As whoever leaves a group, and is told so."""
    appointment, companions = await group(world)
    await world.do(lambda s: attendees.remove(s, appointment, companions[0].id, world.secretary, NOW))
    (entry,) = await world.all(OutboxEntry, OutboxEntry.attendee_id == companions[0].id)
    await world.change(OutboxEntry, entry.id, state=OutboxState.QUEUED)
    await world.do(lambda s: change(s, world, **PROTECTED))
    assert await waiting(world, appointment) == OTHERS


async def interpreter(world: World, appointment: str) -> str:
    """Somebody who comes with no patient in particular, and is invited where that may be."""
    new = attendees.NewNamed(Role.INTERPRETER, "Tolk", phone="+4790000002")
    return (await world.do(lambda s: attendees.add(s, appointment, new, world.secretary, NOW))).id


TOLK = ("Tolk", "invitation")


async def test_who_comes_with_nobody_in_particular_comes_with_the_protected_one_too(world: World) -> None:
    appointment, _ = await group(world)
    await interpreter(world, appointment)
    assert TOLK in await waiting(world, appointment)
    await world.do(lambda s: change(s, world, **OPTED_OUT))
    assert TOLK in await waiting(world, appointment)
    await world.do(lambda s: change(s, world, **PROTECTED))
    assert await waiting(world, appointment) == OTHERS


async def test_who_comes_with_nobody_in_particular_is_not_invited_to_a_protected_one(world: World) -> None:
    appointment, _ = await group(world)
    await world.do(lambda s: change(s, world, **PROTECTED))
    tolk = await interpreter(world, appointment)
    _, sent = await world.do(lambda s: attendees.invite(s, appointment, tolk, world.secretary, NOW, anew=False))
    assert (sent, await waiting(world, appointment)) == (False, OTHERS)
    (doctor,) = [each for each in await world.attendees(appointment) if each.role is Role.PRACTITIONER]
    _, sent = await world.do(lambda s: attendees.invite(s, appointment, doctor.id, world.secretary, NOW, anew=False))
    assert sent, "who treats them knows the place"


async def test_an_invitation_that_waits_is_taken_back_once_a_protected_one_joins_the_group(world: World) -> None:
    await world.set_type(capacity=2)
    protected = await world.new_patient("Per Hansen", protected_address=True)
    slot = await world.slot()
    made = await world.do(lambda s: book(s, world.secretary, Book(slot.id, world.patients[0]), NOW))
    await interpreter(world, made.id)
    assert await waiting(world, made.id) == [*KARI, TOLK]
    await world.do(lambda s: book(s, world.secretary, Book(slot.id, world.patients[protected]), NOW))
    assert await waiting(world, made.id) == KARI


Act = Callable[[AsyncSession, World, str], Awaitable[object]]


async def _books(session: AsyncSession, world: World, slot: str) -> object:
    # It knows the record from before.
    await session.get_one(Patient, (world.clinic, world.patients[0]))
    return await book(session, world.secretary, Book(slot, world.patients[0]), NOW)


async def _cancels(session: AsyncSession, world: World, appointment: str) -> object:
    await session.get_one(Patient, (world.clinic, world.patients[0]))
    return await cancel(session, world.secretary, Cancel(appointment), NOW)


@pytest.mark.parametrize("act", [_books, _cancels])
async def test_whoever_tells_while_the_address_becomes_protected_tells_nothing(world: World, act: Act) -> None:
    about = (await world.slot()).id if act is _books else (await world.booked()).id
    for entry in await world.all(OutboxEntry):
        # Else both would wait for the rows of the outbox.
        await world.change(OutboxEntry, entry.id, state=OutboxState.SENT)
    async with world.database.begin(world.clinic) as session:
        await change(session, world, **PROTECTED)
        telling = asyncio.ensure_future(world.do(lambda s: act(s, world, about)))
        # It has to wait for the record: long enough to be done if it does not.
        await asyncio.wait([telling], timeout=0.5)
    await telling
    assert await world.messages() == []
