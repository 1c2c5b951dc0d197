"""One connection's side of the protocol, sans-IO: text in, what to do about it out."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, assert_never

from signalling import messages, packing
from signalling.config import SignallingConfig
from signalling.errors import CODES, MessageError
from signalling.messages import MAX_MESSAGE, MAX_SOCKET, Command, Join, Mute, OfferedTrack
from signalling.ratelimit import Allowance, Bucket

CLOSE_NORMAL: Final = 1000
CLOSE_UNSUPPORTED: Final = 1003
CLOSE_ABUSE: Final = 1008
CLOSE_TOO_BIG: Final = 1009
CLOSE_INTERNAL: Final = 1011
CLOSE_RESTART: Final = 1012
CLOSE_GAVE_WAY: Final = 1013
CLOSE_NEVER_JOINED: Final = 4401
CLOSE_SILENT: Final = 4408

ABUSE: Final = 200
"""After so many refused messages in a row the connection is cut."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this to the client."""

    message: messages.ServerMessage


@dataclass(frozen=True, slots=True)
class Hangup:
    """Tell why, where there is something to say, and close."""

    code: int
    message: messages.Error | None = None


@dataclass(frozen=True, slots=True)
class Knock:
    """Let this client in, if it may: then call `joined`, else `refused`."""

    join: Join


@dataclass(frozen=True, slots=True)
class Negotiate:
    """Have this offer answered, then call `answered`."""

    re: int | None
    sdp: str
    packed: bool
    tracks: tuple[OfferedTrack, ...]


@dataclass(frozen=True, slots=True)
class Do:
    """Do this in the room."""

    command: Command | Mute


Action = Reply | Hangup | Knock | Negotiate | Do


class _State(Enum):
    WAITING = auto()
    JOINED = auto()
    OVER = auto()


class Session:
    """What this connection may say next. `now` is monotonic seconds throughout."""

    def __init__(self, config: SignallingConfig, now: float) -> None:
        self._config = config
        self._state = _State.WAITING
        self._opened = self._heard = now
        self._allowance = Allowance.full(config, now)
        self._offer_pending = False

    @property
    def has_joined(self) -> bool:
        """Whether `joined` was called."""
        return self._state is _State.JOINED

    def receive(self, now: float, text: str | None) -> Action | None:
        """A message came (None: a binary one)."""
        if self._state is _State.OVER:
            return None
        self._heard = now
        if text is None:
            return self._hangup(CLOSE_UNSUPPORTED, "bad_message")
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > MAX_SOCKET:
            return self._hangup(CLOSE_TOO_BIG, "too_big")
        if not self._allowance.messages.take(now):
            return self._limited(self._allowance.messages)
        try:
            message = messages.parse(text)
            if size > MAX_MESSAGE and not isinstance(message, messages.Offer):
                return self._hangup(CLOSE_TOO_BIG, "too_big")
            return self._act(message, now)
        except MessageError as error:
            if size > MAX_MESSAGE or error.code == "too_big":
                return self._hangup(CLOSE_TOO_BIG, "too_big", error.re)
            return Reply(messages.Error(re=error.re, code=error.code, message=error.message))

    def handle_timeout(self, now: float) -> Hangup | None:
        """The time that `next_timeout` named has come, perhaps."""
        due = self.next_timeout()
        if due is None or now < due:
            return None
        if self._state is _State.WAITING:
            return self._hangup(CLOSE_NEVER_JOINED, "join_timeout")
        self._state = _State.OVER
        return Hangup(CLOSE_SILENT)

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`."""
        match self._state:
            case _State.WAITING:
                return self._opened + self._config.join_timeout
            case _State.JOINED:
                return self._heard + self._config.silence
            case _State.OVER:
                return None
        assert_never(self._state)

    def joined(self, now: float, allowance: Allowance) -> None:
        """The client is in; from now on its messages count against its own allowance, which outlives connections."""
        self._state = _State.JOINED
        self._heard = now
        self._allowance = allowance

    def answered(self) -> None:
        """The offer was answered, or refused."""
        self._offer_pending = False

    def over(self) -> None:
        """The connection is being closed; nothing counts any more."""
        self._state = _State.OVER

    def _act(self, message: messages.ClientMessage, now: float) -> Action:
        if isinstance(message, messages.Ping):
            return Reply(messages.Pong(re=message.id))
        if isinstance(message, Join):
            return _error("already_joined", message.id) if self.has_joined else Knock(message)
        if not self.has_joined:
            return _error("not_joined", message.id)
        if isinstance(message, messages.Offer):
            return self._negotiate(message, now)
        return Do(message)

    def _negotiate(self, offer: messages.Offer, now: float) -> Action:
        if self._offer_pending:
            return _error("offer_pending", offer.id)
        if not self._allowance.offers.take(now):
            return self._limited(self._allowance.offers, offer.id)
        try:
            sdp = packing.unpack(offer.sdp_z) if offer.sdp_z is not None else offer.sdp or ""
        except MessageError as error:
            raise MessageError(error.code, "sdp_z", re=offer.id) from error
        self._offer_pending = True
        return Negotiate(offer.id, sdp, offer.sdp_z is not None, tuple(offer.tracks))

    def _limited(self, bucket: Bucket, re: int | None = None) -> Action:
        if bucket.debt > ABUSE:
            return self._hangup(CLOSE_ABUSE, "rate_limited", re)
        return _error("rate_limited", re)

    def _hangup(self, close: int, code: str, re: int | None = None) -> Hangup:
        self._state = _State.OVER
        return Hangup(close, messages.Error(re=re, code=code, message=CODES[code]))


def _error(code: str, re: int | None = None) -> Reply:
    return Reply(messages.Error(re=re, code=code, message=CODES[code]))
