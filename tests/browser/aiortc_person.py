"""A person by aiortc, for tests: what `Person` is at a browser."""

import asyncio
from dataclasses import dataclass
from typing import Self

from benchmarks.process import Child
from tests.browser.content import Quarters, Rgb, until_quarters, until_tone
from tests.browser.island import Island
from tests.browser.person import PATIENCE_S


@dataclass(frozen=True, slots=True)
class AiortcPerson:
    """A process of `aiortc_client`."""

    process: Child

    @classmethod
    async def start(cls, island: Island, link: str, quarters: Quarters, tone: float) -> Self:
        """Opens a lab link, and is not yet in the room."""
        shown = (link, ",".join(quarters), str(tone))
        return cls(await Child.start("tests.browser.aiortc_client", *shown, by=island.command()))

    async def join(self) -> None:
        await self.process.ask("join")

    async def is_in(self, state: str, within_s: float = PATIENCE_S) -> None:
        """Waits until the server says so."""
        await asyncio.wait_for(self.process.ask("is_in", state=state), within_s)

    async def admits(self) -> None:
        """Lets in whoever waits, or will."""
        await self.process.ask("admit")

    async def sees_quarters(self, colours: Quarters, within_s: float = PATIENCE_S) -> None:
        """Waits until the remote picture is of these colours, the right way round."""
        await until_quarters(colours, self._see, within_s)

    async def hears_tone(self, hertz: float, within_s: float = PATIENCE_S) -> None:
        """Waits until that is the loudest frequency in the decoded sound."""
        await until_tone(hertz, self._hear, within_s)

    async def _see(self) -> list[Rgb]:
        # Frames come in no hurry: a look between two of them shows nothing new.
        await asyncio.sleep(0.1)
        fields = (await self.process.ask("see"))["fields"]
        return [(red, green, blue) for red, green, blue in fields]

    async def _hear(self) -> tuple[float, float]:
        await asyncio.sleep(0.1)
        heard = await self.process.ask("hear")
        return heard["hertz"], heard["decibel"]
