"""How the doctor's two callers get in: by grants of a key, or by the lab links of a demo."""

import secrets
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

import aiohttp

from control.config import Settings
from signalling.grant import issue
from signalling.keys import SigningKey

Part = Literal["practitioner", "patient"]


@dataclass(frozen=True, slots=True)
class Admission:
    """Where to connect, as whose page, and by which grant."""

    url: str
    origin: str
    grant: str


class Entrance(Protocol):
    """Gives a grant for each of the two."""

    @property
    def is_own_room(self) -> bool:
        """Whether the room is the doctor's, to be ended after the call."""

    async def admission(self, http: aiohttp.ClientSession, part: Part) -> Admission: ...


class ByKey:
    """Grants of a key that the server knows, for a room that nobody else has."""

    is_own_room = True

    def __init__(self, settings: Settings, key: SigningKey, address: str | None) -> None:
        """`address` is how the server is reached where that is not `http.public_url`, such as `http://localhost:8080`."""
        self._settings = settings
        self._key = key
        self._address = address or settings.http.public_url or _local(settings)
        self._room = f"doctor-{secrets.token_hex(6)}"

    async def admission(self, http: aiohttp.ClientSession, part: Part) -> Admission:
        settings = self._settings
        url = urlsplit(self._address)
        socket = f"{'wss' if url.scheme == 'https' else 'ws'}://{url.netloc}{settings.signalling.path}"
        grant = issue(
            self._key,
            room=self._room,
            participant=part,
            role=part,
            name="Doctor",
            gate="open" if part == "practitioner" else "lobby",
            issuer=settings.grants.issuer,
            audience=settings.signalling.audience,
        )
        origins = settings.signalling.origins
        return Admission(socket, origins[0] if origins else settings.http.public_url or self._address, grant)


class ByLinks:
    """The two addresses that `venterom demo` prints."""

    is_own_room = False

    def __init__(self, practitioner: str, patient: str) -> None:
        self._links: dict[Part, str] = {"practitioner": practitioner, "patient": patient}

    async def admission(self, http: aiohttp.ClientSession, part: Part) -> Admission:
        url = urlsplit(self._links[part])
        origin = f"{url.scheme}://{url.netloc}"
        asked = {"token": url.fragment.removeprefix("lab=")}
        async with http.post(f"{origin}/api/v1/lab/links", json=asked, headers={"Origin": origin}) as answer:
            answer.raise_for_status()
            given = await answer.json()
        return Admission(given["ws_url"], origin, given["grant"])


def _local(settings: Settings) -> str:
    scheme = "http" if settings.http.tls_certificate is None else "https"
    return f"{scheme}://localhost:{settings.http.port}"
