"""What still comes after a cancel was acknowledged, and how soon the model is idle."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bench.figure import Effort, Figure
from bench.harness import Server, ServerPlan, ms
from bench.measures.texts import PARAGRAPH
from bench.metrics import Histogram, read_histogram
from bench.realtime import Event, RealtimeClient

CHUNK_MS, SPEED = 90, 2
STEP_S = CHUNK_MS / 1000 / SPEED
FRAMES_BEFORE = 3
"""Audio messages heard before the listener speaks up."""
LISTEN_ON_S = 0.3
"""How long the client waits for stragglers: many steps."""
WAIT_S = 10.0
METRIC = "cancel_to_idle"
SLACK_S = 0.005
"""Waking up of two processes and the way between them; with the step it comes to a bucket edge (50 ms)."""


@dataclass(slots=True)
class _Watch:
    """What came for one response."""

    enough: asyncio.Event = field(default_factory=asyncio.Event)
    canceled: asyncio.Event = field(default_factory=asyncio.Event)
    frames: int = 0
    late_frames: int = 0

    def on_event(self, event: Event) -> None:
        if event.type == "response.output_audio.delta":
            self.frames += 1
            self.late_frames += self.canceled.is_set()
            if self.frames >= FRAMES_BEFORE:
                self.enough.set()
        elif event.type == "response.canceled":
            self.canceled.set()


async def measure(effort: Effort) -> list[Figure]:
    """Speak, cancel in the middle, keep listening; then ask the server how long its model went on."""
    cancels = effort.pick(40, 8)
    options = {"x_realtime": SPEED, "chunk_ms": CHUNK_MS, "max_batch": 1}
    with Server(ServerPlan("tone", options=options), effort.folder) as server:
        late = 0
        for number in range(cancels):
            late += await _cancel_once(server.ws_url, f"turn-{number}")
        idle = read_histogram(server.get("/metrics")[1], METRIC)
    return [_frames(cancels, late), _idle(cancels, idle)]


async def _cancel_once(url: str, name: str) -> int:
    """Return how many frames came after the acknowledgement."""
    watch = _Watch()
    client = await RealtimeClient.connect(url, watch.on_event)
    try:
        client.create(name, PARAGRAPH)
        async with asyncio.timeout(WAIT_S):
            await watch.enough.wait()
            client.cancel(name)
            await watch.canceled.wait()
        await asyncio.sleep(LISTEN_ON_S)
    finally:
        await client.close()
    return watch.late_frames


def _frames(cancels: int, late: int) -> Figure:
    return Figure(
        what=f"audio frames after a cancel was acknowledged ({cancels} cancels)",
        reach="0",
        measured=str(late),
        yardstick=f"without a cancel {LISTEN_ON_S * SPEED:.1f} s of audio would have come",
        ok=late == 0,
    )


def _idle(cancels: int, idle: Histogram) -> Figure:
    bound_s = STEP_S + SLACK_S
    return Figure(
        what="model idle after a cancel",
        reach=f"within one step ({ms(STEP_S)}) and {ms(SLACK_S)} for the way",
        measured=f"mean {ms(idle.mean)}, all within {ms(idle.bound)} (bucket), {idle.count} seen",
        yardstick=f"a cancel sent as a frame comes finds the next step just begun: {ms(STEP_S)}",
        ok=idle.count == cancels and idle.share_within(bound_s) == 1.0,
    )
