"""Logs as JSON lines on standard error, each with its request id; and the line for every request. No key ever."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
from collections.abc import MutableMapping
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syrinx.core.ids import new_id

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""A caller's own ``x-request-id`` is taken over if it is plain enough for a header and a log."""
SECRETS = ("api_key", "xi_api_key", "token")
SECRET = re.compile(rf"((?:{'|'.join(SECRETS)})=)[^&\s\"']+", re.IGNORECASE)


def configure_logging(level: str) -> None:
    """Send our logs and those of the libraries to standard error as JSON. Once per process, by whoever runs it."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    renderers = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=renderers))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # uvicorn writes URLs, with the keys in them, at INFO, and whole frames at DEBUG.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a line per plugin and step
    logging.getLogger("uvicorn.error").addFilter(_is_unexpected)


def redact(text: str) -> str:
    """Replace the value of every key in a query string."""
    return SECRET.sub(r"\1***", text)


def redact_query(query: str) -> str:
    """Replace the value of every key in a request's own query string, however its name and its value are written."""
    parts = [part.partition("=") for part in query.split("&")]
    hidden = [
        f"{name}=***" if unquote_plus(name).lower() in SECRETS and value else name + sign + value
        for name, sign, value in parts
    ]
    return "&".join(hidden)


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and "=" in value:
            event[name] = redact(value)
    return event


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Drop what uvicorn reports as a fault and is none: a stream that we break off so that the client sees it is not
    whole, and a request that is canceled because the server ends."""
    canceled = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not canceled and record.msg != "ASGI callable returned without completing response."


class RequestLog:
    """Gives every request an id, in the answer's ``x-request-id`` and in every log line, and logs its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("syrinx.access")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.monotonic(), 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.accept"):
                MutableHeaders(scope=message)["x-request-id"] = request_id
                status = message.get("status", 101)
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_noted)
            finally:
                line = _about(scope, status, time.monotonic() - began)
                # Writing it takes 0.1 ms: first comes the speech that the request may have begun.
                asyncio.get_running_loop().call_soon(partial(self._log.info, "request", **line))


def _about(scope: Scope, status: int, took_s: float) -> dict[str, Any]:
    query = scope.get("query_string", b"").decode("latin-1")
    client = scope.get("client")
    return {
        "method": scope.get("method", "WEBSOCKET"),
        "path": scope["path"],
        "query": redact_query(query),
        "status": status,
        "client": client[0] if client else None,
        "took_ms": round(took_s * 1000, 1),
    }
