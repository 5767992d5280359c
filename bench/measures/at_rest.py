"""What a server costs that does nothing: memory with espeak ready, and the time until it is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import psutil

from bench.figure import Effort, Figure
from bench.harness import Server, ServerPlan, percentile

SETTLE_S = 2.0
RSS_REACH_MB = 150
READY_REACH_S = 2.0
BARE = (
    "import starlette.applications, uvicorn, sys; starlette.applications.Starlette(); "
    "print('up', flush=True); sys.stdin.read()"
)


async def measure(effort: Effort) -> list[Figure]:
    """Start it a few times; the median of the times, the largest of the sizes."""
    ready, rss, workers = [], [], []
    for _ in range(effort.pick(5, 1)):
        with Server(ServerPlan("espeak"), effort.folder) as server:
            await asyncio.sleep(SETTLE_S)
            ready.append(server.ready_s)
            rss.append(server.rss_mb())
            workers = server.worker_rss_mb()
    bare_s, bare_mb = _bare()
    ready_s = percentile(ready, 50)
    beside = ", ".join(f"{size:.0f}" for size in workers) or "none"
    return [
        Figure(
            what="server process at rest, espeak ready: resident memory",
            reach=f"<= {RSS_REACH_MB} MB",
            measured=f"{max(rss):.0f} MB (processes below it: {beside} MB)",
            yardstick=f"Python with starlette and uvicorn imported: {bare_mb:.0f} MB",
            ok=max(rss) <= RSS_REACH_MB,
        ),
        Figure(
            what="from the start of the process to ready",
            reach=f"<= {READY_REACH_S:.0f} s",
            measured=f"{ready_s:.2f} s (largest {max(ready):.2f} s)",
            yardstick=f"Python importing starlette and uvicorn: {bare_s:.2f} s",
            ok=ready_s <= READY_REACH_S,
        ),
    ]


def _bare() -> tuple[float, float]:
    """Seconds and megabytes of an interpreter that only imports the web framework."""
    began = time.perf_counter()
    with psutil.Popen([sys.executable, "-c", BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        taken = time.perf_counter() - began
        size = process.memory_info().rss / 1e6
        process.stdin.close()
        process.wait(10)
    return taken, size
