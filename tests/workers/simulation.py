"""A worker, its wire and its listeners on a fake clock: the real step loop over a backend that only costs time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from syrinx.core.clock import FakeClock
from syrinx.core.types import AudioChunk, ServiceClass, SynthesisJob
from syrinx.models.base import Backend, ModelInfo, SteppedBackend, StepResult, VoiceInfo
from syrinx.workers.host import JobTerms
from syrinx.workers.loop import LoopPolicy, StepLoop
from syrinx.workers.messages import Output, Submit

RATE = 1000
CHUNK_S = 0.1


@dataclass
class NoRecorder:
    notes: list[tuple[str, ...]] = field(default_factory=list)

    def begin(self, job_ids: Sequence[str]) -> None:
        self.notes.append(tuple(job_ids))

    def end(self) -> None:
        return None


class CostlyBackend(Backend, SteppedBackend):
    """Never-ending jobs of ``CHUNK_S`` chunks; each row of a step takes ``CHUNK_S / x_realtime`` of the fake clock."""

    def __init__(self, clock: FakeClock, x_realtime: float, max_batch: int = 1) -> None:
        self.clock, self.cost_s, self.max_batch = clock, CHUNK_S / x_realtime, max_batch

    def load(self) -> ModelInfo:
        voices = (VoiceInfo("v", "V", ("en",)),)
        return ModelInfo("costly", "Costly", RATE, voices, "v", "Apache-2.0", max_batch=self.max_batch)

    def stepped(self) -> SteppedBackend:
        return self

    def expected_s(self, job: SynthesisJob) -> float | None:
        return 1e6

    def open(self, job: SynthesisJob) -> None:
        return None

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        self.clock.advance(self.cost_s * len(job_ids))
        return [StepResult(i, AudioChunk(np.zeros(round(CHUNK_S * RATE), np.float32), RATE)) for i in job_ids]

    def close(self, job_id: str) -> None:
        return None


@dataclass
class Listener:
    """Plays what it gets, from the first chunk on."""

    made_s: float = 0.0
    first_at: float | None = None
    dry_at: float = 0.0
    underrun_s: float = 0.0

    def hear(self, now: float, seconds: float) -> None:
        if self.first_at is None:
            self.first_at = self.dry_at = now
        self.underrun_s += max(0.0, now - self.dry_at)
        self.dry_at = max(self.dry_at, now) + seconds
        self.made_s += seconds


def submit(job_id: str, order: int, terms: JobTerms, credit_s: float = 1e9) -> Submit:
    return Submit(SynthesisJob(job_id, "text", "v", "en"), terms, order, credit_s)


def simulate(x_realtime: float, streams: int, bulk: int, duration_s: float) -> dict[str, Listener]:
    """Run ``streams`` listeners that arrive over two seconds, and ``bulk`` jobs that are always ready."""
    clock = FakeClock(100.0)
    backend = CostlyBackend(clock, x_realtime)
    loop = StepLoop(backend, backend.load(), LoopPolicy(), clock, NoRecorder())
    arrivals = [(100.0 + 2.0 * n / streams, f"s{n}", ServiceClass.INTERACTIVE) for n in range(streams)]
    arrivals += [(100.0, f"b{n}", ServiceClass.BULK) for n in range(bulk)]
    arrivals.sort()
    listeners = {name: Listener() for _, name, _ in arrivals}
    order = 0
    while clock.now() < 100.0 + duration_s:
        while arrivals and arrivals[0][0] <= clock.now():
            _, name, service_class = arrivals.pop(0)
            loop.receive(submit(name, order, JobTerms(name, owner=name, service_class=service_class)))
            order += 1
        turn = loop.turn()
        for message in turn.messages:
            if isinstance(message, Output):
                listeners[message.job_id].hear(clock.now(), CHUNK_S)
        if turn.idle_until is not None:
            clock.advance(min(turn.idle_until, arrivals[0][0] if arrivals else clock.now() + 1) - clock.now())
    return listeners
