"""What can be seen of a server from outside: its metrics, its logs, its processes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

POLL_S = 0.02


def metric(server: ServerProcess, name: str, **labels: str) -> float:
    """The sum of all samples of that name that have these labels; 0 where there is none."""
    text = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=WAIT_S).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def running(server: ServerProcess) -> float:
    """Jobs that models work on; a canceled one counts until its worker has said that it stopped."""
    return metric(server, "syrinx_running_jobs")


def ended(server: ServerProcess, outcome: str) -> float:
    """Utterances that ended so."""
    return metric(server, "syrinx_utterances_total", outcome=outcome)


async def until(condition: Callable[[], Any], what: str, wait_s: float = WAIT_S) -> Any:
    """Wait until ``condition()`` is true and return what it gave; fail if it never is."""
    deadline = time.monotonic() + wait_s
    while True:
        found = await asyncio.to_thread(condition)
        if found:
            return found
        assert time.monotonic() < deadline, f"it never came: {what}"
        await asyncio.sleep(POLL_S)


async def idle(server: ServerProcess) -> None:
    """Wait until no model works on anything."""
    await until(lambda: running(server) == 0, "an idle model")


def metrics_log(server: ServerProcess) -> list[dict[str, Any]]:
    """The lines of ``logs/metrics.log``."""
    path = server.data_dir / "logs" / "metrics.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def log_events(server: ServerProcess, event: str) -> list[dict[str, Any]]:
    """The lines of the server's own log about one kind of event."""
    lines = server.log_path.read_text(errors="replace").splitlines()
    parsed = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in parsed if line.get("event") == event]


def workers(server: ServerProcess) -> list[psutil.Process]:
    """The processes that the server started."""
    return psutil.Process(server.pid).children(recursive=True)


def health(server: ServerProcess) -> dict[str, Any]:
    """``/health`` as it answers, whatever the status."""
    return httpx.get(f"{server.url}/health", trust_env=False, timeout=WAIT_S).json()
