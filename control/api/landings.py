"""What a link or a login shows of a consultation before it is joined."""

from control.api.models import Id, Instant, Output
from control.consultation.landing import Landing
from control.scheduling.obstacles import WORDS, Obstacle
from signalling.roles import Role


class ObstacleAnswer(Output):
    """What stands in the way now."""

    code: str
    nb: str
    en: str


class ContactAnswer(Output):
    """How to reach the clinic, whatever else is wrong. Who comes with a patient whose address is protected is told
    the number to call, and nothing that says where it is."""

    clinic: str | None
    department: str | None
    phone: str | None
    contact: str | None


class ExpectedAnswer(Output):
    """What only the attendee may read."""

    role: Role
    name: str
    shown_name: str
    """What the others in the room see: said before joining, since a group sees it too."""
    practitioner: str | None
    type: str | None
    group: bool
    confirm: bool
    """Whether to show whom one is about to meet, and ask for a yes, before joining or admitting."""


class LandingAnswer(Output):
    """The page behind a link."""

    consultation: Id
    contact: ContactAnswer
    starts: Instant | None
    ends: Instant | None
    opens_at: Instant | None
    closes_at: Instant | None
    acr: str | None
    """The level of login that is needed; null where the link is enough."""
    obstacles: list[ObstacleAnswer]
    """As long as a login is still to come, only that and what the clock says."""
    me: ExpectedAnswer | None
    """null as long as a login is still to come."""
    delay_minutes: int | None
    delay_text: str | None
    physical_text: str | None
    """The clinic's own words on what a change to a physical visit means."""
    privacy_text: str | None
    """To be read by anybody, before anything is agreed to."""


def landing_answer(landing: Landing) -> LandingAnswer:
    """As it is told."""
    clinic, meeting, person = landing.scene.clinic, landing.scene.consultation, landing.person
    contact = ContactAnswer(clinic=None, department=None, phone=clinic.phone, contact=None)
    if landing.whereabouts:
        contact = ContactAnswer(
            clinic=clinic.name, department=clinic.department, phone=clinic.phone, contact=clinic.contact
        )
    return LandingAnswer(
        consultation=meeting.id,
        contact=contact,
        starts=landing.scene.start,
        ends=None if landing.scene.appointment is None else landing.scene.appointment.ends,
        opens_at=landing.opens_at,
        closes_at=landing.closes_at,
        acr=landing.login,
        obstacles=[_obstacle(each) for each in landing.obstacles],
        me=None
        if person is None
        else ExpectedAnswer(
            role=person.role,
            name=person.name,
            shown_name=person.shown_name,
            practitioner=person.practitioner,
            type=person.type,
            group=person.group,
            confirm=clinic.confirm_entry,
        ),
        delay_minutes=None if person is None else meeting.notice_minutes,
        delay_text=None if person is None else meeting.notice_text,
        physical_text=clinic.physical_text if person is not None and landing.whereabouts else None,
        privacy_text=clinic.privacy_text,
    )


def _obstacle(obstacle: Obstacle) -> ObstacleAnswer:
    words = WORDS[obstacle.code].reason
    return ObstacleAnswer(code=obstacle.code, nb=words.nb, en=words.en)
