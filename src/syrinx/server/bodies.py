"""Reading an HTTP body and parsing it where that does not hold up others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

INLINE_BYTES = 65_536
"""Longer bodies are parsed in a thread; one of this length takes about 0.1 ms."""

T = TypeVar("T")


async def parse_body(request: Request, parse: Callable[[bytes], T]) -> T:
    """Return ``parse(body)``; what it raises comes through."""
    body = await request.body()
    return await asyncio.to_thread(parse, body) if len(body) > INLINE_BYTES else parse(body)
