"""What people do in a room, in random order by seed: come, go, be let in, held, sent back, and lose their networks."""

from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

from signalling import grant
from signalling.keys import SigningKey
from tests.soak.person import Person, Place

_FITS = {
    "admit": "lobby",
    "deny": "lobby",
    "to-lobby": "admitted",
    "remove": "admitted",
    "hold": "admitted",
    "release": "held",
}
_GIVE_UP = {"seat_dead", "seat_invalid", "room_ended"}
_MOST_STEPS = 200
_SOURCES = ("microphone", "camera")


class Party:
    """The people of one room, and of the next one of that name when it has ended."""

    def __init__(self, place: Place, key: SigningKey, name: str, size: int, seed: int) -> None:
        self._place = place
        self._key = key
        self._name = name
        self._size = size
        self._life = 1
        self.random = Random(seed)
        self.done: Counter[str] = Counter()
        self.people = [Person(place, "host", True), *(Person(place, f"guest-{n}", False) for n in range(1, size))]

    @property
    def room(self) -> str:
        return f"{self._name}-{self._life}"

    async def step(self) -> None:
        """One thing happens."""
        acts: dict[str, tuple[float, Callable[[Person], Awaitable[str | None]]]] = {
            "heal": (35, self._heal),
            "act": (14, self._act),
            "pause": (3, lambda one: self._do(one, "pause")),
            "mute": (8, self._mute),
            "lose signalling": (7, self._lose_signalling),
            "reload": (6, self._reload),
            "rebind": (6, self._rebind),
            "restart": (5, self._restart),
            "reconnect": (3, self._reconnect),
            "tab killed": (4, self._go),
            "second device": (3, self._enter),
            "leave": (2, self._leave),
            "end": (0.7, self._end),
        }
        name = self.random.choices(list(acts), [weight for weight, _ in acts.values()])[0]
        outcome = await acts[name][1](self.random.choice(self.people))
        if outcome is not None:
            self.done[outcome] += 1

    async def gather(self) -> None:
        """Everybody comes in, one step after another."""
        for _ in range(_MOST_STEPS):
            if await self._heal(self.people[0]) is None:
                return
        raise AssertionError(f"{self.room} does not come together")

    async def end(self) -> None:
        """The host ends it."""
        host = self.people[0]
        if not host.is_in:
            await self._enter(host)
        await host.do("end")

    async def go(self) -> None:
        """All tabs are closed."""
        for person in self.people:
            await person.go()

    async def _heal(self, _: Person) -> str | None:
        """A step towards a call in which all are inside; nothing where they are."""
        host = self.people[0]
        if not host.is_in or host.standing != "admitted":
            return await self._return(host)
        if host.paused:
            return await self._do(host, "resume")
        for person in self.people:
            if not person.is_in:
                return await self._return(person)
            if person.leg is None:
                return await self._reconnect(person)
            if person.standing == "lobby":
                return await self._do(host, "admit", participant=person.name)
            if person.standing == "held":
                return await self._do(host, "release", participant=person.name)
        return None

    async def _return(self, person: Person) -> str | None:
        """By the seat; by a grant where there is none, or where it is dead."""
        if person.seat is None:
            return await self._enter(person)
        code = await person.join(seat=person.seat)
        if code in _GIVE_UP:
            person.seat = None
            person.hang_up()
            return "seat refused"
        if code is None and person.leg is not None:
            await person.negotiate()
        return "return" if code is None else f"return: {code}"

    async def _enter(self, person: Person) -> str | None:
        """With a fresh grant; the seat that there may be is taken over."""
        token = grant.issue(
            self._key,
            room=self.room,
            participant=person.name,
            role="practitioner" if person.is_host else "patient",
            name=person.name,
            gate="open" if person.is_host else "lobby",
            size=self._size,
        )
        person.hang_up()
        person.seat = None
        code = await person.join(grant=token)
        if code == "room_ended":
            self._life += 1
        return "enter" if code is None else f"enter: {code}"

    async def _act(self, _: Person) -> str | None:
        host = self.people[0]
        act = self.random.choice(list(_FITS))
        fits = [one for one in self.people if not one.is_host and one.is_in and one.standing == _FITS[act]]
        # What ends somebody's stay is rarer than the rest: it costs a whole new way in.
        if not fits or (act in ("remove", "deny") and self.random.random() < 0.6):
            return None
        return await self._do(host, act, participant=self.random.choice(fits).name)

    async def _do(self, person: Person, type_: str, **fields: str) -> str | None:
        if not person.is_in or person.standing == "lobby":
            return None
        code = await person.do(type_, **fields)
        return type_ if code is None else f"{type_}: {code}"

    async def _mute(self, person: Person) -> str | None:
        if not person.is_in or person.leg is None:
            return None
        source = self.random.choice(_SOURCES)
        await person.mute(source, source not in person.muted)
        return "mute"

    async def _lose_signalling(self, person: Person) -> str | None:
        await person.drop()
        return "signalling lost"

    async def _reload(self, person: Person) -> str | None:
        await person.go()
        if person.seat is None:
            return None
        code = await self._return(person)
        if person.is_in:
            await person.connect()
        return f"reload: {code}"

    async def _rebind(self, person: Person) -> str | None:
        if person.leg is None:
            return None
        person.leg.rebind()
        return "rebind"

    async def _restart(self, person: Person) -> str | None:
        if not person.is_in or person.leg is None or not person.leg.is_connected:
            return None
        await person.negotiate(restart=True)
        return "restart"

    async def _reconnect(self, person: Person) -> str | None:
        if not person.is_in:
            return None
        await person.connect()
        return "connect"

    async def _go(self, person: Person) -> str | None:
        await person.go()
        return "tab killed"

    async def _leave(self, person: Person) -> str | None:
        if not person.is_in:
            return None
        await person.do("leave")
        await person.go()
        person.seat = None
        return "leave"

    async def _end(self, _: Person) -> str | None:
        if await self._do(self.people[0], "end") != "end":
            return None
        for person in self.people:
            await person.go()
            person.seat = None
        self._life += 1
        return "end"
