"""The Python API: time to its first chunk, and how evenly chunks come from a model that is just fast enough."""

from __future__ import annotations

import asyncio
import itertools
import time

from bench.figure import Effort, Figure
from bench.harness import ms, percentile
from bench.measures.bare_espeak import TEXTS, bare_times
from syrinx import TTSConfig, TTSEngine

FIRST_REACH_S, JITTER_REACH_S = 0.5, 0.02
"""The founding module's own targets; it missed both, for it spoke the whole text before its first chunk."""
CHUNK_S = 0.08
WARM_UP = 3


async def measure(effort: Effort) -> list[Figure]:
    """One utterance after the other in this process."""
    return [await _first_chunk(effort), await _jitter(effort)]


async def _first_chunk(effort: Effort) -> Figure:
    count = effort.pick(300, 30)
    bare = bare_times(rounds=effort.pick(40, 10))
    times: list[float] = []
    async with TTSEngine(TTSConfig("espeak", data_dir=effort.folder)) as engine:
        for number in range(WARM_UP + count):
            stream = engine.synthesize_streaming(TEXTS[number % len(TEXTS)])
            began = time.perf_counter()
            await anext(stream)
            times.append(time.perf_counter() - began)
            await stream.aclose()
    times = times[WARM_UP:]
    return Figure(
        what=f"Python API, first chunk of 80 ms, espeak ({count} utterances)",
        reach=f"p99 < {ms(FIRST_REACH_S)}",
        measured=f"median {ms(percentile(times, 50))}, p99 {ms(percentile(times, 99))}",
        yardstick=f"bare library, first audible sample: {ms(percentile([b.audible_s for b in bare.values()], 50))}",
        ok=percentile(times, 99) < FIRST_REACH_S,
    )


async def _jitter(effort: Effort) -> Figure:
    count = effort.pick(500, 50)
    config = TTSConfig("tone", data_dir=effort.folder, model_options={"x_realtime": 1.0})
    async with TTSEngine(config) as engine:
        stream = engine.synthesize_streaming("{{long 3600}}")
        await anext(stream)
        came = [time.perf_counter()]
        while len(came) <= count:
            await anext(stream)
            came.append(time.perf_counter())
        await stream.aclose()
    timer = await _timer(count)
    jitter = _deviations(came)
    return Figure(
        what=f"Python API, jitter: deviation of a chunk from 80 ms after the last, model at real time ({count} chunks)",
        reach=f"p99 < {ms(JITTER_REACH_S)}",
        measured=f"median {ms(percentile(jitter, 50))}, p99 {ms(percentile(jitter, 99))}",
        yardstick=f"a timer of the event loop: median {ms(percentile(timer, 50))}, p99 {ms(percentile(timer, 99))}",
        ok=percentile(jitter, 99) < JITTER_REACH_S,
    )


async def _timer(count: int) -> list[float]:
    """The same for a bare timer of this event loop."""
    came = [time.perf_counter()]
    while len(came) <= count:
        await asyncio.sleep(came[0] + len(came) * CHUNK_S - time.perf_counter())
        came.append(time.perf_counter())
    return _deviations(came)


def _deviations(came: list[float]) -> list[float]:
    return [abs(after - before - CHUNK_S) for before, after in itertools.pairwise(came)]
