"""`venterom demo` with its clinic in any database: `python -m tests.control.demo_elsewhere URL demo ...`."""

import sys
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from sqlalchemy import make_url

from control import demo
from control.cli import main
from control.demo import prepare
from tests.control.visitor import kept_in


def run(database: str, arguments: Sequence[str]) -> int:
    """The command's own status. The command itself can't be told: a demo never writes into a clinic's database."""
    url = make_url(database)

    def elsewhere(*given: Any, **named: Any) -> demo.Demo:
        return kept_in(prepare(*given, **named), url)

    with patch.object(demo, "prepare", elsewhere):
        return main(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
