"""The app behind a real uvicorn on a real socket, in the test's own event loop, with a fake engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from syrinx.config import Settings
from syrinx.server.app import build_app
from syrinx.server.observe import Metrics
from syrinx.server.run import DrainingServer, bind, uvicorn_config
from tests.fakes.engine import FakeEngine

WAIT_S = 10.0
"""Longest wait for anything that happens at once on a machine that is not stuck."""


@dataclass(frozen=True, slots=True)
class Live:
    """A running server and a client of it."""

    engine: FakeEngine
    server: DrainingServer
    http: httpx.AsyncClient
    port: int
    metrics: Metrics

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def socket(self, path: str = "/v1/audio/speech/stream/ws", **options: Any) -> connect:
        """Connect a WebSocket client."""
        return connect(f"ws://{self.address}{path}", proxy=None, **options)


@asynccontextmanager
async def live(engine: FakeEngine | None = None, **settings: Any) -> AsyncIterator[Live]:
    """Run a server with these settings until the block ends."""
    engine = engine or FakeEngine()
    chosen = Settings(**settings)
    metrics = Metrics()
    app = build_app(chosen, engine.as_engine(), metrics)
    with bind("127.0.0.1", 0) as listener:
        server = DrainingServer(uvicorn_config(app, chosen), engine.as_engine(), drain_timeout_s=WAIT_S)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        port = listener.getsockname()[1]
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=WAIT_S) as http:
                yield Live(engine, server, http, port, metrics)
        finally:
            for session in engine.sessions:
                session.close()
            server.should_exit = True
            await running


async def until(condition: Any) -> None:
    """Wait until ``condition()`` holds; fail if it never does."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.002)


async def close_code(socket: ClientConnection) -> tuple[int | None, str | None]:
    """The code and reason that the server closes with."""
    async with asyncio.timeout(WAIT_S):
        await socket.wait_closed()
    return socket.close_code, socket.close_reason


async def hang_up(socket: ClientConnection) -> None:
    """Break the connection off without a word, and wait until the client's side is cleaned up."""
    socket.transport.abort()
    async with asyncio.timeout(WAIT_S):
        await socket.wait_closed()
