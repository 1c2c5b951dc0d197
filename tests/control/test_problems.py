"""Errors as problems: the code, what a program needs beside it, and the headers of its status."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import exc

from control.api.problems import problem_of, problems
from control.errors import ControlError, NotFoundError, NotLoggedInError


class TooEarlyError(ControlError):
    code = "join_too_early"
    status = 403


def body(error: ControlError) -> dict[str, Any]:
    answer = problem_of(error)
    assert isinstance(answer.body, bytes)
    read: dict[str, Any] = json.loads(answer.body)
    return read


def test_members_stand_beside_the_code_and_times_are_utc() -> None:
    oslo = timezone(timedelta(hours=2))
    error = TooEarlyError("come later", opens_at=datetime(2026, 7, 1, 12, 0, tzinfo=oslo), obstacles=["slot_missing"])
    assert body(error) == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "code": "join_too_early",
        "detail": "come later",
        "opens_at": "2026-07-01T10:00:00Z",
        "obstacles": ["slot_missing"],
    }


def test_who_must_log_in_is_told_how_and_who_must_wait_for_how_long() -> None:
    assert problem_of(NotLoggedInError("log in")).headers["WWW-Authenticate"] == "Bearer"
    assert problem_of(TooEarlyError("wait", retry_after=7)).headers["Retry-After"] == "7"
    assert "Retry-After" not in problem_of(NotFoundError()).headers


def test_no_cache_keeps_a_problem() -> None:
    assert problem_of(NotFoundError()).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (exc.OperationalError("INSERT kanari", {"name": "kanari"}, OSError("kanari")), 503, "database_unavailable"),
        (exc.InterfaceError("SELECT kanari", {}, OSError("kanari")), 503, "database_unavailable"),
        (exc.TimeoutError("kanari"), 503, "database_unavailable"),
        (ConnectionRefusedError("kanari"), 503, "database_unavailable"),
        (exc.IntegrityError("INSERT kanari", {"name": "kanari"}, OSError("kanari")), 500, "internal"),
    ],
)
async def test_a_database_that_does_not_answer_is_told_from_a_bug(error: Exception, status: int, code: str) -> None:
    async def fail(_: web.Request) -> web.Response:
        raise error

    app = web.Application(middlewares=[problems])
    app.router.add_get("/", fail)
    async with TestClient(TestServer(app)) as client, client.get("/") as response:
        text = await response.text()
        assert (response.status, json.loads(text)["code"]) == (status, code)
        assert "kanari" not in text
