"""What nobody can use any longer is removed by itself."""

from datetime import timedelta
from functools import partial

from sqlalchemy import select

from control.consultation.joining import GRANTS_KEPT
from control.housekeeping import Housekeeping
from control.store.models import IssuedGrant
from tests.control.api.world import World
from tests.control.consultation.asking import join, meeting
from tests.control.store.rows import NOW


async def test_grants_whose_rooms_are_over_are_forgotten(world: World) -> None:
    made = await meeting(world)
    await join(world, made, made.patients[0])
    for later, left in ((GRANTS_KEPT, 1), (GRANTS_KEPT + timedelta(seconds=1), 0)):
        await Housekeeping(world.database, timedelta(hours=1), partial(NOW.__add__, later)).clean()
        async with world.database.look(world.west.clinic) as session:
            assert len((await session.scalars(select(IssuedGrant))).all()) == left
