"""Drives one client: what the WebSocket brings goes through the session, what the session wants is done."""

import asyncio
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, assert_never

import structlog
from aiohttp import WSMsgType, web

from sfu.errors import SfuError
from signalling import messages, packing
from signalling.clock import Clock, Timer
from signalling.config import SignallingConfig
from signalling.connection import Connection
from signalling.errors import CODES, SignallingError
from signalling.rooms import Member, Rooms
from signalling.session import CLOSE_INTERNAL, Action, Do, Hangup, Knock, Negotiate, Reply, Session

log: Final = structlog.get_logger("venterom.signalling")


@contextmanager
def _telling(connection: Connection, re: int | None) -> Iterator[None]:
    """Turns errors into `error` messages. Nobody else notices."""
    try:
        yield
    except (SignallingError, SfuError) as error:
        connection.send(messages.Error(re=re, code=error.code, message=error.message))
    except Exception as error:
        log.error("message failed", **_described(error))
        connection.send(messages.Error(re=re, code="internal", message=CODES["internal"]))


def _described(error: Exception) -> dict[str, object]:
    """What a log may hold of an unforeseen error: where, not with what."""
    where = [
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    return {"error": type(error).__name__, "where": where[-4:]}


class Client:
    """One connection from its first message to its last."""

    def __init__(
        self,
        rooms: Rooms,
        config: SignallingConfig,
        clock: Clock,
        websocket: web.WebSocketResponse,
        connection: Connection,
        judging: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """`judging` surrounds each try to join; what refuses it passes through."""
        self._rooms = rooms
        self._clock = clock
        self._websocket = websocket
        self._connection = connection
        self._judging = judging
        self._session = Session(config, clock.monotonic())
        self._member: Member | None = None
        self._timer: Timer | None = None
        self._offer: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Until either side closes."""
        self._connection.on_close = self._session.over
        self._rearm()
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._connection.write())
        try:
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
            self._leave()
            # Only who is not reading any more may close: then aiohttp waits for the other side's close frame.
            reader.cancel()
            await asyncio.wait((reader,))
            if not self._connection.closed:
                self._connection.lost()
            code = await writer
            if code is not None:
                await self._websocket.close(code=code, drain=False)
        finally:
            reader.cancel()
            writer.cancel()
            self._leave()
            self._connection.finish()

    def _leave(self) -> None:
        """Nothing more is taken from the client; who was in is away now."""
        self._session.over()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._member is not None:
            self._rooms.disconnect(self._member)

    async def _read(self) -> None:
        try:
            await self._take_messages()
        except Exception as error:
            log.error("connection failed", **_described(error))
            self._connection.close(CLOSE_INTERNAL)

    async def _take_messages(self) -> None:
        async for message in self._websocket:
            if message.type is WSMsgType.ERROR:
                return
            text = message.data if message.type is WSMsgType.TEXT else None
            action = self._session.receive(self._clock.monotonic(), text)
            if action is not None:
                await self._perform(action)
            if self._connection.closed:
                return
            # What is buffered already comes without a pause; everybody's writers get their turn in between.
            await asyncio.sleep(0)

    async def _perform(self, action: Action) -> None:
        match action:
            case Reply(message=message):
                self._connection.send(message)
            case Hangup():
                self._hang_up(action)
            case Knock(join=join):
                await self._join(join)
            case Negotiate():
                self._offer = asyncio.create_task(self._negotiate(action))
            case Do(command=command):
                with _telling(self._connection, command.id):
                    self._rooms.do(self._joined(), command)
            case _:
                assert_never(action)

    async def _join(self, join: messages.Join) -> None:
        with _telling(self._connection, join.id):
            with self._judging():
                self._member = await self._rooms.join(join, self._connection)
            self._session.joined(self._clock.monotonic(), self._member.allowance)

    async def _negotiate(self, offer: Negotiate) -> None:
        with _telling(self._connection, offer.re):
            try:
                answer = await self._rooms.offer(self._joined(), offer.sdp, offer.tracks)
            finally:
                self._session.answered()
            if offer.packed:
                self._connection.send(messages.Answer(re=offer.re, sdp_z=packing.pack(answer)))
            else:
                self._connection.send(messages.Answer(re=offer.re, sdp=answer))

    def _joined(self) -> Member:
        if self._member is None:
            raise SignallingError("not_joined")
        return self._member

    def _hang_up(self, hangup: Hangup) -> None:
        if hangup.message is not None:
            self._connection.send(hangup.message)
        self._connection.close(hangup.code)

    def _rearm(self) -> None:
        due = self._session.next_timeout()
        self._timer = None if due is None else self._clock.call_at(due, self._on_timeout)

    def _on_timeout(self) -> None:
        # A message since has put the time off; the timer is not moved for each.
        hangup = self._session.handle_timeout(self._clock.monotonic())
        if hangup is not None:
            self._hang_up(hangup)
        self._rearm()
