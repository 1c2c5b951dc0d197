"""The join decision: may who asks enter the room as this attendee, now? Pure; every reason against it is an `Obstacle`.

What a login or a link proves comes first, so that a stranger learns nothing of the appointment; then the appointment's
state; last the clock. Whatever is unknown is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, assert_never

from control.identity.levels import Level, satisfies
from control.scheduling.obstacles import Code, Obstacle
from control.scheduling.rules import Phase
from control.scheduling.surface import Surface
from signalling.roles import Role, is_host

SECOND: Final = timedelta(seconds=1)


class Link(StrEnum):
    """A link token that was shown for this attendee."""

    CURRENT = "current"
    REVOKED = "revoked"
    """Of a version before the attendee's."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """Neither login nor link."""


@dataclass(frozen=True, slots=True)
class ByLink:
    """A link alone."""

    link: Link


@dataclass(frozen=True, slots=True)
class Login:
    """A citizen's login, perhaps with the attendee's link."""

    person: str | None
    """None where the login told no identity number, so that nobody knows whose it is."""
    level: Level | None
    """None where the provider's word for it is unknown."""
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """A session of somebody who works at the clinic, with this clinic active."""

    person: str
    level: Level | None


Identity = Nobody | ByLink | Login | Staff


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who is expected."""

    role: Role
    person: str | None
    """None for a guest known by name only."""
    name: str = field(repr=False)
    label: str | None = field(repr=False)
    """The name to be shown, where one was chosen."""
    required: Level | None
    """Level of login; none where the link is enough. Practitioners always log in."""
    entered: bool
    """Whether the first entry has happened."""
    guardian: bool = True
    """Whether the guardian's relation to the patient holds today; means nothing in other roles."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What clinic and type decide."""

    video: bool
    """Whether the clinic has video."""
    opens: timedelta
    """How long before the start attendees may enter: 10 or 15 minutes."""
    closes: timedelta
    """How long after the start a first entry is possible: 2 hours."""
    staff_opens: timedelta
    """How long before the start practitioners may enter: 60 minutes."""
    guests: bool
    """Whether guests may come, by name alone."""
    group: bool
    """Whether patients see each other, so that initials are shown."""
    staff_level: Level
    """Level of login that practitioners need."""


@dataclass(frozen=True, slots=True)
class Consultation:
    """The meeting; `start` is none where there is no appointment and so no window."""

    phase: Phase
    surface: Surface
    start: datetime | None


@dataclass(frozen=True, slots=True)
class Admit:
    """Enter: what the grant says."""

    gate: Literal["lobby", "open"]
    role: Role
    name: str = field(repr=False)
    rename: bool
    """Whether the shown name may be changed."""
    evidence: Level | None
    """Level of the login that proved who it is; without it the practitioner records how the person was identified."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Don't: why, with the time or the level that is asked for."""

    obstacle: Obstacle

    @property
    def audited(self) -> bool:
        """Whether the attempt itself is an event of the audit log, as the wrong person's is."""
        return self.obstacle.code is Code.WRONG_PERSON


def join(
    attendee: Attendee, identity: Identity, consultation: Consultation, terms: Terms, now: datetime
) -> Admit | Refuse:
    """Decide; what stands first against it is the answer."""
    for obstacle in to_start(attendee, identity, consultation, terms, now):
        return Refuse(obstacle)
    host = is_host(attendee.role)
    return Admit(
        "open" if host else "lobby",
        attendee.role,
        shown_name(attendee, terms),
        not host,
        _evidence(attendee, identity),
    )


def to_test(attendee: Attendee, identity: Identity, consultation: Consultation, terms: Terms) -> Refuse | None:
    """Why sound and picture can't be tried in a room of one's own: the clock never forbids it, and a link is enough."""
    for obstacle in [*_proof(attendee, identity, None), *_state(attendee, consultation, terms)]:
        return Refuse(obstacle)
    return None


def to_tell(attendee: Attendee, identity: Identity, consultation: Consultation) -> Refuse | None:
    """Why an attendee can't tell the clinic "I am late", "I can't wait" or "I'd rather come": no window, but proof."""
    for obstacle in [*_proof(attendee, identity, attendee.required), *_phase(consultation)]:
        return Refuse(obstacle)
    return None


def to_start(
    attendee: Attendee, identity: Identity, consultation: Consultation, terms: Terms, now: datetime
) -> tuple[Obstacle, ...]:
    """Everything that stands against an entry now, what proves least first; nothing where one may enter."""
    return (
        *_proof(attendee, identity, _needed(attendee, terms)),
        *_state(attendee, consultation, terms),
        *_window(attendee, consultation, terms, now),
    )


def to_start_unproved(
    attendee: Attendee, identity: Identity, consultation: Consultation, terms: Terms, now: datetime
) -> tuple[Obstacle, ...]:
    """What of it somebody may read who still has to log in: the login and the clock, not how the meeting stands."""
    return (
        *_proof(attendee, identity, _needed(attendee, terms)),
        *_window(attendee, consultation, terms, now),
    )


def _needed(attendee: Attendee, terms: Terms) -> Level | None:
    return terms.staff_level if is_host(attendee.role) else attendee.required


def _proof(attendee: Attendee, identity: Identity, required: Level | None) -> Iterator[Obstacle]:
    """What is missing to believe that this is the attendee."""
    login = Obstacle(Code.LOGIN_REQUIRED, required or min(Level))
    host = is_host(attendee.role)
    match identity:
        case Nobody():
            yield login
        case ByLink(link):
            if link is Link.REVOKED:
                yield Obstacle(Code.LINK_REVOKED)
            if required is not None or host:
                yield login
        case Login(person, level, link):
            if link is Link.REVOKED:
                yield Obstacle(Code.LINK_REVOKED)
            if host or not satisfies(level, required or min(Level)):
                yield login
            if not _is(attendee, person, link):
                yield Obstacle(Code.WRONG_PERSON)
        case Staff(person, level):
            if not satisfies(level, required or min(Level)):
                yield login
            if person != attendee.person:
                yield Obstacle(Code.WRONG_PERSON)
        case _:
            assert_never(identity)


def _is(attendee: Attendee, person: str | None, link: Link | None) -> bool:
    """Whether a login may be the attendee's: the same person, or nothing to compare and the attendee's link in hand."""
    if attendee.person is None or person is None:
        return link is not None
    return attendee.person == person


def _evidence(attendee: Attendee, identity: Identity) -> Level | None:
    match identity:
        case Login(person, level) | Staff(person, level):
            return level if person is not None and person == attendee.person else None
        case Nobody() | ByLink():
            return None
        case _:
            assert_never(identity)


def _state(attendee: Attendee, consultation: Consultation, terms: Terms) -> Iterator[Obstacle]:
    yield from _phase(consultation)
    if not terms.video:
        yield Obstacle(Code.VIDEO_OFF)
    if consultation.surface is not Surface.VIDEO:
        yield Obstacle(Code.APPOINTMENT_NOT_VIDEO)
    if attendee.role is Role.GUARDIAN and not attendee.guardian:
        yield Obstacle(Code.GUARDIAN_ENDED)
    if attendee.role is Role.GUEST and not terms.guests:
        yield Obstacle(Code.GUESTS_NOT_ALLOWED)


def _phase(consultation: Consultation) -> Iterator[Obstacle]:
    match consultation.phase:
        case Phase.CANCELLED:
            yield Obstacle(Code.APPOINTMENT_CANCELLED)
        case Phase.ENDED:
            yield Obstacle(Code.CONSULTATION_ENDED)
        case Phase.BOOKED | Phase.RUNNING:
            pass
        case _:
            assert_never(consultation.phase)


def window(attendee: Attendee, start: datetime, terms: Terms) -> tuple[datetime, datetime]:
    """When a first entry is possible, both ends included."""
    opens = max(terms.opens, terms.staff_opens) if is_host(attendee.role) else terms.opens
    return start - opens, start + terms.closes


def _window(attendee: Attendee, consultation: Consultation, terms: Terms, now: datetime) -> Iterator[Obstacle]:
    """To the whole second. Who has entered once comes back at any time: only the end of the consultation ends it."""
    if attendee.entered or consultation.start is None:
        return
    opens, closes = window(attendee, consultation.start, terms)
    if now < opens:
        yield Obstacle(Code.JOIN_TOO_EARLY, opens)
    elif now >= closes + SECOND:
        yield Obstacle(Code.JOIN_TOO_LATE, closes)


def shown_name(attendee: Attendee, terms: Terms) -> str:
    """What the others read of an attendee."""
    return shown_as(attendee.role, attendee.name, attendee.label, group=terms.group)


def shown_as(role: Role, name: str, label: str | None, *, group: bool) -> str:
    """The label that was chosen, else the name; of those who meet as a group, initials."""
    if label:
        return label
    if group and role in _SHORTENED:
        return initials(name)
    return name


_SHORTENED: Final = frozenset({Role.PATIENT, Role.GUARDIAN, Role.COMPANION})


def initials(name: str) -> str:
    """First letters: "Kari Anne Nordmann" is "K. A. N."; the name itself where it has no letter."""
    letters = [letter for word in name.split() for letter in [next(filter(str.isalpha, word), None)] if letter]
    return " ".join(f"{letter.upper()}." for letter in letters) or name
