"""The composition root: the one place where control, signalling and the media node are wired together."""

import asyncio
import contextlib
import errno
import ssl
import time
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Final, Self

import structlog
from aiohttp import web

from control.api.assembly import Parts, add_api
from control.api.health import add_health_routes
from control.api.lab import add_lab_routes
from control.api.metrics import Numbers, add_metrics_route
from control.api.problems import problems
from control.api.proxies import client_address
from control.config import Settings
from control.doorkeeper import Doorkeeper
from control.errors import (
    AddressInUseError,
    ConfigError,
    DrainingError,
    NotReadyError,
    OverloadedError,
    StartingError,
    StorageUnavailableError,
)
from control.lab import LabLinks, Person
from control.memory import give_back, share_in_use
from control.office import Office, at_work, opened
from control.pages import SecureHeaders, add_pages, default_root
from control.rooms.local import LocalRooms
from control.watch import Watch
from sfu.node import Node
from signalling import grant
from signalling.config import SignallingConfig
from signalling.feed import Feed
from signalling.keys import JwksFile, KeyRing, KeySource, SigningKey, StaticKeys, create_key
from signalling.server import SignallingServer

_BODY_MAX: Final = 64 * 1024
_SHUTDOWN_S: Final = 0.2

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lab:
    """Links that let people in without a login, and the key that signs their grants."""

    links: LabLinks
    key: SigningKey

    def issue(self, person: Person) -> str:
        """A fresh grant for who opened a link."""
        return grant.issue(
            self.key,
            room=person.room,
            participant=person.participant,
            role=person.role,
            name=person.name,
            gate=person.gate,
        )


class Phase(Enum):
    """The life of the service."""

    STARTING = auto()
    RUNNING = auto()
    DRAINING = auto()


class Shape(Enum):
    """What a process is."""

    WHOLE = auto()
    """Control, signalling and media."""
    CONTROL = auto()
    """Interface and pages. Rooms are reached in the same process only, so nobody is let into one from here."""
    MEDIA = auto()
    """Signalling and media, for front ends that bring their own grants: no database, no interface, no pages."""


@dataclass(frozen=True, slots=True)
class Media:
    """Where people meet."""

    node: Node
    signalling: SignallingServer
    watch: Watch


class Service:
    """Venterom in one process, or the half of it that its shape says."""

    def __init__(self, media: Media | None, office: Office | None, closing: contextlib.AsyncExitStack) -> None:
        self.media: Final = media
        """None where nobody meets in this process."""
        self.office: Final = office
        """None where there are no appointments."""
        self._closing = closing
        self._phase = Phase.STARTING

    @classmethod
    async def start(cls, settings: Settings, lab: Lab | None, shape: Shape = Shape.WHOLE) -> Self:
        """Opens journal and sockets, and takes people; what is open already is closed again where something fails."""
        key = create_key(settings.data.directory / "control-key.pem") if shape is Shape.WHOLE else None
        tls, keys = _tls(settings), _keys(settings, key)
        async with contextlib.AsyncExitStack() as undo:
            node = None if shape is Shape.CONTROL else _start_node(settings)
            if node is not None:
                undo.callback(_stop_node, node)
            office = None if shape is Shape.MEDIA else await undo.enter_async_context(opened(settings, key))
            doorkeeper = Doorkeeper()
            app = web.Application(middlewares=[doorkeeper.middleware, problems], client_max_size=_BODY_MAX)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
            undo.push_async_callback(runner.cleanup)
            feed = None if office is None else Feed()
            media = None if node is None else await _open_media(settings, node, keys, feed, undo)
            if office is not None:
                rooms = None if media is None or feed is None else LocalRooms(media.signalling.rooms, feed)
                await undo.enter_async_context(at_work(office, settings, rooms))
            service = cls(media, office, undo)
            _add_routes(app, settings, lab, service, office)
            await runner.setup()
            await _listen(runner, settings, tls)
            assert runner.server is not None
            doorkeeper.start(runner.server)
            undo.callback(doorkeeper.stop)
            if media is not None:
                media.watch.start()
                undo.callback(media.watch.stop)
            service._closing = undo.pop_all()
        service._phase = Phase.RUNNING
        _log.info("started", http_port=settings.http.port, media_port=None if node is None else node.port)
        if node is not None and not node.raised_priority:
            # Nothing fails; but with a busy neighbour on its core the thread's delay grows from 0.1 to some 4 ms.
            _log.warning("media_priority_refused", remedy="give the process CAP_SYS_NICE, or LimitNICE=-10 in its unit")
        return service

    def hindrance(self) -> NotReadyError | None:
        """Why new people are not taken, None where they are."""
        match self._phase:
            case Phase.STARTING:
                return StartingError("the server starts")
            case Phase.DRAINING:
                return DrainingError("the server stops; come back to the next one")
            case Phase.RUNNING:
                pass
        if self.media is None:
            return None
        if not self.media.signalling.statistics().journal_healthy:
            return StorageUnavailableError("the disk takes no journal: nobody is let in, calls go on")
        strains = self.media.watch.strains()
        if strains:
            return OverloadedError(f"at the limit: {', '.join(sorted(strains))}; open rooms go on, new ones wait")
        return None

    async def fails(self) -> None:
        """Waits until the media thread has ended by a bug: nothing is left but to stop, and to start anew."""
        await (asyncio.Event() if self.media is None else self.media.watch.media_ended).wait()

    def add_media_to(self, app: web.Application, settings: Settings) -> None:
        """The WebSocket's route, and the metrics, where people meet here."""
        if (media := self.media) is None:
            return

        def numbers() -> Numbers:
            return Numbers(
                node=media.node.statistics(),
                signalling=media.signalling.statistics(),
                lag=media.watch.lag(),
                is_ready=self.hindrance() is None,
            )

        add_metrics_route(app, numbers, token=settings.metrics.token, behind_proxy=settings.http.behind_proxy)
        media.signalling.add_to(app)

    async def stop(self) -> None:
        """Closes everything. Nobody's call is ended: their pages wait for us to come back."""
        self._phase = Phase.DRAINING
        await self._closing.aclose()
        _log.info("stopped")


async def _open_media(
    settings: Settings, node: Node, keys: KeySource, feed: Feed | None, undo: contextlib.AsyncExitStack
) -> Media:
    signalling = SignallingServer.create(
        _signalling(settings),
        node,
        keys,
        settings.data.directory,
        feed=feed,
        address_of=partial(client_address, proxies=settings.http.proxies),
    )
    undo.push_async_callback(signalling.stop)
    watch = Watch(
        settings.limits,
        signalling.rooms.people,
        lambda: node.statistics().wire.cpu,
        memory=share_in_use,
        all_gone=give_back,
    )
    signalling.rooms.opens_rooms = watch.opens_rooms
    await signalling.start()
    return Media(node, signalling, watch)


def _add_routes(
    app: web.Application, settings: Settings, lab: Lab | None, service: Service, office: Office | None
) -> None:
    public_url = settings.http.public_url
    https = settings.http.tls_certificate is not None or (public_url or "").startswith("https:")
    app.on_response_prepare.append(SecureHeaders(https=https))
    add_health_routes(app, service.hindrance)
    service.add_media_to(app, settings)
    if office is None:
        return
    if settings.lab.enabled and lab is not None:
        add_lab_routes(app, lab.links, lab.issue, public_url=public_url, websocket_path=settings.signalling.path)
    parts = Parts(
        database=office.database,
        api=settings.api,
        sessions=settings.sessions,
        public_url=public_url,
        base_url=settings.http.base_url,
        proxies=settings.http.proxies,
        lab_clock=office.lab_clock,
        issuer=office.issuer,
        links=office.secrets.links,
        pseudonyms=office.secrets.pseudonyms,
        websocket_path=settings.signalling.path,
    )
    add_api(app, parts)
    add_pages(app, settings.web.root or default_root())


def _start_node(settings: Settings) -> Node:
    try:
        return Node.start(settings.media)
    except OSError as error:
        # An error of the wire carries its number in the text alone.
        if error.errno == errno.EADDRINUSE or f"os error {errno.EADDRINUSE}" in str(error):
            ports = " and ".join(str(port) for port in (settings.media.port, *settings.media.tcp_ports))
            raise AddressInUseError(f"port {ports}, for media, is taken (UDP or TCP)") from error
        raise ConfigError(f"media: {error.strerror or error}") from error


def _stop_node(node: Node) -> None:
    with contextlib.suppress(RuntimeError):  # of a media thread that has ended before
        node.stop()


def _signalling(settings: Settings) -> SignallingConfig:
    """Where the public address is told and no origins are, the pages of that address are meant."""
    url = settings.http.public_url
    if settings.signalling.origins or url is None:
        return settings.signalling
    return settings.signalling.model_copy(update={"origins": (url,)})


def _keys(settings: Settings, key: SigningKey | None) -> KeySource:
    """Our own where there is one, and that of a front end with grants of its own."""
    sources: list[KeySource] = [] if key is None else [StaticKeys(grant.DEFAULT_ISSUER, (key.verify_key,))]
    if settings.grants.keys is not None:
        sources.append(JwksFile(settings.grants.issuer, settings.grants.keys, time.monotonic))
    return KeyRing(tuple(sources))


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.http.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.http.tls_certificate, settings.http.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("http.tls_certificate, http.tls_key: missing, unreadable, or not of each other") from error
    return context


async def _listen(runner: web.AppRunner, settings: Settings, tls: ssl.SSLContext | None) -> None:
    listening = 0
    for host in settings.http.listen:
        try:
            await web.TCPSite(runner, host, settings.http.port, ssl_context=tls).start()
            listening += 1
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressInUseError(f"port {settings.http.port} is taken") from error
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise ConfigError(f"http.listen: {host}: {error.strerror}") from error
    if not listening:
        raise ConfigError("http.listen: none of these addresses is of this host")
