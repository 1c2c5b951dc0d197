"""The clinic that the services of scheduling are tried in, on both databases."""

import pytest

from control.store.database import Database
from tests.control.scheduling.world import World, build


@pytest.fixture
async def world(database: Database) -> World:
    """A clinic with a practitioner and a patient."""
    return await build(database)
