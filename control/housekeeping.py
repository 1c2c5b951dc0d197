"""Removes what nobody can use any longer: dead sessions, old grants, answers to requests that may not come again."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from control.api.transactions import forget_answers
from control.clock import Clock
from control.consultation.joining import forget_grants
from control.identity.logins import StoredSessions
from control.store.database import Database

PERIOD: Final = 600.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Its owner runs it in a task and cancels that. `now` is the true time, never the lab's."""

    database: Database
    idle: timedelta
    now: Clock

    async def run(self) -> None:
        """For ever. A round that fails is told in the log, and the next one does its work."""
        while True:
            try:
                await self.clean()
            except Exception as error:
                _log.error("housekeeping_failed", error=type(error).__name__)
            await asyncio.sleep(PERIOD)

    async def clean(self) -> None:
        """One round."""
        now = self.now()
        await StoredSessions(self.database).forget_dead(now, self.idle)
        await forget_grants(self.database, now)
        await forget_answers(self.database, now)
