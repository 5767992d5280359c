"""Many WebSocket listeners in real time against one server process."""

from __future__ import annotations

import asyncio
import time

from bench import load
from bench.figure import Effort, Figure
from bench.harness import Server, ServerPlan, ms, percentile
from bench.measures.texts import PARAGRAPH

CLIENTS = 200
FRAME_S = 0.04
SPREAD_S = 10.0
"""The listeners come over this time, 20 a second."""
OPTIONS = {"x_realtime": 4, "chunk_ms": 40, "max_batch": CLIENTS}
"""One step of 10 ms advances everybody by one frame: the model itself is never the limit."""
SETTINGS = {
    "ws_flush_every": 1,  # every frame is a message of its own
    "ws_max_latency_ms": 0,
    "max_lead_s": 1.0,  # so that frames come in real time and not in bursts of many seconds
    "stream_chunk_seconds": FRAME_S,
}
CORES = 1.0


async def measure(effort: Effort) -> list[Figure]:
    """All listen at once; the processor time is taken while all of them are there."""
    seconds = float(effort.pick(60, 25))
    with Server(ServerPlan("tone", options=OPTIONS, settings=SETTINGS), effort.folder) as server:
        plan = load.LoadPlan(server.ws_url, CLIENTS, seconds, PARAGRAPH, SPREAD_S)
        running = asyncio.create_task(load.run(plan))
        await asyncio.sleep(SPREAD_S + 5)
        cores = await _cores(server, seconds - SPREAD_S - 8)
        result = await running
        rss = server.rss_mb()
    sent = "no audio" if not result.frames else f"{result.audio_s / result.frames * 1000:.0f} ms a frame"
    return [
        Figure(
            what=f"{CLIENTS} WebSocket clients in real time, one server process",
            reach=f"0 underruns on {CORES:.0f} core",
            measured=f"{result.underruns} underruns, {len(result.failures)} failures, {100 * cores:.0f} % of one core, "
            f"{sent}, TTFA p99 {ms(percentile(result.ttfa_s or [0.0], 99))}, {rss:.0f} MB",
            yardstick=f"{result.audio_s:.0f} s of audio in {seconds:.0f} s; "
            f"{CLIENTS / FRAME_S:.0f} messages a second asked of the server",
            ok=result.clean and cores <= CORES,
        )
    ]


async def _cores(server: Server, seconds: float) -> float:
    """Processor seconds per second that the server process takes over the next ``seconds``."""
    began, before_s = time.perf_counter(), server.cpu_s()
    await asyncio.sleep(seconds)
    return (server.cpu_s() - before_s) / (time.perf_counter() - began)
