"""First audio byte over ``POST /v1/audio/speech``, beyond what espeak itself needs."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator

from bench.echo import connect
from bench.figure import Effort, Figure
from bench.harness import HOST, SPEECH_PATH, Server, ServerPlan, free_port, ms, percentile
from bench.http import HttpClient
from bench.measures.bare_espeak import TEXTS, bare_times

WARM_UP = 5
MEDIAN_REACH_S = 0.005


async def measure(effort: Effort) -> list[Figure]:
    """One kept-alive client, one request after the other, each text's bare time taken off."""
    requests = effort.pick(300, 30)
    with Server(ServerPlan("espeak", settings={"response_cache": "off"}), effort.folder) as server:
        bare = bare_times(rounds=effort.pick(40, 10))
        whole = await _first_bytes(server.port, requests)
    async with trivial_server() as port:
        trivial = await _first_bytes(port, requests)
    beyond = [took - bare[TEXTS[number % len(TEXTS)]].first_s for number, took in enumerate(whole)]
    median = percentile(beyond, 50)
    return [
        Figure(
            what=f"first audio byte over POST {SPEECH_PATH} pcm, espeak, beyond the bare library ({requests} requests)",
            reach=f"median <= {ms(MEDIAN_REACH_S)}",
            measured=f"median {ms(median)}, p99 {ms(percentile(beyond, 99))} (whole: {ms(percentile(whole, 50))})",
            yardstick=f"bare library {ms(percentile([b.first_s for b in bare.values()], 50))}; "
            f"an empty uvicorn app, same client: {ms(percentile(trivial, 50))}",
            ok=median <= MEDIAN_REACH_S,
        )
    ]


async def _first_bytes(port: int, requests: int) -> list[float]:
    """Seconds from each request to the first piece of its body."""
    times = []
    async with HttpClient(port) as client:
        for number in range(WARM_UP + requests):
            body = {"input": TEXTS[(number - WARM_UP) % len(TEXTS)], "response_format": "pcm"}
            began, first_s = time.perf_counter(), 0.0
            async for _ in client.post(SPEECH_PATH, body):
                first_s = first_s or time.perf_counter() - began
            times.append(first_s)
    return times[WARM_UP:]


@contextlib.asynccontextmanager
async def trivial_server() -> AsyncIterator[int]:
    """The empty app on uvicorn in a process of its own. Yields its port."""
    port = free_port()
    options = ("--host", HOST, "--port", str(port), "--no-access-log", "--log-level", "error", "--lifespan", "off")
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "uvicorn", "bench.empty_app:app", *options)
    try:
        _, writer = await connect(port)
        writer.close()
        yield port
    finally:
        process.terminate()
        await process.wait()
