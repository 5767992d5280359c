"""Stands between a client and the server on a WebSocket and keeps what both said, in the order in which it passed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

PASSED_ON = ("authorization", "xi-api-key", "x-api-key")
"""Headers of the client that the server gets."""


@dataclass(slots=True)
class Passed:
    """One message."""

    by_server: bool
    message: Any
    """Bytes as they are, JSON parsed."""

    @property
    def kind(self) -> str:
        """``audio``, or the ``type`` of the message."""
        return "audio" if isinstance(self.message, bytes) else str(self.message.get("type"))


@dataclass(slots=True)
class Relay:
    """Runs in a thread of its own. ``connections``: what passed, one list for each."""

    url: str
    connections: list[list[Passed]] = field(default_factory=list)


@contextmanager
def relay(server_ws_url: str) -> Iterator[Relay]:
    """A relay to a server, at ``Relay.url``, for the length of the block."""
    loop, made = asyncio.new_event_loop(), Relay("")
    stopping, ready = asyncio.Event(), threading.Event()

    async def run() -> None:
        async with serve(
            lambda client: _between(client, server_ws_url, made), "127.0.0.1", 0, max_size=None
        ) as running:
            made.url = f"ws://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}"
            ready.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert ready.wait(20), "the relay did not start"
        yield made
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
        loop.close()


async def _between(client: ServerConnection, server_ws_url: str, made: Relay) -> None:
    request = client.request
    assert request is not None
    passed: list[Passed] = []
    made.connections.append(passed)
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    async with connect(server_ws_url + request.path, additional_headers=headers, proxy=None, max_size=None) as server:
        one = asyncio.create_task(_pass_on(client, server, passed, by_server=False))
        other = asyncio.create_task(_pass_on(server, client, passed, by_server=True))
        await asyncio.wait({one, other}, return_when=asyncio.FIRST_COMPLETED)
        for task in (one, other):
            task.cancel()
        await asyncio.gather(one, other, return_exceptions=True)


async def _pass_on(source: Any, target: Any, passed: list[Passed], *, by_server: bool) -> None:
    with suppress(ConnectionClosed):
        async for message in source:
            passed.append(Passed(by_server, message if isinstance(message, bytes) else json.loads(message)))
            await target.send(message)
