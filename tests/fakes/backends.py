"""Two tiny models, one of each shape of the contract: quarter-second clicks for words, no threads, no waiting."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import (
    Backend,
    ModelInfo,
    SimpleBackend,
    SteppedBackend,
    StepResult,
    VoiceInfo,
    check_job,
)

RATE = 8000
BOOM = "boom"
"""The word at which both fakes raise."""


def _info(name: str, max_batch: int) -> ModelInfo:
    return ModelInfo(
        name=name,
        title=name.title(),
        sample_rate=RATE,
        voices=(VoiceInfo("one", "One", ("en",)), VoiceInfo("two", "Two", ("de",))),
        default_voice="one",
        licence="Apache-2.0",
        max_batch=max_batch,
        repeatable=True,
        options_schema={"type": "object", "properties": {"loud": {"type": "boolean"}}},
        seconds_per_char=0.05,
    )


def _word(job: SynthesisJob, index: int) -> AudioChunk:
    """The sound of one word: its length follows its letters, its level the voice."""
    word = job.text.split()[index]
    if word == BOOM:
        raise RuntimeError("boom")
    level = 0.5 if job.voice == "one" else 0.25
    return AudioChunk(np.full(len(word) * RATE // 20, level, np.float32), RATE)


class SimpleFake(SimpleBackend):
    """A generator per job."""

    def load(self) -> ModelInfo:
        self._info = _info("simple-fake", 1)
        return self._info

    def check(self, job: SynthesisJob) -> None:
        check_job(self._info, job)

    def synthesize(self, job: SynthesisJob) -> Generator[AudioChunk, None, None]:
        for index in range(len(job.text.split())):
            yield _word(job, index)


class SteppedFake(Backend):
    """A word per job and step."""

    def load(self) -> ModelInfo:
        info = _info("stepped-fake", 3)
        self._steps = _FakeSteps(info)
        return info

    def stepped(self) -> SteppedBackend:
        return self._steps


class _FakeSteps(SteppedBackend):
    def __init__(self, info: ModelInfo) -> None:
        self._info = info
        self._jobs: dict[str, tuple[SynthesisJob, int]] = {}

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        self._jobs[job.job_id] = (job, 0)

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)

    def _step_one(self, job_id: str) -> StepResult:
        job, index = self._jobs[job_id]
        self._jobs[job_id] = (job, index + 1)
        try:
            return StepResult(job_id, chunk=_word(job, index), done=index + 1 == len(job.text.split()))
        except Exception as error:  # noqa: BLE001  what a model raises ends its job only
            return StepResult(job_id, done=True, error=error)
