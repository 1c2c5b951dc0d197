"""Alembic's entry: the connection is given by `control.store.migrate`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

import control.store.models  # noqa: F401  all tables are known by it
from control.store.base import Base, Instant, Json


def _render(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Migrations stand by themselves: they name no type of ours."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and item is Json:
        return "json"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
