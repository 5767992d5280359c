"""Small backends that worker processes of these tests load by ``"tests.workers.backends:NAME"``.

Their audio is a ramp that counts samples, so that a gap, a repetition or a mix-up of streams shows in the numbers.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.core.types import AudioChunk, Mark, MarkKind, Samples, Span, SynthesisJob
from syrinx.models.base import (
    Backend,
    ModelInfo,
    OutOfMemory,
    ReferenceClip,
    SimpleBackend,
    SteppedBackend,
    StepResult,
    Tensors,
    VoiceInfo,
)

RATE = 8000
CHUNK = 400
"""50 ms."""
INFO = ModelInfo(
    name="ramp",
    title="Ramp",
    sample_rate=RATE,
    voices=(VoiceInfo("v", "V", ("en",)),),
    default_voice="v",
    licence="Apache-2.0",
    max_batch=4,
    repeatable=True,
    clones=True,
    seconds_per_char=0.1,
)


def ramp(job_id: str, start: int, count: int) -> Samples:
    """Return samples ``start`` to ``start + count`` of the job's ramp; each job has its own slope."""
    slope = 1 + sum(job_id.encode()) % 7
    return (np.arange(start, start + count) * slope % 1009 / 1009).astype(np.float32)


def expected(job_id: str, text: str) -> Samples:
    """Return all the audio that a job must give: 50 ms a character."""
    return ramp(job_id, 0, CHUNK * len(text))


class Ramp(Backend):
    """Stepped; one chunk and one mark for each character. Signs in the text are faults at their place.

    ``!`` ends the process, ``#`` raises, ``^`` finds no memory, ``~`` blocks for a minute, ``*`` never ends, ``?`` is
    refused when opened.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._steps = _RampSteps(options)

    def load(self) -> ModelInfo:
        sys.stdout.write("ramp begins to load\n")
        time.sleep(self._options.get("load_s", 0.0))
        if self._options.get("refuse"):
            raise ModelNotReady("No weights here: run the install command.")
        if self._options.get("die") or os.path.exists(self._options.get("die_if", "")):
            os.write(2, b"a library says why\n")
            os._exit(3)
        sys.stdout.write("ramp is loaded\n")
        return replace(
            INFO,
            repeatable=self._options.get("repeatable", True),
            clones=self._options.get("clones", True),
        )

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        """A prompt that is the clip, or what its text says: as in jobs, and ``%`` gives no prompt."""
        if clip.text == "!":
            os._exit(70)
        if clip.text == "#":
            raise RuntimeError("the text has a hash")
        if clip.text == "^":
            raise OutOfMemory("The device is full.")
        if clip.text == "?":
            raise InvalidRequest("There is a question mark.", code="bad_sign")
        if clip.text.startswith("~"):
            time.sleep(float(clip.text[1:]))
        if clip.text == "%":
            return {"words": np.array(["no", "numbers"])}
        return {"samples": clip.samples, "rate": np.array([clip.sample_rate])}

    def stepped(self) -> SteppedBackend:
        return self._steps


class _RampSteps(SteppedBackend):
    def __init__(self, options: Mapping[str, Any]) -> None:
        self._step_s = options.get("step_s", 0.0)
        self._jobs: dict[str, tuple[SynthesisJob, int]] = {}

    def open(self, job: SynthesisJob) -> None:
        if job.text.startswith("?"):
            raise InvalidRequest("There is a question mark.", code="bad_sign", param="text")
        self._jobs[job.job_id] = (job, 0)

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        if self._step_s:
            time.sleep(self._step_s)
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)

    def _step_one(self, job_id: str) -> StepResult:
        job, index = self._jobs[job_id]
        sign = job.text[min(index, len(job.text) - 1)]
        if sign == "!":
            os._exit(70)
        if sign == "#":
            return StepResult(job_id, done=True, error=RuntimeError("the text has a hash"))
        if sign == "^":
            return StepResult(job_id, done=True, error=OutOfMemory("The device is full."))
        if sign == "~":
            time.sleep(60)
        self._jobs[job_id] = (job, index + 1)
        mark = Mark(MarkKind.WORD, Span(index, index + 1), index * CHUNK / RATE, (index + 1) * CHUNK / RATE)
        chunk = AudioChunk(ramp(job_id, index * CHUNK, CHUNK), RATE, (mark,))
        return StepResult(job_id, chunk, done=index + 1 >= len(job.text) and sign != "*")


class Nothing(SimpleBackend):
    """Does no work: 10 ms of silence for each job, to measure what the way there and back costs."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._chunk = AudioChunk(np.zeros(80, np.float32), RATE)

    def load(self) -> ModelInfo:
        return INFO

    def synthesize(self, job: SynthesisJob) -> Generator[AudioChunk, None, None]:
        for _ in range(max(1, len(job.text) // 8)):
            yield self._chunk
