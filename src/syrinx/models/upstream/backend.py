"""Another server as a stepped backend: a request a job, and in each step what came of it meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field

import numpy as np

from syrinx.core.errors import ModelNotReady, SyrinxError
from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import Backend, ModelInfo, SteppedBackend, StepResult, VoiceInfo, check_job

from .incoming import SAMPLE_BYTES, Incoming
from .key import read_key
from .line import Line
from .options import UpstreamOptions
from .refusals import not_ready
from .voices import default_of, listed_models, listed_voices, named_voices
from .wire import Address, check_options, options_schema

WAIT_S = 0.02
"""A step waits at most this long where nothing came: so long may a new job, or a cancel, stand at the door."""
CHUNK_S = 0.25
"""Most audio of one job that a step gives."""
SPEEDS = (0.25, 4.0)
"""What OpenAI's API takes."""
ADVICE = "Set its option base_url, such as http://127.0.0.1:8091/v1."


class UpstreamBackend(Backend):
    """Speaks with the voices of a server that has OpenAI's speech API."""

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        self._line: Line | None = None

    def load(self) -> ModelInfo:
        if not self._options.base_url:
            raise ModelNotReady(f"The model upstream does not know its server. {ADVICE}")
        line = self._line = Line(self._options, read_key(self._options.key_file))
        line.start()
        try:
            model = self._options.model or _only_model(line)
            voices = named_voices(self._options) or listed_voices(line.get("audio/voices"), model, self._options)
            info = _model_info(self._options, model, voices)
        except SyrinxError as error:
            self.unload()
            raise not_ready(error) from None
        self._steps = _UpstreamSteps(info, model, line, self._options)
        return info

    def stepped(self) -> SteppedBackend:
        return self._steps

    def unload(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()


def _only_model(line: Line) -> str:
    """The model to name where the options name none. Servers of one model may list none; then none is named."""
    names = listed_models(line.get("models") or b"")
    if len(names) > 1:
        raise ModelNotReady(f"The upstream has several models: set model to one of {', '.join(names[:20])}.")
    return names[0] if names else ""


def _model_info(options: UpstreamOptions, model: str, voices: tuple[VoiceInfo, ...]) -> ModelInfo:
    host = Address.of(options.base_url).host
    return ModelInfo(
        name="upstream",
        title=f"{model or 'Speech'} at {host}",
        sample_rate=options.sample_rate,
        voices=voices,
        default_voice=default_of(voices, options),
        licence="the upstream's own",
        revision=_revision(options, model),
        max_batch=options.concurrency,
        max_segment_chars=options.max_segment_chars,
        sampled=True,  # it may be, and what it runs may change without our knowing
        native_speed=SPEEDS if options.native_speed else None,
        options_schema=options_schema(options),
    )


def _revision(options: UpstreamOptions, model: str) -> str:
    """Changes with all that is asked of the upstream; what it runs it does not tell."""
    said = json.dumps([asdict(options), model], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Job:
    job: SynthesisJob
    incoming: Incoming = field(default_factory=Incoming)
    request: Future[None] | None = None
    """None: it was not stepped yet."""


class _UpstreamSteps(SteppedBackend):
    def __init__(self, info: ModelInfo, model: str, line: Line, options: UpstreamOptions) -> None:
        self._info = info
        self._model = model
        self._line = line
        self._most = int(CHUNK_S * options.sample_rate) * SAMPLE_BYTES
        self._jobs: dict[str, _Job] = {}

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        check_options(job.options)
        self._jobs[job.job_id] = _Job(job)

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        jobs = [self._jobs[job_id] for job_id in job_ids if job_id in self._jobs]
        for job in jobs:
            if job.request is None:
                job.request = self._line.speak(self._model, job.job, job.incoming)
        if jobs:
            self._line.arrivals.wait([job.incoming for job in jobs], WAIT_S)
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None and job.request is not None:
            job.request.cancel()

    def _step_one(self, job_id: str) -> StepResult:
        data, over, error = self._line.arrivals.take(self._jobs[job_id].incoming, self._most)
        if data:
            samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
            return StepResult(job_id, chunk=AudioChunk(samples, self._info.sample_rate))
        return StepResult(job_id, done=over, error=error)
