"""All resources of the REST interface, put together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from control import clock
from control.api.access import Doors
from control.api.appointments import AppointmentsResource
from control.api.attendance import AttendanceResource
from control.api.attendees import AttendeesResource
from control.api.audit import AuditResource
from control.api.config import ApiConfig
from control.api.consultations import ConsultationResource
from control.api.docs import add_documents
from control.api.endpoint import Route
from control.api.fields import NumberReader
from control.api.guardians import GuardiansResource
from control.api.interface import Interface
from control.api.keys import ApiKeys
from control.api.lab_clock import LabClockResource
from control.api.links import LinkResource
from control.api.me import me_routes
from control.api.mine import MineResource
from control.api.obstacles import ObstaclesResource
from control.api.patients import PatientsResource
from control.api.proxies import Network
from control.api.rate import RateLimits
from control.api.schedules import SchedulesResource
from control.api.session import SessionResource
from control.api.slots import SlotsResource
from control.api.staff import StaffResource
from control.api.templates import TemplatesResource
from control.api.transactions import DatabaseStores
from control.api.types import TypesResource
from control.api.unplanned import UnplannedResource
from control.api.work_plans import WorkPlansResource
from control.api.worklist import WorklistResource
from control.clock import Clock, LabClock
from control.consultation.joining import Issuer
from control.identity.links import Links
from control.identity.logins import StoredSessions
from control.identity.numbers import LAB, PRODUCTION
from control.identity.pseudonyms import Pseudonyms
from control.identity.sessions import Sessions, SessionsConfig
from control.store.database import Database


@dataclass(frozen=True, slots=True)
class Parts:
    """What the resources are made of."""

    database: Database
    api: ApiConfig
    sessions: SessionsConfig
    public_url: str | None
    base_url: str
    proxies: tuple[Network, ...]
    lab_clock: LabClock | None
    """What rules go by in a lab; None in production, where it is the host's clock and there are no lab routes."""

    issuer: Issuer
    links: Links
    pseudonyms: Pseudonyms
    websocket_path: str

    @property
    def numbers(self) -> NumberReader:
        """Reads identity numbers: made-up people's in a lab alone."""
        return NumberReader(PRODUCTION if self.lab_clock is None else LAB)

    @property
    def now(self) -> Clock:
        """The clock that rules go by."""
        return self.lab_clock or clock.real


def routes(parts: Parts, sessions: Sessions) -> tuple[Route, ...]:
    """The whole table."""
    lab = () if parts.lab_clock is None else LabClockResource(parts.lab_clock).routes()
    everything: Sequence[Route] = (
        *SessionResource(sessions).routes(),
        *me_routes(),
        *AuditResource(parts.now).routes(),
        *ConsultationResource(parts.issuer, parts.links, parts.now, parts.websocket_path).routes(),
        *UnplannedResource(parts.links, parts.now).routes(),
        *AttendanceResource(parts.now).routes(),
        *LinkResource(parts.links, parts.now).routes(),
        *WorklistResource(parts.now).routes(),
        *TypesResource(parts.now).routes(),
        *SlotsResource(parts.now).routes(),
        *AppointmentsResource(parts.now).routes(),
        *ObstaclesResource(parts.now).routes(),
        *SchedulesResource(parts.now).routes(),
        *TemplatesResource(parts.now).routes(),
        *WorkPlansResource(parts.now).routes(),
        *PatientsResource(parts.pseudonyms, parts.numbers, parts.now).routes(),
        *GuardiansResource(parts.pseudonyms, parts.numbers, parts.now).routes(),
        *AttendeesResource(parts.links, parts.now).routes(),
        *MineResource(parts.now).routes(),
        *StaffResource(parts.now).routes(),
        *lab,
    )
    return tuple(route for route in everything if parts.lab_clock is not None or not route.lab_only)


def add_api(app: web.Application, parts: Parts) -> tuple[Route, ...]:
    """Adds the interface, its document and its page; its routes. Raises ConfigError for an unusable file of keys."""
    sessions = Sessions(StoredSessions(parts.database), parts.sessions, clock.real)
    doors = Doors(
        sessions,
        ApiKeys.read(parts.api.keys),
        RateLimits(parts.api, time.monotonic),
        parts.public_url,
        parts.proxies,
    )
    table = routes(parts, sessions)
    Interface(doors, DatabaseStores(parts.database, clock.real), parts.base_url).add_to(app, table)
    add_documents(app, table)
    return table
