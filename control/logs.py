"""Logging: one JSON object a line on standard error, and nothing in it that opens a door or names a patient.

What others raise or log may hold anything in its values, so only what is fixed is kept of it: the kind of an exception
and where it came from, the template of a library's message without what it was filled with.
"""

import asyncio
import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

_SECRET: Final = frozenset(
    {"answer", "grant", "key", "name", "offer", "password", "pwd", "sdp", "sdp_z", "seat", "token"}
)
_FRAMES: Final = 8
"""As many of the innermost frames of an exception are told."""

_log = structlog.get_logger("venterom")


def configure(*, level: str = "INFO") -> None:
    """To be called once, by whoever starts the process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            outline,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_FromLibraries()], force=True)


def told_by_loop(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's exception handler: its own would print what callbacks were called with."""
    _log.error("task_failed", exc_info=context.get("exception") or True)


def outline(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Puts kind and place of an exception in its stead; its message and its locals may hold somebody's data."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if isinstance(given, tuple):
        error = given[1]
    if error is not None:
        event["error"] = type(error).__name__
        event["where"] = [
            f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        ]
    return event


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes the value of every field whose name says that it is secret or somebody's name."""
    for field in _SECRET & event.keys():
        event[field] = "[redacted]"
    return event


class _FromLibraries(logging.Handler):
    """What libraries log by the standard library's means."""

    def emit(self, record: logging.LogRecord) -> None:
        # A message that came formatted may hold anything; its template, while it has arguments, is the library's own.
        template = str(record.msg) if record.args else "message"
        log = structlog.get_logger(record.name)
        log.log(record.levelno, "library", logger=record.name, template=template, exc_info=record.exc_info)
