"""Where a client reaches this server, by what it asked for: the ``ws_url`` of a job. Pure."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import Scope

_AUTHORITY = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,99}){1,10}/?")
_SECURE = ("https", "wss")
_SCHEMES = ("http", "ws", *_SECURE)


def socket_url(scope: Scope, path: str) -> str:
    """The address of a WebSocket of ours as this client can reach it: host and port as it named them itself, or as the
    proxy before us says it did (``X-Forwarded-Host``, ``-Proto``, ``-Prefix``); ``wss`` where it came by ``https``.

    What a header says is used only if it has the shape of such a thing; it reaches nobody but the client that sent it.
    """
    headers = Headers(scope=scope)
    authority = _forwarded(headers, "x-forwarded-host", _AUTHORITY) or _first(headers.get("host", ""), _AUTHORITY)
    said = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    scheme = said if said in _SCHEMES else scope.get("scheme", "http")
    prefix = _forwarded(headers, "x-forwarded-prefix", _PREFIX).rstrip("/")
    return f"{'wss' if scheme in _SECURE else 'ws'}://{authority or _bound_to(scope)}{prefix}{path}"


def _forwarded(headers: Headers, name: str, shape: re.Pattern[str]) -> str:
    return _first(headers.get(name, "").partition(",")[0].strip(), shape)


def _first(value: str, shape: re.Pattern[str]) -> str:
    return value if shape.fullmatch(value) else ""


def _bound_to(scope: Scope) -> str:
    """Of the connection itself, for the client of HTTP/1.0 that names no host."""
    host, port = scope.get("server") or ("127.0.0.1", None)
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
