"""The least that any ASGI server does: take a request, answer a few bytes. A yardstick, run by uvicorn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

FRAME = b"\0" * 1920
"""40 ms of 16-bit audio at 24 kHz, as our own first frame."""

Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer any request with one frame of silence."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1920")]})
    await send({"type": "http.response.body", "body": FRAME})
