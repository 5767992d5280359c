"""First byte over ``POST /v1/audio/speech`` of what was made before: from memory, and from its file."""

from __future__ import annotations

import time
from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

from bench.figure import Effort, Figure
from bench.harness import SPEECH_PATH, Server, ServerPlan, ms, percentile
from bench.http import HttpClient
from bench.measures.bare_espeak import TEXTS
from bench.measures.first_byte import trivial_server

MEDIAN_REACH_S = 0.003
MANY = 60
"""Texts of two seconds each: three times what the cache has in memory, so that in turn each comes from its file."""
WARM_UP = 5
WAIT_S = 30.0


async def measure(effort: Effort) -> list[Figure]:
    """One kept-alive client, one request after the other; that all were hits is read from the server's metrics."""
    requests = effort.pick(300, 30)
    with Server(ServerPlan("espeak"), effort.folder) as server:
        _wait_until(server, "syrinx_cache_open", 1)
        memory_s = await _hits(server, TEXTS, requests)
        many = [f"Number {number}. {TEXTS[number % len(TEXTS)]}" for number in range(MANY)]
        disk_s = await _hits(server, many, requests)
    async with trivial_server() as port:
        trivial = percentile(await _first_bytes(port, TEXTS, requests), 50)
    return [
        _figure("memory", memory_s, trivial),
        _figure("its file", disk_s, trivial),
    ]


def _figure(where: str, times: list[float], trivial_s: float) -> Figure:
    median = percentile(times, 50)
    return Figure(
        what=f"first audio byte over POST {SPEECH_PATH} pcm of a cache hit from {where} ({len(times)} requests)",
        reach=f"median <= {ms(MEDIAN_REACH_S)}",
        measured=f"median {ms(median)}, p99 {ms(percentile(times, 99))}",
        yardstick=f"an empty uvicorn app, same client: {ms(trivial_s)}",
        ok=median <= MEDIAN_REACH_S,
    )


async def _hits(server: Server, texts: Sequence[str], requests: int) -> list[float]:
    """Have each text made once, then ask for them in turn. Raises ``RuntimeError`` where the model made one again."""
    entries = _read(server, "syrinx_cache_entries")
    made = _read(server, "syrinx_cache_misses")
    await _first_bytes(server.port, texts, len(texts), warm_up=0)
    made = _read(server, "syrinx_cache_misses") - made
    _wait_until(server, "syrinx_cache_entries", entries + made)
    misses = _read(server, "syrinx_cache_misses")
    times = await _first_bytes(server.port, texts, requests)
    if _read(server, "syrinx_cache_misses") != misses:
        raise RuntimeError("what should have come from the cache was made again")
    return times


async def _first_bytes(port: int, texts: Sequence[str], requests: int, warm_up: int = WARM_UP) -> list[float]:
    """Seconds from each request to the first piece of its body."""
    times: list[float] = []
    async with HttpClient(port) as client:
        for number in range(warm_up + requests):
            body = {"input": texts[number % len(texts)], "response_format": "pcm"}
            began, first_s = time.perf_counter(), 0.0
            async for _ in client.post(SPEECH_PATH, body):
                first_s = first_s or time.perf_counter() - began
            times.append(first_s)
    return times[warm_up:]


def _wait_until(server: Server, name: str, least: float) -> None:
    deadline = time.monotonic() + WAIT_S
    while _read(server, name) < least:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not come to {least}")
        time.sleep(0.05)


def _read(server: Server, name: str) -> float:
    """A counter's or gauge's value."""
    for family in text_string_to_metric_families(server.get("/metrics")[1]):
        if family.name == name:
            return family.samples[0].value
    raise LookupError(f"The server has no metric {name!r}.")
