"""A clinic's rows for tests: what is not said is ordinary."""

from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from control.audit import log
from control.store.database import Database
from control.store.models import Clinic, Patient, Person

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_numbers = count(1)


def clinic(key: str = "vest", **given: Any) -> Clinic:
    """With video."""
    return Clinic(**{"key": key, "name": f"Klinikk {key}", "video_enabled": True, **given})


def person(name: str = "Kari Nordmann", **given: Any) -> Person:
    """Somebody without an identity number."""
    return Person(**{"name": name, "created_at": NOW, **given})


def patient(clinic: str, name: str = "Kari Nordmann", **given: Any) -> Patient:
    """Somebody who never logged in."""
    return Patient(**{"clinic_id": clinic, "name": name, "search_name": name.casefold(), "created_at": NOW, **given})


async def open_clinic(database: Database, key: str = "vest", **given: Any) -> str:
    """A clinic whose audit log has begun; its id."""
    async with database.begin(None) as session:
        row = clinic(key, **given)
        session.add(row)
        await session.flush()
        await log.begin(session, row.id)
        return row.id
