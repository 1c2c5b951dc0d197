"""Every message of the protocol as a type. The JSON schemas are generated from here; PROTOCOL.md explains."""

from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import from_json

from signalling.errors import MessageError
from signalling.grant import MAX_LENGTH as GRANT_MAX
from signalling.ids import Id, Name, Token, TrackId, plain
from signalling.roles import Role
from signalling.seat import MAX_LENGTH as SEAT_MAX

SUBPROTOCOL: Final = "venterom.v1"
MAX_SOCKET: Final = 256 * 1024
"""Bytes of any message, and of an unpacked SDP."""
MAX_MESSAGE: Final = 64 * 1024
"""Bytes of a message other than an offer."""

Kind = Literal["audio", "video"]
Source = Literal["camera", "microphone", "screen"]
State = Literal["lobby", "admitted", "held", "reconnecting"]
EndReason = Literal["ended", "left", "removed", "denied", "taken_over", "expired"]

Minutes = Annotated[int, Field(ge=0, le=1440)]
NoticeText = Annotated[str, Field(max_length=280), AfterValidator(plain)]


class _Message(BaseModel):
    # What is not known is passed over, so that a newer client can speak with an older server.
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


# --- from clients


class _ClientMessage(_Message):
    id: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    """Comes back as `re` in the reply, or in the error."""


class Join(_ClientMessage):
    """The first message of a connection: by a grant (first time) or a seat (coming back)."""

    type: Literal["join"] = "join"
    grant: Annotated[str | None, Field(max_length=GRANT_MAX, repr=False)] = None
    seat: Annotated[str | None, Field(max_length=SEAT_MAX, repr=False)] = None
    name: Name | None = None
    """The name to show, where the grant allows a choice; else it is passed over."""
    room: Id | None = None
    """The room that the page means to enter; another one in the grant or seat is refused."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.grant is None) == (self.seat is None):
            raise ValueError("either grant or seat")
        return self


class OfferedTrack(_Message):
    """A section of the offer in which the client sends."""

    mid: Annotated[str, Field(min_length=1, max_length=32)]
    kind: Kind
    source: Source


class Offer(_ClientMessage):
    """An SDP offer, plain or deflated."""

    type: Literal["offer"] = "offer"
    sdp: Annotated[str | None, Field(min_length=1, repr=False)] = None
    sdp_z: Annotated[str | None, Field(min_length=1, repr=False)] = None
    tracks: Annotated[list[OfferedTrack], Field(max_length=16)]

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.sdp is None) == (self.sdp_z is None):
            raise ValueError("either sdp or sdp_z")
        return self


class Mute(_ClientMessage):
    """Mutes or unmutes a track of one's own."""

    type: Literal["mute"] = "mute"
    track: TrackId
    muted: bool


class _About(_ClientMessage):
    participant: Id


class Admit(_About):
    """Lets somebody in from the lobby (hosts)."""

    type: Literal["admit"] = "admit"


class Deny(_About):
    """Sends somebody in the lobby away (hosts)."""

    type: Literal["deny"] = "deny"


class ToLobby(_About):
    """Sends somebody back to the lobby (hosts)."""

    type: Literal["to-lobby"] = "to-lobby"


class Remove(_About):
    """Removes somebody (hosts)."""

    type: Literal["remove"] = "remove"


class Hold(_About):
    """Puts somebody on hold (hosts)."""

    type: Literal["hold"] = "hold"


class Release(_About):
    """Takes somebody off hold (hosts)."""

    type: Literal["release"] = "release"


class _Reasoned(_ClientMessage):
    reason: Token | None = None


class Pause(_Reasoned):
    """Stops all media in the room (anyone admitted)."""

    type: Literal["pause"] = "pause"


class Resume(_ClientMessage):
    """Lifts the pause (hosts)."""

    type: Literal["resume"] = "resume"


class End(_Reasoned):
    """Ends the room for everybody (hosts)."""

    type: Literal["end"] = "end"


class Leave(_Reasoned):
    """Gives up one's seat."""

    type: Literal["leave"] = "leave"


class SetNotice(_ClientMessage):
    """Tells the lobby about a delay (hosts); without fields it takes the notice back."""

    type: Literal["notice"] = "notice"
    minutes: Minutes | None = None
    text: NoticeText | None = None


class Ping(_ClientMessage):
    """A sign of life."""

    type: Literal["ping"] = "ping"


Command = Admit | Deny | ToLobby | Remove | Hold | Release | Pause | Resume | End | Leave | SetNotice
ClientMessage = Join | Offer | Mute | Command | Ping


# --- from the server

Value = TypeVar("Value")
Unless = Annotated[Value | None, Field(exclude_if=lambda value: value is None)]
"""Left out when there is nothing to say, where `null` would be one more case for the reader."""


class _ServerMessage(_Message):
    re: Unless[int] = None
    """The `id` of the message that this one answers."""

    def encode(self) -> str:
        """The message as it goes over the wire."""
        return self.model_dump_json()


class SlotCounts(_Message):
    """How many receive sections of each kind an offer shall hold in all."""

    audio: Annotated[int, Field(ge=0)]
    video: Annotated[int, Field(ge=0)]


class IceServer(_Message):
    """An RTCIceServer as browsers take it."""

    urls: list[str]
    username: Unless[str] = None
    credential: Annotated[str | None, Field(repr=False, exclude_if=lambda value: value is None)] = None


class Joined(_ServerMessage):
    """The reply to `join`. The present state follows at once."""

    type: Literal["joined"] = "joined"
    participant: Id
    seat: Annotated[str, Field(repr=False)]
    room: Id
    role: Role
    name: str
    gate: Literal["lobby", "open"]
    slots: SlotCounts
    ice_servers: list[IceServer]


class Answer(_ServerMessage):
    """The reply to `offer`, packed as the offer was."""

    type: Literal["answer"] = "answer"
    sdp: Unless[str] = None
    sdp_z: Unless[str] = None


class Slots(_ServerMessage):
    """More people are expected: add receive sections up to these counts and offer again."""

    type: Literal["slots"] = "slots"
    audio: Annotated[int, Field(ge=0)]
    video: Annotated[int, Field(ge=0)]


class Renegotiate(_ServerMessage):
    """Offer again as you are: the answer names the codecs that everybody in the room now decodes."""

    type: Literal["renegotiate"] = "renegotiate"
    reason: Literal["codec"]


class Track(_Message):
    """A track of somebody else; `mid` is one's own receive section that carries it now."""

    id: str
    participant: Id
    kind: Kind
    source: Source
    muted: bool
    mid: str | None


class Tracks(_ServerMessage):
    """All tracks that one may see now."""

    type: Literal["tracks"] = "tracks"
    tracks: list[Track]


class Speakers(_ServerMessage):
    """Who speaks now, whoever has spoken the longest first."""

    type: Literal["speakers"] = "speakers"
    participants: list[Id]


class Notice(_Message):
    """What the host tells the lobby."""

    minutes: Minutes | None = None
    text: str | None = None


class Lobby(_ServerMessage):
    """One waits: the place in the queue from 1, how many wait, and the host's notice."""

    type: Literal["lobby"] = "lobby"
    position: Annotated[int, Field(ge=1)]
    waiting: Annotated[int, Field(ge=1)]
    notice: Notice | None


class Admitted(_ServerMessage):
    """One is in."""

    type: Literal["admitted"] = "admitted"


class Held(_ServerMessage):
    """One is on hold."""

    type: Literal["held"] = "held"


class Released(_ServerMessage):
    """One is no longer on hold."""

    type: Literal["released"] = "released"


class Paused(_ServerMessage):
    """Nobody's media passes; with the reason `no_host` one's own does not."""

    type: Literal["paused"] = "paused"
    by: Id | None
    reason: Token


class Resumed(_ServerMessage):
    """The pause is over."""

    type: Literal["resumed"] = "resumed"


class Participant(_Message):
    """Somebody in the room. Two fields are for hosts alone: `waited` and `removed_before`."""

    id: Id
    name: str
    role: Role
    state: State
    waited: Unless[Annotated[int, Field(ge=0)]] = None
    """Seconds in the lobby so far."""
    removed_before: Unless[bool] = None
    """True for who was removed or denied earlier in this room."""


class Participants(_ServerMessage):
    """Everybody in the room, oneself too; for hosts those in the lobby as well, the longest waiting first."""

    type: Literal["participants"] = "participants"
    participants: list[Participant]


class Pong(_ServerMessage):
    """The reply to `ping`."""

    type: Literal["pong"] = "pong"


class Ended(_ServerMessage):
    """It is over for this connection, which is closed right after with 1000. Don't reconnect."""

    type: Literal["ended"] = "ended"
    reason: EndReason


class Error(_ServerMessage):
    """Something was refused or failed. Nothing else has changed."""

    type: Literal["error"] = "error"
    code: str
    message: str


ServerMessage = (
    Joined
    | Answer
    | Slots
    | Renegotiate
    | Tracks
    | Speakers
    | Lobby
    | Admitted
    | Held
    | Released
    | Paused
    | Resumed
    | Participants
    | Pong
    | Ended
    | Error
)

CLIENT: Final[TypeAdapter[ClientMessage]] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
SERVER: Final[TypeAdapter[ServerMessage]] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])


def parse(text: str) -> ClientMessage:
    """One message of a client (raises MessageError, with the message's id as its `re` where it could be read)."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise MessageError("bad_json") from error
    if not isinstance(value, dict):
        raise MessageError("bad_json", "not an object")
    try:
        return CLIENT.validate_python(value)
    except ValidationError as error:
        raise MessageError(*_reason(error), re=_id(value)) from error


def _reason(error: ValidationError) -> tuple[str, str]:
    """The code, and which fields are wrong: their names come from the types, never from the message."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    if problems[0]["type"] == "union_tag_invalid":
        return "unknown_type", ""
    # The first part is the union's tag; indices say nothing to the reader.
    fields = {".".join(str(part) for part in problem["loc"][1:] if isinstance(part, str)) for problem in problems}
    return "bad_message", ", ".join(sorted(fields - {""}))


def _id(value: dict[str, Any]) -> int | None:
    match value.get("id"):
        case bool():
            return None
        case int(number) if 0 <= number < 2**53:
            return number
        case _:
            return None
