"""Who gets in: cookies and their second proof, keys, roles, and how long a login lives."""

from http.cookies import SimpleCookie

import pytest

from control.api.access import COOKIE
from control.identity.callers import Nobody
from control.identity.roles import Role
from tests.control.api.toy import BEARER, KEY, ORIGIN, Client, Toy, later, log_in

NEW = {"name": "x"}


async def asked(client: Client, method: str = "GET", path: str = "/things", **options: object) -> tuple[int, str]:
    async with client.request(method, f"/api/v1{path}", **options) as response:  # type: ignore[arg-type]
        told = await response.json() if response.content_type.endswith("json") else {}
        return response.status, told.get("code", "")


async def test_the_cookie_is_bound_to_this_host_and_kept_from_scripts(client: Client, toy: Toy) -> None:
    async with client.post("/api/v1/session", json={"role": "secretary"}, headers={"Origin": ORIGIN}) as response:
        (header,) = response.headers.getall("Set-Cookie")
    morsel = SimpleCookie(header)[COOKIE]
    assert COOKIE.startswith("__Host-")
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (
        *(True, True, "Lax", "/"),
        "",
    )
    assert len(morsel.value) == 43
    # The store has nothing with which somebody could come in.
    (kept,) = toy.sessions_kept.kept.values()
    assert morsel.value not in repr(kept)
    assert morsel.value.encode() not in kept.digest


async def test_nobody_and_the_wrong_role_are_told_apart(client: Client) -> None:
    assert await asked(client) == (401, "not_logged_in")
    assert await asked(client, headers={"Cookie": f"{COOKIE}=made-up"}) == (401, "not_logged_in")
    assert await asked(client, headers=await log_in(client, Role.PATIENT)) == (403, "forbidden")
    assert await asked(client, headers=await log_in(client)) == (200, "")
    assert await asked(client, path="/session", headers=BEARER) == (403, "forbidden")


@pytest.mark.parametrize(
    "authorization",
    ["Bearer " + "x" * 40, "Bearer", "Bearer ", f"Basic {KEY}", KEY, f"Bearer {KEY[:-1]}", "Bearer \xff" + KEY],
)
async def test_an_unknown_key_is_nobodys(client: Client, authorization: str) -> None:
    headers = await log_in(client)
    # Not even with a good cookie beside it: one request has one caller.
    assert await asked(client, headers=headers | {"Authorization": authorization}) == (401, "not_logged_in")


async def test_a_key_needs_no_page(client: Client) -> None:
    assert await asked(client, "POST", json=NEW, headers=BEARER) == (201, "")
    assert await asked(client, headers={"authorization": f"bearer {KEY}"}) == (200, "")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Origin": None}, "csrf_failed"),
        ({"Origin": "null"}, "origin_forbidden"),
        ({"Origin": "https://elsewhere.example"}, "origin_forbidden"),
        ({"Origin": "http://video.example.org"}, "origin_forbidden"),
        ({"Origin": ORIGIN + ".evil.example"}, "origin_forbidden"),
        ({"Origin": ORIGIN + "/"}, "origin_forbidden"),
        ({"Origin": "https://evil.example/" + ORIGIN}, "origin_forbidden"),
        ({"X-CSRF-Token": None}, "csrf_failed"),
        ({"X-CSRF-Token": ""}, "csrf_failed"),
        ({"X-CSRF-Token": "x" * 24}, "csrf_failed"),
    ],
)
async def test_a_cookie_alone_changes_nothing(
    client: Client, toy: Toy, change: dict[str, str | None], code: str
) -> None:
    headers = await log_in(client)
    assert await asked(client, "POST", json=NEW, headers=headers) == (201, "")
    changed = {name: value for name, value in (headers | change).items() if value is not None}
    assert await asked(client, "POST", json=NEW, headers=changed) == (403, code)
    assert len(toy.things) == 1


async def test_the_second_proof_is_of_one_session_only(client: Client) -> None:
    one, other = await log_in(client), await log_in(client)
    assert one["X-CSRF-Token"] != other["X-CSRF-Token"]
    crossed = one | {"X-CSRF-Token": other["X-CSRF-Token"]}
    assert await asked(client, "POST", json=NEW, headers=crossed) == (403, "csrf_failed")


async def test_another_site_can_log_nobody_in(client: Client, toy: Toy) -> None:
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert await asked(client, "POST", "/session", json={"role": "patient"}, headers=elsewhere) == (
        403,
        "origin_forbidden",
    )
    assert toy.sessions_kept.kept == {}


async def test_a_new_login_ends_the_one_before(client: Client) -> None:
    before = await log_in(client)
    async with client.post("/api/v1/session", json={"role": "secretary"}, headers=before) as response:
        assert response.status == 200
        after = response.cookies[COOKIE].value
    assert f"{COOKIE}={after}" != before["Cookie"]
    assert await asked(client, headers=before) == (401, "not_logged_in")
    assert await asked(client, headers={"Cookie": f"{COOKIE}={after}"}) == (200, "")


async def test_a_change_of_clinic_gives_another_token_and_no_longer_life(client: Client, toy: Toy) -> None:
    token = await toy.sessions.open("p" * 26, Role.SECRETARY, "a" * 26, None, instead_of=Nobody())
    caller = await toy.sessions.find(token)
    assert caller is not None
    later(toy, hours=6, minutes=-1)
    changed = await toy.sessions.change(caller, Role.PRACTITIONER, "b" * 26)
    found = await toy.sessions.find(changed)
    assert found is not None
    assert (found.role, found.clinic, found.authenticated_at) == (
        *(Role.PRACTITIONER, "b" * 26),
        caller.authenticated_at,
    )
    assert found.csrf != caller.csrf
    assert await toy.sessions.find(token) is None
    for _ in range(6):
        later(toy, minutes=59)
        assert await toy.sessions.find(changed) is not None
    later(toy, minutes=8)
    assert await toy.sessions.find(changed) is None


async def test_logout_ends_the_session_and_takes_the_cookie(client: Client) -> None:
    headers = await log_in(client)
    async with client.post("/api/v1/session/end", headers=headers) as response:
        assert response.status == 204
        morsel = response.cookies[COOKIE]
        assert (morsel.value, morsel["max-age"], morsel["secure"], morsel["path"]) == ("", "0", True, "/")
    assert await asked(client, headers=headers) == (401, "not_logged_in")


async def test_an_idle_session_ends_to_the_second(client: Client, toy: Toy) -> None:
    headers = await log_in(client)
    later(toy, seconds=3600)
    assert await asked(client, headers=headers) == (200, "")
    later(toy, seconds=3601)
    assert await asked(client, headers=headers) == (401, "not_logged_in")


async def test_a_busy_session_ends_too(client: Client, toy: Toy) -> None:
    headers = await log_in(client)
    for _ in range(24):
        later(toy, seconds=1800)
        assert await asked(client, headers=headers) == (200, "")
    later(toy, seconds=1)
    assert await asked(client, headers=headers) == (401, "not_logged_in")


async def test_use_is_written_down_now_and_then_only(client: Client, toy: Toy) -> None:
    headers = await log_in(client)
    for _ in range(100):
        later(toy, seconds=10)
        await asked(client, headers=headers)
    assert 3 <= toy.sessions_kept.writes <= 6
