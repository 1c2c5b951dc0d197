"""The toy, and a client of it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.control.api.toy import Client, Toy, running


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest_asyncio.fixture
async def client(toy: Toy) -> AsyncIterator[Client]:
    async with running(toy) as started:
        yield started
