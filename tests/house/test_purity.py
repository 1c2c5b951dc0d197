"""Rules are pure: a decision is made of what it is given, the moment too; no database, no HTTP, no clock in them."""

import ast
import sys
from pathlib import Path

import pytest

from tests.house.test_dependencies import ROOT, imports

MORE = (
    "control/identity/levels.py",
    "control/scheduling/obstacles.py",
    "control/scheduling/recurrence.py",
    "control/scheduling/slots.py",
    "control/scheduling/surface.py",
    "signalling/roles.py",
)
"""Modules beside `rules.py` that rules build upon, as pure as they."""
IMPURE = frozenset(
    {
        "asyncio",
        "http",
        "os",
        "pathlib",
        "random",
        "secrets",
        "socket",
        "sqlite3",
        "subprocess",
        "tempfile",
        "threading",
    }
)
CLOCKS = frozenset({"now", "utcnow", "today", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime"})

PURE = sorted({*ROOT.glob("control/*/rules.py"), *(ROOT / name for name in MORE)})
NAMES = {str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in PURE}


def faults(source: str, path: Path) -> list[str]:
    """What a pure module does and must not."""
    found = []
    for name, _ in imports(source, path):
        first = name.partition(".")[0]
        ours = any(name == pure or name.startswith(f"{pure}.") for pure in NAMES)
        if not ours and (first not in sys.stdlib_module_names or first in IMPURE or name == "time"):
            found.append(f"imports {name}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            found.append(f"reads a clock by {node.attr}")
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            found.append("waits")
    return found


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_rules_are_pure(path: Path) -> None:
    assert faults(path.read_text(), path.relative_to(ROOT)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import sqlalchemy",
        "from control.store.models import Slot",
        "from aiohttp import web",
        "import time\ntime.monotonic()",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import date\nday = date.today",
        "import secrets",
        "async def f(): ...",
        "from control.clock import real",
    ],
)
def test_a_breach_is_seen(source: str) -> None:
    assert faults(source, Path("control/people/rules.py"))


def test_there_are_rules() -> None:
    assert {"control.scheduling.rules", "control.consultation.rules"} <= NAMES
