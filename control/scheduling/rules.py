"""Who may see, book, change and be told of an appointment. Pure; each broken precondition comes as its own code.

Whether somebody may start is decided by `consultation/rules.py`, in the same codes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.recurrence import local_day
from control.scheduling.surface import Surface


class By(StrEnum):
    """Who acts: rules about who may book bind the patient; staff may do what is possible at all."""

    STAFF = "staff"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Clinic:
    """What the clinic as a whole decides."""

    video: bool
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Type:
    """What an appointment type decides."""

    active: bool
    published: bool
    """Bookable online."""
    video: bool
    """Whether it may be by video; otherwise every type can be held."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A slot from a work plan, or none yet."""

    template: bool
    """Whether the schedule has a week template for the type."""
    work_plan: bool
    """Whether a work plan has put that template out for the day."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """A slot that was inserted or retyped by hand: it needs no template and no plan."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that exists; instants in UTC. In a group it is taken when no place is left."""

    start: datetime
    end: datetime
    taken: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """The five links (schedule, type, week template, work plan, slot), and the surface that is asked for."""

    clinic: Clinic
    schedule_published: bool
    type: Type
    origin: Planned | ByHand
    slot: Slot | None
    surface: Surface


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Who may book, as a schedule or a type says it; ages in whole years on the day, both included."""

    age_from: int | None = None
    age_to: int | None = None
    new_patients: bool = True
    own_list_only: bool = False
    """Only for patients on the practitioner's own list."""
    referral_needed: bool = False
    max_open: int | None = None
    """How many appointments to come a patient may have here, this one included."""
    lead_min: timedelta = timedelta()
    """How long before the start booking closes."""
    lead_max: timedelta | None = None
    """How long before the start booking opens."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is known of who wants to book."""

    born: date | None
    known: bool
    """Whether the person is a patient of the clinic already."""
    listed: bool
    referred: bool
    open_bookings: int
    """Appointments to come that count for the limit; one that is being moved does not."""
    booked_already: bool
    """Whether this very slot is the patient's already, as in a group that has places left."""


def shown_online(chain: Chain) -> tuple[Obstacle, ...]:
    """Why a slot is not shown online; nothing where it is."""
    return tuple(Obstacle(code) for code in [*_possible(chain), *_published(chain)])


def _possible(chain: Chain) -> Iterator[Code]:
    """What binds staff as well."""
    if chain.surface is Surface.VIDEO and not chain.clinic.video:
        yield Code.VIDEO_OFF
    if chain.surface is Surface.VIDEO and not chain.type.video:
        yield Code.TYPE_NOT_VIDEO
    if chain.slot is None:
        yield Code.SLOT_MISSING
    elif chain.slot.taken:
        yield Code.SLOT_TAKEN


def _published(chain: Chain) -> Iterator[Code]:
    if not chain.schedule_published:
        yield Code.SCHEDULE_NOT_PUBLISHED
    if not (chain.type.active and chain.type.published):
        yield Code.TYPE_NOT_PUBLISHED
    match chain.origin:
        case Planned(template, work_plan):
            if not template:
                yield Code.TEMPLATE_MISSING
            if not work_plan:
                yield Code.WORK_PLAN_MISSING
        case ByHand():
            pass
        case _:
            assert_never(chain.origin)


def to_book(
    chain: Chain, restrictions: Sequence[Restrictions], patient: Patient, by: By, now: datetime
) -> tuple[Obstacle, ...]:
    """Why the patient can't book, or staff for the patient; `restrictions` are schedule's and type's, all to be met.

    A code comes once, with the narrower limit where several restrictions give it.
    """
    found = [Obstacle(code) for code in _possible(chain)]
    if patient.booked_already:
        found.append(Obstacle(Code.ALREADY_BOOKED))
    match by:
        case By.STAFF:
            if not chain.type.active:
                found.append(Obstacle(Code.TYPE_NOT_PUBLISHED))
            if chain.slot is not None and now >= chain.slot.end:
                found.append(Obstacle(Code.TOO_LATE_TO_BOOK, chain.slot.end))
        case By.PATIENT:
            found += (Obstacle(code) for code in _published(chain))
            found += _restricted(chain, _narrowest(restrictions), patient, now)
        case _:
            assert_never(by)
    return tuple(found)


def _narrowest(all_of: Sequence[Restrictions]) -> Restrictions:
    """Several restrictions as one that asks for all of them."""
    return Restrictions(
        max((rule.age_from for rule in all_of if rule.age_from is not None), default=None),
        min((rule.age_to for rule in all_of if rule.age_to is not None), default=None),
        all(rule.new_patients for rule in all_of),
        any(rule.own_list_only for rule in all_of),
        any(rule.referral_needed for rule in all_of),
        min((rule.max_open for rule in all_of if rule.max_open is not None), default=None),
        max((rule.lead_min for rule in all_of), default=timedelta()),
        min((rule.lead_max for rule in all_of if rule.lead_max is not None), default=None),
    )


def _restricted(chain: Chain, rule: Restrictions, patient: Patient, now: datetime) -> Iterator[Obstacle]:
    day = local_day(now if chain.slot is None else chain.slot.start, chain.clinic.zone)
    yield from _age(rule, patient.born, day)
    if not (rule.new_patients or patient.known):
        yield Obstacle(Code.NEW_PATIENTS_CLOSED)
    if rule.own_list_only and not patient.listed:
        yield Obstacle(Code.NOT_ON_LIST)
    if rule.referral_needed and not patient.referred:
        yield Obstacle(Code.REFERRAL_MISSING)
    if rule.max_open is not None and patient.open_bookings >= rule.max_open:
        yield Obstacle(Code.TOO_MANY_OPEN_BOOKINGS, rule.max_open)
    if chain.slot is not None:
        yield from _lead(rule, chain.slot.start, now)


def _age(rule: Restrictions, born: date | None, day: date) -> Iterator[Obstacle]:
    if rule.age_from is None and rule.age_to is None:
        return
    if born is None:
        yield Obstacle(Code.AGE_UNKNOWN)
        return
    age = age_on(born, day)
    if rule.age_from is not None and age < rule.age_from:
        yield Obstacle(Code.TOO_YOUNG, rule.age_from)
    if rule.age_to is not None and age > rule.age_to:
        yield Obstacle(Code.TOO_OLD, rule.age_to)


def age_on(born: date, day: date) -> int:
    """Whole years on that day; who was born on 29 February gets a year older on 1 March in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _lead(rule: Restrictions, start: datetime, now: datetime) -> Iterator[Obstacle]:
    closes = start - rule.lead_min
    if now > closes or now >= start:
        yield Obstacle(Code.TOO_LATE_TO_BOOK, closes)
    elif rule.lead_max is not None and now < start - rule.lead_max:
        yield Obstacle(Code.TOO_EARLY_TO_BOOK, start - rule.lead_max)


class Phase(StrEnum):
    """Where an appointment is in its life."""

    BOOKED = "booked"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"


def to_change(phase: Phase, start: datetime, notice: timedelta, by: By, now: datetime) -> tuple[Obstacle, ...]:
    """Why an appointment can't be cancelled or moved.

    A patient may until `notice` before the start, that instant included; staff may until the call runs.
    """
    found = []
    match phase:
        case Phase.BOOKED:
            pass
        case Phase.RUNNING:
            found.append(Obstacle(Code.CONSULTATION_RUNNING))
        case Phase.ENDED:
            found.append(Obstacle(Code.CONSULTATION_ENDED))
        case Phase.CANCELLED:
            found.append(Obstacle(Code.APPOINTMENT_CANCELLED))
        case _:
            assert_never(phase)
    if by is By.PATIENT and now > start - notice:
        found.append(Obstacle(Code.TOO_LATE_TO_CHANGE, start - notice))
    return tuple(found)


def hints_at_video(remark: str | None) -> bool:
    """Whether the remark of a booking from another system says that it is meant to be by video."""
    return remark is not None and "video" in remark.casefold()


class Channel(StrEnum):
    """How people are told."""

    SMS = "sms"
    EMAIL = "email"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Contact:
    """What stands for and against telling somebody."""

    reachable: frozenset[Channel]
    """Channels that there is an address for."""
    opted_out: bool
    protected: bool
    """Protected address: nothing is sent of its own accord."""


def to_notify(channels: frozenset[Channel], contact: Contact) -> tuple[Obstacle, ...]:
    """Why somebody is not told of an appointment; `channels` are those of its type, none where it is silent."""
    return tuple(Obstacle(code) for code in _unnotified(channels, contact))


def _unnotified(channels: frozenset[Channel], contact: Contact) -> Iterator[Code]:
    if not channels:
        yield Code.TYPE_SILENT
    if not contact.reachable & (channels or frozenset(Channel)):
        yield Code.NO_CONTACT_DATA
    if contact.opted_out:
        yield Code.OPTED_OUT
    if contact.protected:
        yield Code.PROTECTED_ADDRESS
