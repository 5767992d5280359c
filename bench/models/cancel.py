"""From a client's cancel to an idle worker, beside the steps of the same model: a cancel may cost one of them.

Every model's bench that starts a server can use it (``steps`` is for those that run where the model is). A listener
leaves in mid-sentence by closing its connection.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figure import Figure
from bench.harness import SPEECH_PATH, Server, ms
from bench.http import HttpClient
from bench.metrics import read_histogram

METRIC = "cancel_to_idle"
WAIT_S = 60.0
"""Longest wait for a model to be idle."""
POLL_S = 0.002
SLACK_S = 0.005
"""Waking up of two processes and the way between them (as in ``bench.measures.cancel``)."""
SPREAD_S = 0.17
"""How much longer each listener listens than the one before, so that they leave at other places in a step."""
ROOT = Path(__file__).parents[2]

STEPS = """
import json, sys
from bench.models.steps import speak
from syrinx.core.types import SynthesisJob
from syrinx.models.registry import create
asked = json.loads(sys.argv[1])
backend = create(asked["model"], asked["options"])
backend.load()
job = SynthesisJob("a", asked["text"], asked["voice"], asked["language"], seed=1, segment_index=9)
speak(backend.stepped(), job)  # the first time is not counted
print(json.dumps(speak(backend.stepped(), job)))
"""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said, and by whom."""

    model: str
    text: str
    """Longer to say than the listeners stay."""
    voice: str
    language: str = "en-US"


@dataclass(frozen=True, slots=True)
class Left:
    """What a listener's leaving came to, in seconds."""

    to_idle_s: float
    """From when the server saw it until its model was idle, as the server measures it."""
    as_seen_s: float
    """From when the client closed its connection until the server told that; polled."""


def measure(server: Server, spoken: Spoken, cancels: int) -> list[Left]:
    """Listen and leave, ``cancels`` times one after the other."""
    return [asyncio.run(_leave(server, spoken, n * SPREAD_S)) for n in range(cancels)]


async def _leave(server: Server, spoken: Spoken, stay_s: float) -> Left:
    before = _idle(server)
    body = {"model": spoken.model, "input": spoken.text, "voice": spoken.voice, "response_format": "pcm"}
    async with HttpClient(server.port) as client:
        async for _ in client.post(SPEECH_PATH, {**body, "cache": False}):
            break
        await asyncio.sleep(stay_s)
        left_at = time.perf_counter()
    until = left_at + WAIT_S
    while (now := _idle(server))[0] == before[0]:
        if time.perf_counter() > until:
            raise RuntimeError(f"The model was not idle {WAIT_S:.0f} s after its listener had left.")
        await asyncio.sleep(POLL_S)
    return Left(now[1] - before[1], time.perf_counter() - left_at)


def _idle(server: Server) -> tuple[int, float]:
    """How many cancels there were, and seconds to idle in all."""
    try:
        seen = read_histogram(server.get("/metrics")[1], METRIC)
    except LookupError:
        return 0, 0.0
    return seen.count, seen.total


def steps_of(python: Path, spoken: Spoken, options: Mapping[str, Any]) -> list[float]:
    """Seconds of each step for two sentences as they come late in an utterance, in the model's environment as a worker
    has it (``workers.launch``)."""
    asked = {"options": dict(options), **{name: getattr(spoken, name) for name in ("model", "voice", "language")}}
    asked["text"] = ". ".join(spoken.text.split(". ")[:2]) + "."
    environ = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "HF_HUB_OFFLINE": "1"}
    environ["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    command = [str(python), "-W", "ignore", "-c", STEPS, json.dumps(asked)]
    done = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def figure(name: str, left: Sequence[Left], steps: Sequence[float]) -> Figure:
    """The row of the table: the worst of the cancels against the longest of the steps."""
    idle, longest = [each.to_idle_s for each in left], max(steps)
    seen = max(each.as_seen_s for each in left)
    return Figure(
        f"{name}: cancel to idle worker ({len(left)} cancels)",
        f"<= one step and {ms(SLACK_S)} for the way",
        f"median {ms(statistics.median(idle))}, worst {ms(max(idle))}, from the client's leaving {ms(seen)}",
        f"steps: median {ms(statistics.median(steps))}, longest {ms(longest)}",
        ok=max(idle) <= longest + SLACK_S,
    )
