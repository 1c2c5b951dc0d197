"""A connection to PostgreSQL that lay idle is asked whether it still is one before it is used again.

SQLAlchemy's own `pool_pre_ping` asks each time: one more way to the server and back for every transaction of a busy
clinic, where each has been in use a moment ago.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

IDLE_S: Final = 1.0
_SINCE: Final = "venterom_idle_since"


def watch(engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
    """Where a connection turns out to be dead, all of the pool are made anew, and whoever wanted it gets a new one."""
    errors = engine.dialect.loaded_dbapi.Error

    def given_back(_: Any, record: Any) -> None:
        record.info[_SINCE] = clock()

    def taken(connection: Any, record: Any, _: Any) -> None:
        since = record.info.get(_SINCE)
        if since is None or clock() - since < IDLE_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except errors as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", given_back)
    event.listen(engine, "checkout", taken)
