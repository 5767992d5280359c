"""Ten minutes of every kind of client at once: does memory stay, does anything hang, is anything answered with 500?"""

from __future__ import annotations

import asyncio
import json
import secrets
import statistics
import sys

from bench.figure import Effort, Figure
from bench.harness import Server, ServerPlan
from bench.soak.run import soak

VISITORS = 12
SAMPLE_S = 1.0
WINDOW = 20
"""Samples whose median is a point of the memory curve."""
GROWTH_REACH_MB = 10.0
SETTINGS = {"max_concurrent_jobs": 64, "response_cache_bytes": 4_000_000, "history_bytes": 4_000_000, "history_s": 20}
"""Small bounds, so that what they bound is full within the first minute."""


async def measure(effort: Effort) -> list[Figure]:
    """One run at a fresh seed, which is printed."""
    seconds, settle_s = effort.pick(600, 40), effort.pick(60, 15)
    seed = secrets.randbelow(2**32)
    print(f"soak: seed {seed}", file=sys.stderr, flush=True)
    plan = ServerPlan("espeak", settings=SETTINGS, also=("tone",))
    with Server(plan, effort.folder) as server:
        curve: list[float] = []
        watching = asyncio.create_task(_watch(server, curve))
        result = await soak(f"127.0.0.1:{server.port}", VISITORS, seconds, seed)
        watching.cancel()
    settled = curve[int(settle_s / SAMPLE_S) :]
    window = min(WINDOW, max(1, len(settled) // 2))
    base, end = statistics.median(settled[:window]), statistics.median(settled[-window:])
    seen = {"answers": result.statuses, "500": result.failed, "hangs": result.hangs, "broken": result.broken}
    print(f"soak: {result.visits} visits, {json.dumps(seen)}", file=sys.stderr)
    return [
        Figure(
            what=f"{seconds:.0f} s of {VISITORS} mixed clients, cancels, drops and bad input (seed {seed})",
            reach=f"memory grows <= {GROWTH_REACH_MB:.0f} MB after the first minute, 0 hangs, 0 answers of 500",
            measured=f"memory {end - base:+.1f} MB, {len(result.hangs)} hangs, {result.failures} answers of 500, "
            f"{result.visits} visits",
            yardstick=f"memory after the first {settle_s:.0f} s: {base:.0f} MB",
            ok=end - base <= GROWTH_REACH_MB and not result.hangs and not result.failures,
        )
    ]


async def _watch(server: Server, curve: list[float]) -> None:
    while True:
        curve.append(await asyncio.to_thread(lambda: server.rss_mb() + sum(server.worker_rss_mb())))
        await asyncio.sleep(SAMPLE_S)
