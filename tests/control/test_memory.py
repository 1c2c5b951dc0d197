"""What is there to stay is not looked through again and again."""

import gc
import weakref

from control.memory import settle


class _Knot:
    """Refers to itself, so that the garbage collector alone ends it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_there_to_stay_is_passed_over_and_what_comes_later_is_not() -> None:
    gc.unfreeze()
    early = _Knot()
    seen = weakref.ref(early)
    try:
        settle()
        assert gc.get_freeze_count() > 1_000
        del early
        gc.collect()
        assert seen() is not None
        late = weakref.ref(_Knot())
        gc.collect()
        assert late() is None
    finally:
        gc.unfreeze()
    gc.collect()
    assert seen() is None
