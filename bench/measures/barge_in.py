"""Voice-agent frameworks, unmodified, are interrupted: what is still heard of the old answer, and when the model stops.

The programs are those of ``tests/clients``; they run in ``.frameworks``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.figure import Effort, Figure
from bench.harness import Server, ServerPlan, ms
from bench.metrics import Histogram, read_histogram

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".frameworks" / "bin" / "python"
PROGRAMS = {
    "Pipecat ElevenLabs": ("pipecat_elevenlabs.py", "ws://{host}", "sine"),
    "Pipecat OpenAI": ("pipecat_http.py", "openai", "http://{host}", "alloy"),
    "Pipecat Piper": ("pipecat_http.py", "piper", "http://{host}", "sine"),
    "Pipecat Cartesia": ("pipecat_cartesia.py", "ws://{host}"),
    "Pipecat Deepgram": ("pipecat_deepgram.py", "socket", "ws://{host}", "sine"),
    "LiveKit ElevenLabs": ("livekit_elevenlabs.py", "http://{host}", "sine"),
    "LiveKit OpenAI": ("livekit_openai.py", "http://{host}", "sine"),
    "LiveKit Cartesia": ("livekit_cartesia.py", "http://{host}"),
    "LiveKit Deepgram": ("livekit_deepgram.py", "ws://{host}", "http://{host}", "sine"),
}
"""By what is shown: the script and what it is called with. Each interrupts an endless answer once or twice."""
ANSWER_S = len("Still here.") * 0.065
"""Of the answer that each speaks after an interruption, as ``tone`` does."""
CONTAINER_S = 0.1
"""What a compressed container may add to that: a codec's own delay at both ends."""
RUN_S = 300.0


async def measure(effort: Effort) -> list[Figure]:
    """Each is interrupted in the middle of endless answers, and speaks again after each."""
    rounds = effort.pick(5, 1)
    if not PYTHON.exists():
        raise RuntimeError("the frameworks are not installed: make .frameworks/.installed")
    with Server(ServerPlan("tone"), effort.folder) as server:
        stale: dict[str, list[int]] = {name: [] for name in PROGRAMS}
        for _ in range(rounds):
            for name in PROGRAMS:
                stale[name] += await _stale(name, server.port)
        idle = read_histogram(server.get("/metrics")[1], "cancel_to_idle")
    return [_figure(stale, idle)]


def _figure(stale: Mapping[str, list[int]], idle: Histogram) -> Figure:
    asked, heard = sum(map(len, stale.values())), sum(map(sum, stale.values()))
    shown = ", ".join(f"{name} {sum(found)} in {len(found)}" for name, found in stale.items())
    return Figure(
        what=f"stale audio frames after a barge-in through each framework ({asked} interruptions of endless answers)",
        reach="0",
        measured=f"{heard} ({shown})",
        yardstick=f"the model was idle after {ms(idle.mean)} on average, {ms(idle.bound)} at most (bucket), "
        f"{idle.count} cancels seen",
        ok=heard == 0 and idle.count >= asked,
    )


async def _stale(name: str, port: int) -> list[int]:
    """Run one program; stale frames after each interruption. Raises ``RuntimeError`` with its words if it fails."""
    script, *words = PROGRAMS[name]
    arguments = [word.format(host=f"127.0.0.1:{port}") for word in words]
    process = await asyncio.create_subprocess_exec(
        PYTHON,
        ROOT / "tests" / "clients" / script,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(RUN_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"{name} failed: {err.decode(errors='replace').strip()[-1000:]}")
    return [stale_frames(told) for told in interruptions(json.loads(out.splitlines()[-1]))]


def interruptions(seen: Any) -> Iterator[dict[str, float]]:
    """What a program tells of each, however deep it stands."""
    if isinstance(seen, dict):
        yield from seen.get("interrupted", [])
        for key, value in seen.items():
            if key != "interrupted":
                yield from interruptions(value)


def stale_frames(told: Mapping[str, float]) -> int:
    """Of the old answer. LiveKit does not say whose a frame is: 1 where more came than the new answer is long."""
    if "stale" in told:
        return int(told["stale"])
    return int(told["fresh_s"] > ANSWER_S + CONTAINER_S)
