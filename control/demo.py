"""`venterom demo`: one process with everything, a clinic with its day, and links to its appointments."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from control import clock, demo_clinic
from control.app import Lab, Service
from control.config import DataConfig, HttpConfig, LabConfig, Settings, load
from control.lab import LabLinks, Person, address
from signalling.keys import create_key


@dataclass(frozen=True, slots=True)
class Demo:
    """What the process runs with, and what it says once people can come."""

    settings: Settings
    lab: Lab
    announcement: str
    """The address, and a lab link for each of the two."""
    tokens: Mapping[str, str]
    """Of the lab links."""

    async def announce(self, service: Service) -> str:
        """Prepares the clinic's day; from then on the two lab links lead to the appointment that is open."""
        assert service.office is not None
        clinic, places = await demo_clinic.prepare(service.office, clock.real())
        url = f"http://localhost:{self.settings.http.port}"
        links = demo_clinic.announce(
            url,
            clinic,
            places,
            service.office.secrets.links,
            self.lab.links,
            self.tokens["patient"],
            self.tokens["practitioner"],
        )
        return f"{self.announcement}\n{links}"


def prepare(data: Path, *, port: int, media_port: int, environment: Mapping[str, str] = MappingProxyType({})) -> Demo:
    """Each start is a new appointment, so the patient waits again; links, and the calls of seats, outlive a restart.

    The environment may set what is of media, signalling, limits, metrics, api and sessions (raises ConfigError).
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    room = f"demo-{secrets.token_hex(4)}"
    patient = Person(room, "pasient-arne", "patient", "Arne Kristiansen", "lobby", "patient")
    practitioner = Person(room, "lege-ingrid", "practitioner", "Ingrid Solberg", "open", "clinic")
    tokens = _tokens(data / "lab-links.json")
    links = LabLinks()
    links.add(patient, tokens["patient"])
    links.add(practitioner, tokens["practitioner"])
    url = f"http://localhost:{port}"
    ports = {"VENTEROM_HTTP__PORT": str(port), "VENTEROM_MEDIA__PORT": str(media_port)}
    return Demo(
        settings=_settings(load(None, {**environment, **ports}), data),
        lab=Lab(links, create_key(data / "control-key.pem")),
        announcement="\n".join(
            (
                f"ready {url}",
                f"patient {address(url, patient, tokens['patient'])}",
                f"practitioner {address(url, practitioner, tokens['practitioner'])}",
            )
        ),
        tokens=tokens,
    )


def _settings(given: Settings, data: Path) -> Settings:
    """Only this machine's own browsers reach the pages: others would need HTTPS for their cameras."""
    return Settings(
        http=HttpConfig(listen=("127.0.0.1", "::1"), port=given.http.port),
        data=DataConfig(directory=data),
        lab=LabConfig(enabled=True),
        media=given.media,
        signalling=given.signalling,
        limits=given.limits,
        metrics=given.metrics,
        api=given.api,
        sessions=given.sessions,
    )


def _tokens(file: Path) -> dict[str, str]:
    """Those of an earlier start, so that an address stays good, or new ones."""
    try:
        tokens = json.loads(file.read_text())
    except (OSError, ValueError):
        tokens = None
    if isinstance(tokens, dict) and all(isinstance(tokens.get(page), str) for page in ("patient", "practitioner")):
        return tokens
    tokens = {"patient": secrets.token_urlsafe(16), "practitioner": secrets.token_urlsafe(16)}
    with open(file, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as opened:
        json.dump(tokens, opened)
    return tokens
