"""The ways into a call that many tests begin with."""

from dataclasses import dataclass

from tests.browser.person import Person


@dataclass(frozen=True, slots=True)
class Call:
    """A practitioner and the patient they let in."""

    practitioner: Person
    patient: Person

    @property
    def both(self) -> tuple[Person, Person]:
        return self.practitioner, self.patient

    async def is_seen_by(self, person: Person, frames: int = 5) -> None:
        """Waits until the person sees the other; where that fails, both browsers tell what they know."""
        try:
            await person.sees_remote(frames=frames)
        except AssertionError as error:
            error.add_note(f"at the other's: {await self.other(person).findings()}")
            raise

    def other(self, person: Person) -> Person:
        return self.patient if person is self.practitioner else self.practitioner


async def wait_in_lobby(practitioner: Person, patient: Person) -> Call:
    """The practitioner is in, the patient waits, and is seen to wait."""
    await practitioner.join()
    await practitioner.is_in("call")
    await patient.join()
    await patient.is_in("lobby")
    await practitioner.has("admit", 1)
    return Call(practitioner, patient)


async def meet(practitioner: Person, patient: Person) -> Call:
    """Both see each other."""
    call = await wait_in_lobby(practitioner, patient)
    await practitioner.press("admit")
    for person in call.both:
        await person.is_in("call")
        await call.is_seen_by(person)
    return call
