"""Years of a clinic, written by the database itself: appointments that are over, each with what belongs to it."""

from typing import Final

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

_NUMBERS: Final = {
    "sqlite": "WITH RECURSIVE numbers(i) AS (VALUES({first}) UNION ALL SELECT i + 1 FROM numbers WHERE i < {last}) ",
    "postgresql": "WITH numbers(i) AS (SELECT * FROM generate_series({first}, {last})) ",
}
# Keys come in no order, as real ones do: a multiplicative hash of the number stands before it.
_KEY: Final = {
    "sqlite": "printf('%08x%018d', (i * 2654435761) & 4294967295, i)",
    "postgresql": "lpad(to_hex((i::bigint * 2654435761) & 4294967295), 8, '0') || lpad(i::text, 18, '0')",
}
# Twenty minutes each, one after another, backwards from an hour before now.
_TIME: Final = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', '{now}', '-' || (i * 20 + {ahead}) || ' minutes')",
    "postgresql": "timestamptz '{now}' - make_interval(mins => (i * 20 + {ahead})::int)",
}
# Twenty appointments each.
_PATIENT: Final = {
    "sqlite": "printf('p%025d', (i - 1) / 20)",
    "postgresql": "'p' || lpad(((i - 1) / 20)::text, 25, '0')",
}
_TABLES: Final = {
    "patient": "clinic_id, id, name, search_name, protected_address, opted_out, wants_video, created_at, version"
    " SELECT '{clinic}', {patient}, 'Ola Nordmann', 'ola nordmann', {no}, {no}, {no}, '{now}', 1",
    "slot": "clinic_id, id, schedule_id, practitioner_id, person_id, type_id, starts, ends, surface, state, origin,"
    " version SELECT '{clinic}', {key}, '{schedule}', '{practitioner}', '{person}', '{type}', {starts}, {ends},"
    " 'video', 'booked', 'hand', 1",
    "appointment": "clinic_id, id, slot_id, type_id, practitioner_id, person_id, starts, ends, surface, state,"
    " external, video_hinted, created_at, version SELECT '{clinic}', {key}, {key}, '{type}', '{practitioner}',"
    " '{person}', {starts}, {ends}, 'video', 'ended', {no}, {no}, {starts}, 1",
    "attendee": "clinic_id, id, appointment_id, role, patient_id, name, link_version, barred"
    " SELECT '{clinic}', {key}, {key}, 'patient', {patient}, 'Kari Nordmann', 1, {no}",
    "audit_event": "clinic_id, sequence, at, actor_kind, actor_id, action, subjects, previous, hash"
    " SELECT '{clinic}', -i, {starts}, 'secretary', 'benchmark', 'appointment.book', {nothing}, {bytes}, {bytes}",
    "audit_subject": "clinic_id, sequence, patient_id SELECT '{clinic}', -i, {patient}",
    "consultation": "clinic_id, id, appointment_id, room, state, size, epoch, sequence, created_at, version"
    " SELECT '{clinic}', {key}, {key}, {key}, 'ended', 2, 0, 0, {starts}, 1",
    "admission": "clinic_id, id, consultation_id, attendee_id, at, epoch, sequence"
    " SELECT '{clinic}', {key}, {key}, {key}, {starts}, 1, 1",
}
_ROWS: Final = {"patient": " WHERE (i - 1) % 20 = 0"}
_CHUNK: Final = 100_000


async def fill(url: URL, first: int, last: int, names: dict[str, str]) -> None:
    """Writes the appointments of these numbers. `names` tells whose they are, and from when on they go back."""
    engine = create_async_engine(url)
    kind = engine.dialect.name
    values = {**names, "key": _KEY[kind], "patient": _PATIENT[kind], "no": "0" if kind == "sqlite" else "false"}
    values["bytes"] = "x'00'" if kind == "sqlite" else "'\\x00'::bytea"
    values["nothing"] = "'[]'" if kind == "sqlite" else "'[]'::jsonb"
    values["starts"] = _TIME[kind].format(now=names["now"], ahead=80)
    values["ends"] = _TIME[kind].format(now=names["now"], ahead=60)
    try:
        for begin in range(first, last + 1, _CHUNK):
            numbers = _NUMBERS[kind].format(first=begin, last=min(begin + _CHUNK - 1, last))
            async with engine.begin() as connection:
                for table, columns in _TABLES.items():
                    names_of, _, select = columns.partition(" SELECT ")
                    statement = f"SELECT {select.format(**values)} FROM numbers{_ROWS.get(table, '')}"
                    if kind == "sqlite":
                        await connection.exec_driver_sql(f"{numbers}INSERT INTO {table} ({names_of}) {statement}")
                    else:
                        await connection.exec_driver_sql(f"INSERT INTO {table} ({names_of}) {numbers}{statement}")
        async with engine.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.exec_driver_sql("ANALYZE")
    finally:
        await engine.dispose()
