"""A Wyoming server in the test's own event loop, with a fake engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from wyoming.client import AsyncClient

from syrinx.config import Settings
from syrinx.server.observe import Metrics
from syrinx.server.run import bind
from syrinx.server.wyoming import wyoming_served
from tests.fakes.engine import FakeEngine
from tests.fakes.live import WAIT_S


@dataclass(frozen=True, slots=True)
class WyomingLive:
    """A running server and where it is."""

    engine: FakeEngine
    uri: str
    metrics: Metrics

    @property
    def port(self) -> int:
        return int(self.uri.rpartition(":")[2])

    def client(self) -> AsyncClient:
        """The package's own client, not connected yet."""
        return AsyncClient.from_uri(self.uri, connect_timeout=WAIT_S, read_timeout=WAIT_S)


@asynccontextmanager
async def wyoming_live(engine: FakeEngine | None = None, **settings: Any) -> AsyncIterator[WyomingLive]:
    """Serve on a free port with these settings until the block ends."""
    engine = engine or FakeEngine()
    metrics = Metrics()
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        async with wyoming_served(listener, Settings(**settings), engine.as_engine(), metrics):
            try:
                yield WyomingLive(engine, f"tcp://127.0.0.1:{port}", metrics)
            finally:
                for session in engine.sessions:
                    session.close()
