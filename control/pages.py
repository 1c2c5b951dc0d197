"""The pages in `web/` as they are, and the security headers that every answer carries."""

from pathlib import Path

from aiohttp import web

from control.api.origin import host_of

_FOLDERS = "patient|clinic|sdk|shared"

# Not by `mimetypes`: that one asks the machine, and a script of another type is not run under nosniff.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def default_root() -> Path:
    """Where `web/` lies, in the source tree as in the wheel: beside this package."""
    return Path(__file__).resolve().parent.parent / "web"


def add_pages(app: web.Application, root: Path) -> None:
    """Routes for the pages; `/` leads to the patient's."""
    base = root.resolve()

    async def start(_: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": "/patient/"})

    async def page(request: web.Request) -> web.StreamResponse:
        folder, rest = request.match_info["folder"], request.match_info["rest"]
        if "\0" in rest:
            raise web.HTTPNotFound
        path = (base / folder / rest).resolve()
        if not path.is_relative_to(base / folder):
            raise web.HTTPNotFound
        if rest == "" or rest.endswith("/"):
            path /= "index.html"
        content_type = _TYPES.get(path.suffix)
        if content_type is None or not path.is_file():
            raise web.HTTPNotFound
        # An unchanged file costs one round trip and no body, and a new version is there at once.
        return web.FileResponse(path, headers={"Content-Type": content_type, "Cache-Control": "no-cache"})

    async def with_slash(request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": request.path + "/"})

    app.router.add_get("/", start)
    app.router.add_get(f"/{{folder:{_FOLDERS}}}", with_slash)
    app.router.add_get(f"/{{folder:{_FOLDERS}}}/{{rest:.*}}", page)


class SecureHeaders:
    """Adds to every answer, as `on_response_prepare`: no third parties, no frames, no sniffing, no referrer."""

    def __init__(self, *, https: bool) -> None:
        self._https = https

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        host = host_of(request)
        # 'self' covers WebSockets in some browsers only.
        sockets = f" {'wss' if self._https else 'ws'}://{host}" if host else ""
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
            f"media-src 'self' blob: mediastream:; font-src 'self'; connect-src 'self'{sockets}; manifest-src 'self'; "
            "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if self._https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
