"""What nobody can use any longer is removed by itself."""

from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import select

from control.consultation.joining import GRANTS_KEPT
from control.housekeeping import Housekeeping
from control.store.models import IssuedGrant
from tests.control.api.world import World
from tests.control.consultation.asking import join, meeting

MINUTE = timedelta(minutes=1)


async def test_grants_whose_rooms_are_over_are_forgotten(world: World) -> None:
    """By the true time, whatever a lab's clock says."""
    made = await meeting(world)
    await join(world, made, made.patients[0])
    issued = datetime.now(UTC)
    for later, left in ((GRANTS_KEPT - MINUTE, 1), (GRANTS_KEPT + MINUTE, 0)):
        await Housekeeping(world.database, timedelta(hours=1), partial(issued.__add__, later)).clean()
        async with world.database.look(world.west.clinic) as session:
            assert len((await session.scalars(select(IssuedGrant))).all()) == left
