"""Waiting for what a client says first, where that tells which dialect it speaks."""

from __future__ import annotations

import asyncio

from starlette.types import Message
from starlette.websockets import WebSocket

from syrinx.server.websocket import EventSession


async def first_message(websocket: WebSocket, session: EventSession) -> Message | None:
    """The first ASGI message (it may be the client leaving); None when ``session`` is over before it comes."""
    receiving = asyncio.create_task(websocket.receive(), name="first message")
    try:
        while not receiving.done() and not session.over:
            session.wake.clear()
            waking = asyncio.create_task(session.wake.wait())
            await asyncio.wait({receiving, waking}, return_when=asyncio.FIRST_COMPLETED)
            waking.cancel()
        return receiving.result() if receiving.done() else None
    finally:
        receiving.cancel()
