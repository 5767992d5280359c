"""Qwen3-TTS as a stepped backend: a step of a job is one codec frame, and now and then the sound of some."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import (
    Backend,
    ModelInfo,
    ReferenceClip,
    SteppedBackend,
    StepResult,
    Tensors,
    VoiceInfo,
    check_job,
)
from syrinx.models.device import choose_device, choose_dtype, memory_errors, release_memory, set_threads
from syrinx.models.prompt import PromptCache

from . import checkpoint, pace, request
from .checkpoint import Checkpoint, Kind
from .clone import Clone, clone_in, tensors_of
from .languages import language_of
from .line import Line
from .openings import Openings
from .options import QwenOptions
from .text import readable
from .voices import default_voice, voices_of

if TYPE_CHECKING:
    from .speech import Speaking, Voice

SOUND = 1
"""Counts up whenever this package makes the same weights sound otherwise."""
MAX_SEGMENT_CHARS = 300
MIN_CLIP_S = 1.0
MAX_CLIP_S = 60.0
"""Of a recording; the server cuts them to 30 s before."""


class QwenBackend(Backend):
    """The three kinds of checkpoints: own speakers, clones, voices by description."""

    def __init__(self, options: QwenOptions) -> None:
        self._options = options
        self._voice: Voice | None = None

    def load(self) -> ModelInfo:
        found = checkpoint.read(self._options.weights)
        voices = voices_of(found)
        default = default_voice(voices, self._options.speaker)
        from .speech import Voice  # brings torch in

        device, dtype = choose_device(self._options), choose_dtype(self._options)
        set_threads(self._options)
        self._voice = voice = Voice(found, self._options, device, dtype)
        set_threads(self._options)  # importing the library may have changed them
        info = _model_info(found, voices, default, voice.repeatable)
        self._steps = _QwenSteps(info, found, voice)
        return info

    def stepped(self) -> SteppedBackend:
        return self._steps

    def expected_s(self, job: SynthesisJob) -> float | None:
        return pace.expected_s(job.text)

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        """With a transcript, speech goes on from the recording; without, it takes the timbre alone."""
        assert self._voice is not None, "loaded"
        if not self._steps.info.clones:
            raise InvalidRequest(
                "The weights in use cannot clone voices; those of the kind Base can.", code="cannot_clone"
            )
        seconds = len(clip.samples) / clip.sample_rate
        if not MIN_CLIP_S <= seconds <= MAX_CLIP_S:
            code = "audio_too_short" if seconds < MIN_CLIP_S else "audio_too_long"
            raise InvalidRequest(
                f"The recording has {seconds:.1f} s; {MIN_CLIP_S:g} to {MAX_CLIP_S:g} s fit.", code=code
            )
        with memory_errors("qwen"):
            speaker, codes = self._voice.listen(clip.samples, clip.sample_rate, with_codes=bool(clip.text.strip()))
        if codes is None:
            return tensors_of(Clone(speaker))
        return tensors_of(Clone(speaker, codes, readable(clip.text)))

    def unload(self) -> None:
        if self._voice is not None:
            self._steps.clear()
            self._voice = None
            del self._steps
            release_memory()


def _model_info(found: Checkpoint, voices: tuple[VoiceInfo, ...], default: str, repeatable: bool) -> ModelInfo:
    from .loading import VERSION

    return ModelInfo(
        name="qwen",
        title="Qwen3-TTS",
        sample_rate=24_000,
        voices=voices,
        default_voice=default,
        licence="Apache-2.0",
        revision=f"{VERSION}-{SOUND}-{found.digest}",
        max_segment_chars=MAX_SEGMENT_CHARS,
        repeatable=repeatable and found.kind is Kind.CUSTOM,  # else what a lost worker knew of a voice is lost with it
        sampled=True,
        clones=found.kind is Kind.BASE,
        uses_transcript=found.kind is Kind.BASE,
        options_schema=request.schema(found.instructions),
    )


def _seed_of(job: SynthesisJob) -> int:
    """The job's own, or one of its utterance: a job that is resumed after a crash goes on as it began."""
    if job.seed is not None:
        return job.seed
    return int.from_bytes(hashlib.blake2b((job.utterance_id or job.job_id).encode(), digest_size=4).digest(), "big")


@dataclass(frozen=True, slots=True)
class _Job:
    speaking: Speaking
    note: Callable[[NDArray[np.int64]], None] | None
    """Takes all its frames when it is over; None: nobody needs them."""


class _QwenSteps(SteppedBackend):
    """Jobs by id, each with what it has in memory; a closed one leaves nothing."""

    def __init__(self, info: ModelInfo, found: Checkpoint, voice: Voice) -> None:
        self.info = info
        self._found = found
        self._voice = voice
        self._prompts = PromptCache()
        self._openings = Openings()
        self._jobs: dict[str, _Job] = {}

    def open(self, job: SynthesisJob) -> None:
        self._refuse_instructions(job)
        check_job(self.info, job)
        wishes = request.read(job.options)
        line = Line(
            readable(job.text),
            language_of(job.language, self._found.languages),
            job.voice if self._found.kind is Kind.CUSTOM else "",
            readable(wishes.instructions, "instructions") if wishes.instructions.strip() else "",
            self._clone(job),
        )
        own = job.prompt is None and self._found.kind is not Kind.CUSTOM  # the model's own choice, which is to stay
        before = partial(self._openings.before, job) if own else lambda: None
        speaking = self._voice.speak(line, wishes, _seed_of(job), before)
        note = partial(self._openings.spoken, job, line.text) if own else None
        self._jobs[job.job_id] = _Job(speaking, note)

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            job.speaking.close()

    def clear(self) -> None:
        """Close all."""
        for job_id in list(self._jobs):
            self.close(job_id)

    def _step_one(self, job_id: str) -> StepResult:
        job = self._jobs[job_id]
        try:
            with memory_errors("qwen"):
                samples, done = job.speaking.step()
        except Exception as error:  # noqa: BLE001  the job fails, the worker lives
            return StepResult(job_id, done=True, error=error)
        if done and job.note is not None:
            job.note(job.speaking.codes)
        chunk = None if samples is None else AudioChunk(np.ascontiguousarray(samples), self.info.sample_rate)
        return StepResult(job_id, chunk=chunk, done=done)

    def _clone(self, job: SynthesisJob) -> Clone | None:
        if job.prompt is None:
            return None
        prompt = self._prompts.load(job.prompt, self.info.name)
        if prompt.revision != self.info.revision:
            raise InvalidRequest(
                "The voice prompt cannot be used: it was made with other weights or another version.", code="bad_prompt"
            )
        return clone_in(prompt.tensors, self._voice.shape)

    def _refuse_instructions(self, job: SynthesisJob) -> None:
        """Say why, rather than that there is no such option."""
        if "instructions" in job.options and not self._found.instructions:
            why = "speak in the way of the recording" if self._found.kind is Kind.BASE else "of 0.6B follow none"
            raise InvalidRequest(
                f"The weights in use ({self._found.kind.value}) {why}: 'instructions' need the 1.7B weights "
                "CustomVoice or VoiceDesign.",
                param="instructions",
            )
