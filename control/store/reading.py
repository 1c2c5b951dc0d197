"""Sessions that only read: what they are asked to write is refused, so that nothing needs to be taken back."""

from typing import Any, NoReturn

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState

from control.store.scope import ScopedSession


class WriteRefusedError(RuntimeError):
    """Something would be written where things are only looked at. A bug of ours, never of a request."""


class ReadingSession(ScopedSession):
    """A scoped session that only reads."""

    def flush(self, objects: Any = None) -> None:
        """There is nothing to write (raises WriteRefusedError)."""
        if self.new or self.dirty or self.deleted:
            _refuse()


@event.listens_for(ReadingSession, "do_orm_execute")
def _only_selects(state: ORMExecuteState) -> None:
    if not state.is_select:
        _refuse()


def _refuse() -> NoReturn:
    raise WriteRefusedError("a session that only reads")
