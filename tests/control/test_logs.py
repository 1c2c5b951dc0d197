"""Nothing that opens a door or names somebody comes into the log, whoever writes it."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from control import logs

CANARY = "Kanari Fuglesang 01017012345"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    before = logging.root.handlers[:]
    logs.configure()
    yield stream
    structlog.reset_defaults()
    logging.root.handlers = before


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    assert CANARY not in stream.getvalue()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(secret: str) -> None:
    kept = secret  # a local that a curious formatter would show
    try:
        raise KeyError(kept)
    except KeyError as error:
        raise ValueError(f"no such patient: {kept}") from error


@pytest.mark.parametrize("field", ["name", "grant", "token", "seat", "sdp", "key"])
def test_a_secret_field_is_redacted(written: io.StringIO, field: str) -> None:
    structlog.get_logger("x").info("happened", **{field: CANARY}, code="ok")
    (line,) = lines(written)
    assert (line["event"], line["code"], line[field]) == ("happened", "ok", "[redacted]")


def test_an_exception_tells_kind_and_place_alone(written: io.StringIO) -> None:
    try:
        fail(CANARY)
    except ValueError:
        structlog.get_logger("x").exception("failed")
    (line,) = lines(written)
    assert (line["event"], line["error"]) == ("failed", "ValueError")
    assert line["where"][-1].startswith("test_logs.py:")
    assert line["where"][-1].endswith(" fail")


def test_a_library_tells_its_template_alone(written: io.StringIO) -> None:
    library = logging.getLogger("aiohttp.server")
    library.warning("Error handling request from %s", CANARY)
    library.error(f"got {CANARY}")
    try:
        fail(CANARY)
    except ValueError:
        library.exception("Unhandled exception")
    library.info("seen by nobody")
    first, second, third = lines(written)
    assert (first["logger"], first["template"], first["level"]) == (
        *("aiohttp.server", "Error handling request from %s"),
        "warning",
    )
    assert second["template"] == "message"
    assert third["error"] == "ValueError"


async def test_what_fails_on_the_loop_tells_its_place_alone(written: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.told_by_loop)
    done = asyncio.Event()
    loop.call_soon(fail, CANARY)
    loop.call_soon(done.set)
    await done.wait()
    loop.call_exception_handler({"message": CANARY})
    loop.set_exception_handler(None)
    first, second = lines(written)
    assert (first["event"], first["error"], first["level"]) == ("task_failed", "ValueError", "error")
    assert second["event"] == "task_failed"
