"""The toy, and a client of it; the world, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from control.store.database import Database
from tests.control.api.toy import Client, Toy, running
from tests.control.api.world import World
from tests.control.api.world import running as world_running


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest_asyncio.fixture
async def client(toy: Toy) -> AsyncIterator[Client]:
    async with running(toy) as started:
        yield started


@pytest_asyncio.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with world_running(database, tmp_path) as started:
        yield started
