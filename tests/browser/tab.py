"""What the tests ask of a browser's page, whichever the browser; and Chromium's, by Playwright."""

from dataclasses import dataclass
from typing import Any, Protocol

from playwright.async_api import Page
from playwright.async_api import TimeoutError as PlaywrightTimeout


class Tab(Protocol):
    """A page of its own: no cookie, storage or permission is shared with another's."""

    async def goto(self, address: str) -> None:
        """Opens an address, and waits until it is loaded."""

    async def reload(self) -> None:
        """Loads the page anew, and waits until it is loaded."""

    async def evaluate(self, function: str, argument: Any = None) -> Any:
        """What a JavaScript function, which may be asynchronous, makes of the argument; both are JSON."""

    async def wait_for(self, function: str, argument: Any = None, *, within_s: float) -> None:
        """Until the function gives something true. TimeoutError where it does not."""

    async def click(self, selector: str, *, within_s: float) -> None:
        """Presses the first element once it can be pressed, as a person does. TimeoutError where it can't."""


@dataclass(frozen=True, slots=True)
class PlaywrightTab:
    """A page in a context of its own."""

    page: Page

    @classmethod
    def of(cls, page: Page) -> "PlaywrightTab":
        """What the page says is printed, for the report of a test that fails."""
        page.on("console", lambda said: print(f"{page.url[-6:]} {said.type}: {said.text}"))
        page.on("pageerror", lambda error: print(f"{page.url[-6:]} error: {error}"))
        return cls(page)

    async def goto(self, address: str) -> None:
        await self.page.goto(address)

    async def reload(self) -> None:
        await self.page.reload()

    async def evaluate(self, function: str, argument: Any = None) -> Any:
        return await self.page.evaluate(function, argument)

    async def wait_for(self, function: str, argument: Any = None, *, within_s: float) -> None:
        try:
            await self.page.wait_for_function(function, arg=argument, timeout=within_s * 1000)
        except PlaywrightTimeout as error:
            raise TimeoutError(error.message) from None

    async def click(self, selector: str, *, within_s: float) -> None:
        try:
            await self.page.locator(selector).first.click(timeout=within_s * 1000)
        except PlaywrightTimeout as error:
            raise TimeoutError(error.message) from None
