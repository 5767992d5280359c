"""The tone model as a stepped backend: it waits where a model would compute, and fails where its text says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import AudioChunk, Mark, SynthesisJob
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
from syrinx.models.prompt import PromptCache

from . import clone, score
from .device import Device, Effects
from .directives import VERBATIM, Directive, Fault
from .options import ToneOptions
from .score import Score, frequency_of, write_score

__all__ = ["ToneBackend", "ToneError", "frequency_of"]

VOICES = (
    VoiceInfo("sine", "Sine", ("en",), "female", "A pure tone"),
    VoiceInfo("deep", "Deep", ("en",), "male", "A tone and its octave"),
    VoiceInfo("bright", "Bright", ("en",), "female", "Three harmonics"),
    VoiceInfo("hollow", "Hollow", ("en",), "male", "Odd harmonics, like a clarinet"),
)


class ToneError(RuntimeError):
    """What ``{{error}}`` raises: as foreign to our error tree as what a real model library raises."""


class ToneBackend(Backend):
    """Beeps. One step gives each job ``chunk_ms`` of audio and takes ``chunk_ms / x_realtime``, however many jobs."""

    def __init__(self, options: ToneOptions, effects: Effects | None = None) -> None:
        self._options = options
        self._effects = effects or Effects()
        self._info = ModelInfo(
            name="tone",
            title="Tone",
            sample_rate=score.SAMPLE_RATE,
            voices=VOICES,
            default_voice=VOICES[0].id,
            licence="Apache-2.0",
            revision="1",
            max_batch=options.max_batch,
            word_times=True,
            repeatable=True,
            sampled=True,
            clones=True,
            verbatim=VERBATIM,
            native_speed=(0.25, 4.0),
            native_pitch=(0.5, 2.0),
            native_volume=(0.0, 2.0),
            seconds_per_char=score.SECONDS_PER_CHAR,
        )
        self._steps = _ToneSteps(self._info, options, self._effects)

    def load(self) -> ModelInfo:
        self._effects.sleep(self._options.load_s)
        return self._info

    def stepped(self) -> SteppedBackend:
        return self._steps

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        """The pitch of the clip is all that a tone has of a voice."""
        return clone.prompt_of(clip)

    def expected_s(self, job: SynthesisJob) -> float | None:
        """Text and ``{{long}}`` count; ``{{runaway}}`` does not, for it is what a guard must catch."""
        try:
            return score.expected_s(job)
        except InvalidRequest:
            return None  # open refuses it with the reason


@dataclass(slots=True)
class _Playing:
    """How far one job is."""

    score: Score
    sample: int = 0
    stops_done: int = 0
    words_done: int = 0

    def due(self) -> Directive | None:
        """Take the fault that stands at this sample, if any is left."""
        stops = self.score.stops
        if self.stops_done < len(stops) and stops[self.stops_done].sample <= self.sample:
            self.stops_done += 1
            return stops[self.stops_done - 1].directive
        return None

    def advance(self, samples: int) -> AudioChunk | None:
        """Make up to ``samples``, ending early before a fault and at the end; None: there is nothing left."""
        bounds = [self.sample + samples]
        if self.score.total is not None:
            bounds.append(self.score.total)
        if self.stops_done < len(self.score.stops):
            bounds.append(self.score.stops[self.stops_done].sample)
        start, self.sample = self.sample, max(self.sample, min(bounds))
        if self.sample == start:
            return None
        return AudioChunk(self.score.samples(start, self.sample), score.SAMPLE_RATE, self._words_until(self.sample))

    def _words_until(self, sample: int) -> tuple[Mark, ...]:
        first, words = self.words_done, self.score.words
        while self.words_done < len(words) and words[self.words_done].start_s * score.SAMPLE_RATE < sample:
            self.words_done += 1
        return words[first : self.words_done]

    @property
    def finished(self) -> bool:
        over = self.score.total is not None and self.sample >= self.score.total
        return over and self.stops_done == len(self.score.stops)


class _ToneSteps(SteppedBackend):
    def __init__(self, info: ModelInfo, options: ToneOptions, effects: Effects) -> None:
        self._info = info
        self._effects = effects
        self._device = Device(effects)
        self._chunk = max(1, round(options.chunk_ms / 1000 * info.sample_rate))
        self._step_s = options.chunk_ms / 1000 / options.x_realtime
        self._first_s = options.first_chunk_ms / 1000
        self._playing: dict[str, _Playing] = {}
        self._prompts = PromptCache()

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        frequency = None
        if job.prompt is not None:
            frequency = clone.frequency_in(self._prompts.load(job.prompt, self._info.name).tensors)
        self._playing[job.job_id] = _Playing(write_score(job, frequency))

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        begins = any(self._playing[job_id].sample == 0 for job_id in job_ids if job_id in self._playing)
        results = [self._step_one(job_id) for job_id in job_ids]
        self._device.spend(self._step_s + (self._first_s if begins else 0.0))
        return results

    def close(self, job_id: str) -> None:
        self._playing.pop(job_id, None)

    def _step_one(self, job_id: str) -> StepResult:
        try:
            playing = self._playing[job_id]
            while (directive := playing.due()) is not None:
                self._act(directive)
            chunk = playing.advance(self._chunk)
            return StepResult(job_id, chunk=chunk, done=playing.finished)
        except Exception as error:  # noqa: BLE001  as with any model: the job fails, the worker lives
            return StepResult(job_id, done=True, error=error)

    def _act(self, directive: Directive) -> None:
        if directive.fault is Fault.CRASH:
            self._effects.crash()
        elif directive.fault is Fault.STALL:
            self._effects.sleep(directive.seconds)
        elif directive.fault is Fault.ERROR:
            raise ToneError("The text asked for an error.")
