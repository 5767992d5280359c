"""Paths that several dialects have: told apart by a header that only the clients of one send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Scope


class RouteByHeader(Route):
    """A route for requests that carry one of these headers; others go on to the routes behind it."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Any]], headers: tuple[bytes, ...]) -> None:
        """``headers``: names in lower case."""
        super().__init__(path, endpoint)
        self._headers = headers

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if not any(name in self._headers for name, _ in scope.get("headers", ())):
            return Match.NONE, {}
        return super().matches(scope)
