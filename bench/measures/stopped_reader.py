"""Readers that stop taking audio beside healthy ones: who notices, and what it costs in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from bench import load
from bench.figure import Effort, Figure
from bench.harness import SPEECH_PATH, Server, ServerPlan
from bench.http import HttpClient
from bench.measures.texts import PARAGRAPH
from bench.realtime import RealtimeClient

HEALTHY = 20
SPREAD_S = 3.0
SETTLE_S = 8.0
"""After the listeners came, until memory is taken as the base."""
SAMPLE_S = 0.25
START_WAIT_S = 10.0
GROWTH_REACH_MB = 5.0
OPTIONS = {"x_realtime": 50, "max_batch": 32}
LONG = PARAGRAPH * 60
"""Twenty minutes of speech: 60 MB of PCM that nobody takes."""


async def measure(effort: Effort) -> list[Figure]:
    """Watch memory with healthy listeners only, then beside a WebSocket and an HTTP reader that both stop."""
    stop_s = float(effort.pick(30, 8))
    seconds = SETTLE_S + 2 * stop_s + 4
    settings = {"max_utterance_words": 0}
    with Server(ServerPlan("tone", options=OPTIONS, settings=settings), effort.folder) as server:
        plan = load.LoadPlan(server.ws_url, HEALTHY, seconds, PARAGRAPH, SPREAD_S)
        running = asyncio.create_task(load.run(plan))
        await asyncio.sleep(SETTLE_S)
        base, without = _memory_mb(server), await _peak(server, stop_s)
        async with _stopped_socket(server), _stopped_body(server):
            peak = await _peak(server, stop_s)
        result = await running
    growth = max(0.0, peak - max(base, without))
    return [
        Figure(
            what=f"one WebSocket and one HTTP reader that stop for {stop_s:.0f} s beside {HEALTHY} healthy listeners",
            reach=f"the {HEALTHY} see 0 underruns; memory grows <= {GROWTH_REACH_MB:.0f} MB",
            measured=f"{result.underruns} underruns, {len(result.failures)} failures, memory +{growth:.1f} MB",
            yardstick=f"the {HEALTHY} alone for as long: memory +{max(0.0, without - base):.1f} MB",
            ok=result.clean and growth <= GROWTH_REACH_MB,
        )
    ]


def _memory_mb(server: Server) -> float:
    return server.rss_mb() + sum(server.worker_rss_mb())


async def _peak(server: Server, seconds: float) -> float:
    """The most memory of the server and the processes below it seen over ``seconds``."""
    loop = asyncio.get_running_loop()
    until, most = loop.time() + seconds, 0.0
    while loop.time() < until:
        most = max(most, _memory_mb(server))
        await asyncio.sleep(SAMPLE_S)
    return most


@contextlib.asynccontextmanager
async def _stopped_socket(server: Server) -> AsyncIterator[None]:
    """A WebSocket client that heard the first of its speech and hangs."""
    heard = asyncio.Event()
    client = await RealtimeClient.connect(server.ws_url, lambda event: heard.set() if event.delta else None)
    try:
        client.create("stopped", LONG)
        async with asyncio.timeout(START_WAIT_S):
            await heard.wait()
        client.pause_reading()
        yield
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def _stopped_body(server: Server) -> AsyncIterator[None]:
    """An HTTP client that took the first piece of its speech and hangs; its reader then pauses the socket."""
    async with HttpClient(server.port) as client:
        pieces = client.post(SPEECH_PATH, {"input": LONG, "response_format": "pcm"})
        await anext(pieces)
        yield
        await pieces.aclose()
