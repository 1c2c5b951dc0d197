"""Static pages: nothing but the pages, and the headers that every answer carries."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from control.api.problems import problems
from control.pages import SecureHeaders, add_pages, default_root

Client = TestClient[web.Request, web.Application]


async def _fail(_: web.Request) -> web.Response:
    raise RuntimeError("inside")


def application(root: Path, *, https: bool = False) -> web.Application:
    app = web.Application(middlewares=[problems])
    app.on_response_prepare.append(SecureHeaders(https=https))
    app.router.add_get("/fails", _fail)
    add_pages(app, root)
    return app


@pytest.fixture
def root(tmp_path: Path) -> Path:
    web_root = tmp_path / "web"
    for folder in ("patient", "clinic", "sdk", "shared", "secret"):
        (web_root / folder).mkdir(parents=True)
        (web_root / folder / "index.html").write_text(f"<!doctype html>{folder}")
    (web_root / "sdk" / "index.js").write_text("export {};")
    (web_root / "sdk" / "notes.txt").write_text("not for others")
    (tmp_path / "outside.html").write_text("outside")
    (web_root / "sdk" / "way-out.html").symlink_to(tmp_path / "outside.html")
    return web_root


@pytest_asyncio.fixture
async def client(root: Path) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application(root))) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/patient/", "text/html"),
        ("/clinic/", "text/html"),
        ("/patient/index.html", "text/html"),
        ("/sdk/index.js", "text/javascript"),
    ],
)
async def test_a_page_is_served_with_its_type(client: Client, path: str, content_type: str) -> None:
    async with client.get(path) as response:
        assert response.status == 200
        assert response.content_type == content_type
        assert response.headers["Cache-Control"] == "no-cache"
        assert "ETag" in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/secret/",
        "/sdk/notes.txt",
        "/sdk/",
        "/sdk/way-out.html",
        "/sdk/../secret/index.html",
        "/sdk/%2e%2e/secret/index.html",
        "/sdk/..%2fsecret/index.html",
        "/sdk/%2e%2e%2f%2e%2e%2foutside.html",
        "/sdk//etc/passwd",
        "/sdk/%00.html",
        "/patient/index.html/",
        "/nothing",
    ],
)
async def test_nothing_else_is(client: Client, root: Path, path: str) -> None:
    (root / "sdk" / "index.html").unlink()
    async with client.get(URL(path, encoded=True)) as response:
        assert response.status == 404
        assert (await response.json())["code"] == "not_found"


@pytest.mark.parametrize("path", ["/patient/", "/sdk/index.js", "/nothing", "/", "/fails"])
async def test_every_answer_carries_the_headers(client: Client, path: str) -> None:
    async with client.get(path, allow_redirects=False) as response:
        policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["connect-src"] == f"'self' ws://{client.host}:{client.port}"
        assert not any("http:" in value or "https:" in value or "*" in value for value in policy.values())
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "camera=(self), microphone=(self)" in response.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in response.headers


async def test_a_failure_says_nothing_of_the_inside(client: Client) -> None:
    async with client.get("/fails") as response:
        assert response.status == 500
        assert (await response.json())["code"] == "internal"
        assert "inside" not in await response.text()


async def test_over_https_browsers_are_told_to_stay_there(root: Path) -> None:
    async with (
        TestClient(TestServer(application(root, https=True))) as client,
        client.get("/patient/", headers={"Host": "video.example.org"}) as response,
    ):
        assert "wss://video.example.org" in response.headers["Content-Security-Policy"]
        assert response.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_a_folder_without_its_slash_leads_to_the_page(client: Client) -> None:
    async with client.get("/patient", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (308, "/patient/")
    async with client.get("/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/patient/")


def test_the_pages_come_with_the_package() -> None:
    for page in ("patient/index.html", "clinic/index.html"):
        text = (default_root() / page).read_text()
        assert "://" not in text.replace("http://www.w3.org/", ""), f"{page} names another host"
