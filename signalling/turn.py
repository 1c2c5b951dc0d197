"""Short-lived credentials for a TURN server that shares a secret with us (draft-uberti-behave-turn-rest-00).

coturn calls it `use-auth-secret`: the user name says until when it is good, the password is its signature. Who uses it
stays unknown to the TURN server: beside the time there are random digits only.
"""

import hmac
import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final, Self

from signalling.config import TurnConfig
from signalling.errors import KeyFileError
from signalling.messages import IceServer

_LEAST_SECRET: Final = 16
"""Bytes; `openssl rand -hex 32` makes 64."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A TURN server, or one behind several addresses."""

    urls: tuple[str, ...]
    lifetime: int
    """Seconds."""
    secret: bytes = field(repr=False)

    @classmethod
    def read(cls, config: TurnConfig) -> Self:
        """With the secret from its file. KeyFileError where that is missing, unreadable or too short."""
        try:
            secret = config.secret.read_bytes().strip()
        except OSError as error:
            raise KeyFileError("key_invalid", f"signalling.turn.secret: {error.strerror or 'unreadable'}") from error
        if len(secret) < _LEAST_SECRET:
            raise KeyFileError("key_invalid", f"signalling.turn.secret: fewer than {_LEAST_SECRET} characters")
        return cls(config.urls, config.lifetime, secret)

    def server(self, now: float) -> IceServer:
        """For one participant, good for the lifetime from `now` (seconds since 1970)."""
        username = f"{int(now) + self.lifetime}:{secrets.token_hex(8)}"
        # SHA-1 is coturn's choice; as a keyed signature it is still sound.
        credential = b64encode(hmac.digest(self.secret, username.encode(), sha1)).decode()
        return IceServer(urls=list(self.urls), username=username, credential=credential)
