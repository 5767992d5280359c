"""How many listeners a model of known speed can keep without a gap, while a book is read with what is left."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bench import load
from bench.figure import Effort, Figure
from bench.harness import RATE, SPEECH_PATH, Server, ServerPlan
from bench.http import HttpClient
from bench.measures.texts import PARAGRAPH

SPEEDS = (10, 40)
"""Seconds of audio the whole model makes per second."""
REACH = 0.9
ALONE_S = 4.0
"""How long the book is read alone, to see what the model gives."""
SPREAD_S = 4.0
"""Listeners come one after the other over this time: all at one instant is a stampede, not a load."""
T = TypeVar("T")
BULK = {"input": PARAGRAPH * 40, "response_format": "pcm", "service_class": "bulk"}


@dataclass(slots=True)
class Reader:
    """A bulk client: takes one book after the other as fast as it comes."""

    audio_s: float = 0.0

    async def read(self, port: int) -> None:
        async with HttpClient(port) as client:
            while True:
                async for piece in client.post(SPEECH_PATH, BULK):
                    self.audio_s += len(piece) / 2 / RATE


@dataclass(frozen=True, slots=True)
class Trial:
    """One number of listeners, tried."""

    clients: int
    result: load.LoadResult
    bulk_x: float
    """Seconds of the book that came per second."""


async def measure(effort: Effort) -> list[Figure]:
    """For each speed, the most listeners without one underrun."""
    speeds = SPEEDS[:1] if effort.quick else SPEEDS
    return [await _at_speed(effort, speed) for speed in speeds]


async def _at_speed(effort: Effort, speed: int) -> Figure:
    plan = ServerPlan("tone", options={"x_realtime": speed, "max_batch": 1})
    seconds = float(effort.pick(30, 12))
    with Server(plan, effort.folder) as server:
        alone_x = (await _with_book(server, asyncio.sleep(ALONE_S)))[1] / ALONE_S

        async def probe(clients: int) -> Trial:
            asked = load.LoadPlan(server.ws_url, clients, seconds, PARAGRAPH, SPREAD_S)
            result, book_s = await _with_book(server, load.run(asked))
            return Trial(clients, result, book_s / seconds)

        best = await largest(speed, math.ceil(REACH * speed), probe)
    ratio = 0.0 if best is None else best.clients / speed
    return Figure(
        what=f"gapless listeners on tone at {speed}x real time beside one bulk job, over the ideal {speed}",
        reach=f">= {REACH}",
        measured="none" if best is None else f"{ratio:.2f} ({best.clients} listeners, the book at {best.bulk_x:.2f}x)",
        yardstick=f"ideal {speed}; the bulk job alone {alone_x:.1f}x",
        ok=ratio >= REACH,
    )


async def _with_book(server: Server, work: Awaitable[T]) -> tuple[T, float]:
    """Do the work while a book is read; also return the seconds of audio that the book got in that time."""
    reader = Reader()
    reading = asyncio.create_task(reader.read(server.port))
    try:
        outcome = await work
        if reading.done():
            reading.result()  # raises what went wrong
        return outcome, reader.audio_s
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        with contextlib.suppress(asyncio.CancelledError):
            reading.exception()


async def largest(ideal: int, first: int, probe: Callable[[int], Awaitable[Trial]]) -> Trial | None:
    """Search 1 to ``ideal`` for the most listeners whose trial is clean, starting at ``first``; None: not even one.

    Halving: takes it that fewer listeners are never harder to serve.
    """
    best: Trial | None = None
    low, high, clients = 0, ideal, first
    while low < high:
        trial = await probe(clients)
        if trial.result.clean:
            best, low = trial, clients
        else:
            high = clients - 1
        clients = (low + high + 1) // 2
    return best
