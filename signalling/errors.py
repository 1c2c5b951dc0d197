"""Everything that can be refused, in one table. Codes are stable: clients act on them, PROTOCOL.md lists them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # The connection, before there is a WebSocket (HTTP status and JSON body).
        "origin_forbidden": "Pages of this origin may not connect.",
        "subprotocol_required": "Connect with the WebSocket subprotocol venterom.v1.",
        "overloaded": "The server has all it can carry: rooms that are open go on, new ones wait. Try again later.",
        "shutting_down": "The server is going down; try again in a moment.",
        # Messages.
        "bad_json": "The message is not one JSON object.",
        "bad_message": "The message lacks a field, or one has a wrong type or value.",
        "unknown_type": "There is no message of this type.",
        "too_big": "The message, or the SDP in it, is too big.",
        "rate_limited": "Too many messages; this one was dropped.",
        "not_joined": "Join first.",
        "already_joined": "This connection has joined already.",
        "join_timeout": "No join came in time.",
        # Who may do what.
        "forbidden": "Your role, or your place in the room, does not allow this.",
        "unknown_participant": "There is no such participant in the room.",
        "not_in_lobby": "This participant does not wait in the lobby.",
        "bad_state": "This cannot be done in the present state.",
        "offer_pending": "The answer to your previous offer is still being made.",
        "track_unknown": "You publish no such track.",
        # Entering.
        "grant_invalid": "The grant is not one, is not signed by a key known here, or is not meant for this server.",
        "grant_expired": "The grant's time is over; get a fresh one.",
        "grant_replayed": "The grant has been used; get a fresh one.",
        "grant_wrong_room": "The grant is for another room than the one asked for.",
        "grant_revoked": "The grant was issued before this person was removed or denied; get a fresh one.",
        "seat_invalid": "The seat is not one of this server, or its time is over; get a fresh grant.",
        "seat_dead": "The seat was given up or taken away; get a fresh grant.",
        "room_ended": "The room has ended.",
        "room_full": "The room has no place left.",
        # The server.
        "storage_unavailable": "The server cannot write its journal, so nobody is let in for now; calls go on.",
        "transport_failed": "The media transport failed; offer again on a new PeerConnection.",
        "internal": "The server failed; it has been logged.",
        # Files and settings; these never reach a client.
        "key_invalid": "The key file holds no usable key.",
        "key_permissions": "The key file may be read by others than its owner.",
        "journal_corrupt": "The journal is damaged before its end.",
        "journal_locked": "Another process uses the journal.",
    }
)


class SignallingError(Exception):
    """Base of the package's errors; `code` is stable, the message is for people and names nobody."""

    def __init__(self, code: str, detail: str = "") -> None:
        meaning = CODES[code]
        super().__init__(f"{meaning} ({detail})" if detail else meaning)
        self.code = code
        self.message = str(self)


class GrantError(SignallingError):
    """A grant that lets nobody in."""


class SeatError(SignallingError):
    """A seat that lets nobody back in."""


class RoomError(SignallingError):
    """What the room refuses."""


class MessageError(SignallingError):
    """A message that cannot be taken; `re` is its id, where it had one."""

    def __init__(self, code: str, detail: str = "", *, re: int | None = None) -> None:
        super().__init__(code, detail)
        self.re = re


class KeyFileError(SignallingError):
    """A key file that cannot be used."""


class JournalError(SignallingError):
    """A journal that cannot be used."""
