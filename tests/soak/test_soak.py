"""Ten seconds of it; `make soak SECONDS=1800` for longer."""

from tests.soak.soak import describe, run


async def test_people_in_random_order_leave_nothing_behind() -> None:
    outcome = await run(10, seed=1)
    print(describe(outcome))
    assert not outcome.faults()
    assert outcome.steps > 40
    assert outcome.done["return"]
    assert min(outcome.repaired) > 0
