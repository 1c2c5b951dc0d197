"""The ICE side of a simulated client: a full agent, controlling, with one server address (RFC 8445, RFC 7675)."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from tests.bed import stun
from tests.bed.clock import MILLISECOND
from tests.bed.stun import Address, Class

CHECK_INTERVAL = 50 * MILLISECOND
CONSENT_INTERVAL = 2_500 * MILLISECOND


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    ufrag: str
    pwd: str

    @classmethod
    def random(cls, random: Random) -> "Credentials":
        letters = "abcdefghijkmnpqrstuvwxyz23456789"
        return cls("".join(random.choices(letters, k=8)), "".join(random.choices(letters, k=24)))


@dataclass(frozen=True, slots=True)
class Datagram:
    """From a local to a remote address."""

    local: Address
    remote: Address
    data: bytes


@dataclass(slots=True)
class _Path:
    """A pair of addresses: ours, and the server's."""

    validated: bool = False
    nominated: bool = False
    next_check: int = 0
    pending: dict[bytes, tuple[int, bool]] = field(default_factory=dict)
    """Transactions under way: when sent, and whether they nominate."""


class IceAgent:
    """`nominate` is Chromium's way (`after` the first answer) or Firefox's (`at_once`)."""

    def __init__(
        self,
        random: Random,
        local: Credentials,
        remote: Credentials,
        address: Address,
        server: Address,
        nominate: Literal["after", "at_once"] = "after",
    ) -> None:
        self.local, self.remote = local, remote
        self.server = server
        self.checking = True
        """False stops all checks: consent then runs out."""
        self.selected: Address | None = None
        """Our own address that media leaves from, once it is nominated and answered."""
        self.mapped: Address | None = None
        self.rtt: int | None = None
        self.errors: list[int] = []
        self._random = random
        self._nominate = nominate
        self._tie_breaker = random.getrandbits(64)
        self._address = address
        self._paths: dict[Address, _Path] = {address: _Path()}

    @property
    def address(self) -> Address:
        """Where the agent wants media to flow."""
        return self._address

    def move(self, now: int, address: Address) -> None:
        """Another local address: it is checked at once and nominated; the old one is gone."""
        self._address = address
        self.selected = None
        self._paths = {address: _Path(next_check=now)}

    def restart(self, now: int, local: Credentials, remote: Credentials) -> None:
        """New credentials on the same address (RFC 8445 section 9); media goes on meanwhile."""
        self.local, self.remote = local, remote
        self._paths = {self._address: _Path(next_check=now)}

    def next_timeout(self) -> int | None:
        if not self.checking:
            return None
        return min(path.next_check for path in self._paths.values())

    def handle_timeout(self, now: int) -> list[Datagram]:
        if not self.checking:
            return []
        return [self._check(now, address, path) for address, path in self._paths.items() if path.next_check <= now]

    def check(self, now: int, *, use_candidate: bool) -> Datagram:
        """A check of one's own making, beside the schedule."""
        path = self._paths[self._address]
        return self._request(now, self._address, path, use_candidate)

    def _check(self, now: int, address: Address, path: _Path) -> Datagram:
        if path.nominated:
            path.next_check = now + int(CONSENT_INTERVAL * self._random.uniform(0.8, 1.2))
        else:
            path.next_check = now + CHECK_INTERVAL
        return self._request(now, address, path, path.validated or self._nominate == "at_once")

    def _request(self, now: int, address: Address, path: _Path, use_candidate: bool) -> Datagram:
        transaction = self._random.randbytes(12)
        while len(path.pending) >= 32:
            path.pending.pop(next(iter(path.pending)))
        path.pending[transaction] = now, use_candidate
        request = stun.binding_request(
            transaction,
            f"{self.remote.ufrag}:{self.local.ufrag}",
            self.remote.pwd,
            tie_breaker=self._tie_breaker,
            use_candidate=use_candidate,
        )
        return Datagram(address, self.server, request)

    def receive(self, now: int, local: Address, remote: Address, data: bytes) -> list[Datagram]:
        message = stun.parse(data)
        if message is None:
            return []
        match message.kind:
            case Class.REQUEST:
                if not message.integrity_valid(self.local.pwd):
                    return []
                answer = stun.binding_success(message.transaction, remote, self.local.pwd)
                return [Datagram(local, remote, answer)]
            case Class.SUCCESS:
                return self._answered(now, local, message)
            case Class.ERROR:
                self.errors.append(message.error_code() or 0)
                return []
            case Class.INDICATION:
                return []

    def _answered(self, now: int, local: Address, message: stun.Message) -> list[Datagram]:
        path = self._paths.get(local)
        if path is None or message.transaction not in path.pending:
            return []
        if not (message.integrity_valid(self.remote.pwd) and message.fingerprint_valid()):
            return []
        sent, nominating = path.pending.pop(message.transaction)
        self.rtt = now - sent
        self.mapped = message.mapped_address()
        path.validated = True
        if self.selected is None:
            self.selected = local  # browsers send as soon as one check was answered
        if nominating and not path.nominated:
            path.nominated = True
            path.next_check = now + CONSENT_INTERVAL
            self.selected = local
        elif not path.nominated:
            path.next_check = now
        return []
