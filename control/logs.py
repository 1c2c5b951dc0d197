"""Logging: one JSON object a line on standard error, and nothing in it that opens a door or names a patient."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

_SECRET = frozenset({"answer", "grant", "key", "name", "offer", "password", "pwd", "sdp", "sdp_z", "seat", "token"})


_traceback = ExceptionDictTransformer(show_locals=False)  # locals hold what must not be logged


def configure(*, level: str = "INFO") -> None:
    """To be called once, by whoever starts the process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_traceback),
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes the value of every field whose name says that it is secret or somebody's name."""
    for field in _SECRET & event.keys():
        event[field] = "[redacted]"
    return event
