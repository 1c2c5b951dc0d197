"""What the doctor finds, and how it tells it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Level(IntEnum):
    """How bad it is; also the exit code of the command, as monitoring plug-ins have it."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what to do where it is not as it should be."""

    check: str
    level: Level
    text: str
    advice: str | None = None


def ok(check: str, text: str) -> Finding:
    return Finding(check, Level.OK, text)


def warn(check: str, text: str, advice: str) -> Finding:
    return Finding(check, Level.WARN, text, advice)


def fail(check: str, text: str, advice: str) -> Finding:
    return Finding(check, Level.FAIL, text, advice)


def worst(findings: Iterable[Finding]) -> Level:
    """The exit code."""
    return max((finding.level for finding in findings), default=Level.OK)


_WIDTH: Final = 20


def as_text(findings: Sequence[Finding]) -> str:
    """A line for each, and the advice under it."""
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.level.name.lower():<5}{finding.check:<{_WIDTH}}{finding.text}")
        if finding.advice is not None:
            lines.append(f"{'':<5}{'':<{_WIDTH}}-> {finding.advice}")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """One object: the worst level, and the findings."""
    listed = [
        {"check": each.check, "level": each.level.name.lower(), "text": each.text, "advice": each.advice}
        for each in findings
    ]
    return json.dumps({"level": worst(findings).name.lower(), "findings": listed}, indent=2)
