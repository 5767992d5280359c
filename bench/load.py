"""Many listeners in a process of their own: each asks for speech, plays it in real time, and counts when it ran dry.

``python -m bench.load '<LoadPlan as JSON>'`` prints a ``LoadResult`` as JSON; ``run`` does that from a measure.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field

import msgspec

from bench.harness import RATE
from bench.playhead import PlayHead
from bench.realtime import Event, RealtimeClient

GRACE_S = 30.0
"""For connecting and reporting, beyond the planned time."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What the listeners do. Each starts at its own moment in the first ``spread_s``, then speaks without pause."""

    url: str
    clients: int
    seconds: float
    """From the first start to the end; utterances then running are cut off."""
    text: str
    spread_s: float
    jitter_s: float = 0.06
    """What a listener keeps in hand before it starts to play: three packets of 20 ms, usual in telephony."""


@dataclass(slots=True)
class LoadResult:
    """What all listeners together saw."""

    clients: int = 0
    utterances: int = 0
    """Completed."""
    frames: int = 0
    audio_s: float = 0.0
    underruns: int = 0
    dry_s: float = 0.0
    failures: list[str] = field(default_factory=list)
    """Codes of refused or broken utterances, ``closed`` for lost connections, ``silent`` for no audio at all."""
    ttfa_s: list[float] = field(default_factory=list)
    """From each request to its first audio."""

    @property
    def clean(self) -> bool:
        """Everybody heard everything without a gap."""
        return not self.underruns and not self.failures and len(self.ttfa_s) >= self.clients


class _Listener:
    """One client: asks, listens, asks again when the last sample was played."""

    def __init__(self, name: str, plan: LoadPlan, result: LoadResult) -> None:
        self._name = name
        self._plan = plan
        self._result = result
        self._loop = asyncio.get_running_loop()
        self._turn = 0
        self._asked_at = 0.0
        self._head: PlayHead | None = None
        self._next: asyncio.TimerHandle | None = None
        self._over = False

    async def start(self, after_s: float) -> None:
        self._client = await RealtimeClient.connect(self._plan.url, self._on_event, self._on_closed)
        self._next = self._loop.call_later(after_s, self._ask)

    async def stop(self) -> None:
        self._over = True
        if self._next is not None:
            self._next.cancel()
        if self._head is not None:
            self._head.check(time.monotonic())
            self._settle(self._head)
        await self._client.close()

    def _ask(self) -> None:
        self._turn += 1
        self._asked_at = time.monotonic()
        self._head = PlayHead(self._plan.jitter_s)
        self._client.create(f"{self._name}-{self._turn}", self._plan.text)

    def _on_event(self, event: Event) -> None:
        if self._over or self._head is None:
            return
        if event.type == "response.output_audio.delta":
            now = time.monotonic()
            if self._head.begins_at is None:
                self._result.ttfa_s.append(now - self._asked_at)
            self._head.receive(now, event.samples / RATE)
            self._result.frames += 1
        elif event.type == "response.completed":
            self._completed(self._head)
        elif event.type == "response.error":
            self._result.failures.append(event.code)
            self._head = None

    def _completed(self, head: PlayHead) -> None:
        self._settle(head)
        self._result.utterances += 1
        self._head = None
        if head.begins_at is None:
            self._result.failures.append("silent")
            return
        self._next = self._loop.call_later(max(0.0, head.ends_at - time.monotonic()), self._ask)

    def _settle(self, head: PlayHead) -> None:
        self._result.audio_s += head.received_s
        self._result.underruns += head.underruns
        self._result.dry_s += head.dry_s

    def _on_closed(self) -> None:
        if not self._over:
            self._result.failures.append("closed")


async def _listen(plan: LoadPlan) -> LoadResult:
    result = LoadResult(clients=plan.clients)
    listeners = [_Listener(f"load-{number}", plan, result) for number in range(plan.clients)]
    for number, listener in enumerate(listeners):
        await listener.start(after_s=0.5 + plan.spread_s * number / plan.clients)
    await asyncio.sleep(plan.seconds)
    for listener in listeners:
        await listener.stop()
    return result


async def run(plan: LoadPlan) -> LoadResult:
    """Run the plan in a process of its own. Raises ``RuntimeError`` with its words if that process fails."""
    argument = msgspec.json.encode(plan).decode()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", argument, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(plan.seconds + GRACE_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"The load process failed:\n{err.decode(errors='replace')[-2000:]}")
    return msgspec.json.decode(out, type=LoadResult)


def main() -> None:
    import uvloop

    plan = msgspec.json.decode(sys.argv[1].encode(), type=LoadPlan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_listen(plan))))


if __name__ == "__main__":
    main()
