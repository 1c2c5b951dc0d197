"""The one place where statements are scoped by clinic.

A session belongs to one clinic, and that clinic is added to every ORM statement: selects, their subqueries and joins,
what relationships load, bulk updates and deletes. Whatever can't be scoped so is refused: Core and text statements,
the legacy bulk methods, rows of another clinic, and connections that no session owns. The few reads that cross
clinics name their reason, one of `CROSS_CLINIC`, as the execution option `across`.
"""

from functools import lru_cache
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, Engine, event, false, inspect
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import FromStatement, ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption
from sqlalchemy.sql.dml import Insert

from control.store.base import Global, Scoped
from control.store.models.clinic import Clinic

CROSS_CLINIC: Final = frozenset(
    {
        "my_appointments",  # a person's own, wherever they are
        "my_access_log",  # who looked at a person's own records
        "my_records",  # where a person is a patient or a guardian
        "busy_intervals",  # a practitioner's times elsewhere, which only ever answer `slot_taken`
        "link",  # whose a link is, before its clinic is known
        "login",  # persons, sessions and memberships, before a clinic is chosen
        "idempotency",  # answers to requests that come again
        "operation",  # the outbox, room commands, audit checkpoints, imports: work of the server itself
    }
)
"""Why a statement may look past the clinic of its session."""

_OPTION: Final = "across"
_CHECKED: Final = "scope_checked"
_FLUSHING: Final = "venterom_flushing"
_TRANSACTION: Final = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


class UnscopedError(RuntimeError):
    """A statement that could reach another clinic's rows. A bug of ours, never of a request."""


class ScopedSession(Session):
    """A session of one clinic, or of none: then only statements that name a reason may run."""

    def __init__(self, *arguments: Any, clinic: str | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.clinic: Final = clinic

    def flush(self, objects: Any = None) -> None:
        """Writes what changed; each row was held to the clinic before."""
        if self.new or self.dirty or self.deleted:
            information = self.connection().info
            information[_FLUSHING] = information.get(_FLUSHING, 0) + 1
            try:
                super().flush(objects)
            finally:
                information[_FLUSHING] -= 1

    def bulk_save_objects(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedError("bulk_save_objects passes over the unit of work")

    def bulk_insert_mappings(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedError("bulk_insert_mappings passes over the unit of work")

    def bulk_update_mappings(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedError("bulk_update_mappings passes over the unit of work")


def clinic_of(session: AsyncSession) -> str:
    """The clinic that a session belongs to; ValueError for one of no clinic."""
    inside = session.sync_session
    assert isinstance(inside, ScopedSession)
    if inside.clinic is None:
        raise ValueError("a session of no clinic")
    return inside.clinic


def guard(engine: Engine) -> None:
    """Refuses on the engine's connections whatever did not come through a scoped session."""
    event.listen(engine, "before_cursor_execute", _check_connection)


def _check_connection(
    connection: Connection, cursor: DBAPICursor, statement: str, parameters: Any, context: ExecutionContext, many: bool
) -> None:
    if context.execution_options.get(_CHECKED) or connection.info.get(_FLUSHING):
        return
    if statement.lstrip().upper().startswith(_TRANSACTION):
        return
    raise UnscopedError("a statement that no scoped session has seen")


@event.listens_for(ScopedSession, "do_orm_execute")
def _scope(state: ORMExecuteState) -> None:
    session = state.session
    assert isinstance(session, ScopedSession)
    across = state.execution_options.get(_OPTION)
    if across is not None and across not in CROSS_CLINIC:
        raise UnscopedError(f"no such reason: {across}")
    if not state.is_orm_statement:
        raise UnscopedError("Core and text statements can't be scoped")
    state.update_execution_options(**{_CHECKED: True})
    if across is not None:
        return
    classes = [mapper.class_ for mapper in state.all_mappers]
    if any(issubclass(each, Global) for each in classes):
        raise UnscopedError("a row of nobody in particular, without a reason")
    if (clinic := session.clinic) is None:
        raise UnscopedError("a session of no clinic, without a reason")
    if isinstance(state.statement, FromStatement):
        raise UnscopedError("entities from a text can't be scoped")
    if state.is_update and state.is_executemany:
        raise UnscopedError("a bulk update by keys passes over the criteria")
    if state.is_insert:
        _check_values(state.statement, state.parameters, clinic)
        return
    state.statement = state.statement.options(*_criteria(clinic))


@lru_cache(maxsize=64)
def _criteria(clinic: str) -> tuple[ExecutableOption, ...]:
    """What is added to every statement of a clinic; to make them takes as long as a short statement."""
    return (
        with_loader_criteria(Scoped, lambda each: each.clinic_id == clinic, include_aliases=True),
        with_loader_criteria(Clinic, Clinic.id == clinic, include_aliases=True),
        with_loader_criteria(Global, lambda each: false(), include_aliases=True),
    )


def _check_values(statement: Any, parameters: Any, clinic: str) -> None:
    """An INSERT must name the clinic in each of its rows; what it selects can't be looked into."""
    if not isinstance(statement, Insert) or statement.select is not None:
        raise UnscopedError("an INSERT from a SELECT")
    if statement._values is not None or statement._multi_values:
        raise UnscopedError("an INSERT whose values are in the statement: give them as parameters")
    for row in parameters if isinstance(parameters, list) else [parameters or {}]:
        if row.get("clinic_id") != clinic:
            raise UnscopedError("an INSERT for another clinic")


@event.listens_for(ScopedSession, "before_flush")
def _check_rows(session: Session, context: UOWTransaction, instances: Any) -> None:
    """New rows get the session's clinic; a row of another clinic is never written."""
    assert isinstance(session, ScopedSession)
    if (clinic := session.clinic) is None:
        return
    for row in session.new:
        if isinstance(row, Scoped) and inspect(row).attrs.clinic_id.value is None:
            row.clinic_id = clinic
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Scoped):
            owner = inspect(row).attrs.clinic_id
        elif isinstance(row, Clinic):
            owner = inspect(row).attrs.id
        else:
            continue
        if {owner.value, *owner.history.deleted} != {clinic}:
            raise UnscopedError("a row of another clinic")
