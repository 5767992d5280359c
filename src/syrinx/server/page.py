"""The files of the web page: known when the app is built, served with their types, revalidated at every load."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles

INDEX = "index.html"
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; worker-src 'self' blob:; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
"""Scripts from here only. ``no-cache``: kept, but asked for again (304) at every load, so that an update shows."""


def page_routes(folder: Path) -> list[BaseRoute]:
    """A route per file of ``folder``, and ``/`` for ``index.html``. No other path can name a file."""
    if not folder.is_dir():
        return []
    files = StaticFiles(directory=folder)
    names = sorted(str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file())
    routes: list[BaseRoute] = [Route(f"/{name}", _serve(files, name)) for name in names if not name.endswith(".py")]
    if INDEX in names:
        routes.append(Route("/", _serve(files, INDEX)))
    return routes


def _serve(files: StaticFiles, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve_file(request: Request) -> Response:
        response = await files.get_response(name, request.scope)
        response.headers.update(SECURITY_HEADERS)
        return response

    return serve_file
