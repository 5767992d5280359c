"""The backend contract: what a model must do to be served, in two shapes, and what it says about itself as data.

A *simple* backend is a generator per job. A *stepped* backend advances many jobs by one small unit of work per call,
for models that batch. ``Backend.stepped()`` gives the second shape of either, so the worker loop knows only that one.

A backend lives in one worker process and is called from one thread. It never sees sockets, sessions or protocols.
``tests/conformance/test_backends.py`` is the contract in executable form: add your model to its list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import InvalidRequest, ModelFailed, TextTooLong, VoiceNotFound
from syrinx.core.types import AudioChunk, Samples, SynthesisJob

from .blend import parse_blend


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A named way to speak."""

    id: str
    name: str
    languages: tuple[str, ...]
    """BCP 47 tags, the best first; never empty."""
    gender: str = ""
    """``"female"``, ``"male"`` or ``""`` (unknown)."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class VoiceVariant:
    """A change of timbre that any voice of a model can take: voice id + ``suffix`` is a voice id too."""

    suffix: str
    """What is added to the id, with its sign: ``"+f3"``."""
    name: str
    gender: str = ""
    """As ``VoiceInfo.gender``; empty: the voice keeps its own."""


@dataclass(frozen=True, slots=True)
class ReferenceClip:
    """A recording of the voice to clone, checked and decoded."""

    samples: Samples
    sample_rate: int
    text: str = ""
    """What is said in it; empty: unknown."""
    language: str = ""
    """BCP 47 tag; empty: unknown."""


Tensors = Mapping[str, NDArray[np.generic]]
"""A voice prompt's content by name, as it is kept in ``prompt.safetensors``."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a loaded model is and can do. Capabilities are data: ask these fields, never the type of a backend."""

    name: str
    title: str
    sample_rate: int
    """Hertz of every chunk."""
    voices: tuple[VoiceInfo, ...]
    """Never empty."""
    default_voice: str
    licence: str
    """SPDX identifier of library and weights as run."""
    revision: str = ""
    """Changes whenever the same job may sound different; part of cache keys."""
    max_batch: int = 1
    """Most jobs one ``step`` advances."""
    max_segment_chars: int = 300
    """Longest spoken text of one job; longer text is segmented before."""
    word_times: bool = False
    """Chunks carry WORD marks from the model itself."""
    repeatable: bool = False
    """The same job and seed give the same samples (within 2 ms of length), so an interrupted job can be resumed."""
    sampled: bool = False
    """The same text audibly differs each time, so keeping its audio would freeze one of many performances."""
    clones: bool = False
    """``prepare_voice`` makes a voice prompt of a reference clip, and jobs may carry one."""
    uses_transcript: bool = False
    """``prepare_voice`` makes more of a clip whose ``text`` is known: it is worth having it written down."""
    normalizes: bool = False
    """The model has a text front end of its own and wants written text."""
    verbatim: str = ""
    """Regular expression of text that must reach the model untouched (phoneme markup, directives); empty: none."""
    native_speed: tuple[float, float] | None = None
    """Range of ``Delivery.speed`` the model does itself; None: none."""
    native_pitch: tuple[float, float] | None = None
    native_volume: tuple[float, float] | None = None
    options_schema: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema of ``SynthesisJob.options`` (an object schema; ``{}``: no options)."""
    seconds_per_char: float = 0.065
    """Usual pace at speed 1, for estimates (English read aloud: about 15 characters a second)."""
    voice_variants: tuple[VoiceVariant, ...] = ()
    """What may be added to the id of any voice; ``voices`` need not list those sums."""
    voice_blends: bool = False
    """Voices can be mixed: ``one+other``, ``one(2)+other(1)`` (see ``blend``) is a voice id too."""

    def voice(self, voice_id: str) -> VoiceInfo | None:
        """Return the voice of that id, or None. A listed voice with the suffix of a variant is a voice too, and so is a
        blend of listed voices where the model mixes them."""
        listed = self._listed(voice_id)
        if listed is not None:
            return listed
        for variant in self.voice_variants:
            if not voice_id.endswith(variant.suffix):
                continue
            base = self._listed(voice_id.removesuffix(variant.suffix))
            if base is not None:
                name = f"{base.name}, {variant.name}"
                return replace(base, id=voice_id, name=name, gender=variant.gender or base.gender)
        return self._blended(voice_id) if self.voice_blends else None

    def _blended(self, voice_id: str) -> VoiceInfo | None:
        """It speaks the first voice's languages."""
        found = [self._listed(name) for name, _ in parse_blend(voice_id) or ()]
        voices = [voice for voice in found if voice is not None]
        if not voices or len(voices) < len(found):
            return None
        genders = {voice.gender for voice in voices}
        name = " + ".join(voice.name for voice in voices)
        gender = voices[0].gender if len(genders) == 1 else ""
        return replace(voices[0], id=voice_id, name=name, gender=gender)

    def _listed(self, voice_id: str) -> VoiceInfo | None:
        """A scan, not an index: the default stands first, and an index would travel with every ``Ready`` message."""
        for voice in self.voices:
            if voice.id == voice_id:
                return voice
        return None


class OutOfMemory(ModelFailed):
    """The device has no memory left. A backend may raise it anywhere: the job fails, and its worker begins anew, for
    what is left of a step that broke off, and the holes it leaves, would fail the next jobs too."""


def check_job(info: ModelInfo, job: SynthesisJob) -> None:
    """Refuse what ``info`` alone shows to be impossible; backends call it from ``open`` before their own checks.

    Raises ``VoiceNotFound``, ``TextTooLong`` (over ``max_segment_chars``), or ``InvalidRequest`` naming an option that
    ``options_schema`` does not have. A job with a prompt speaks in that, if the model clones (``cannot_clone``
    otherwise), and its ``voice`` is no voice of the model's own; the prompt itself is the backend's to read.
    """
    if job.prompt is not None and not info.clones:
        raise InvalidRequest(f"The model {info.name} cannot clone voices.", code="cannot_clone", param="voice")
    if job.prompt is None and info.voice(job.voice) is None:
        raise VoiceNotFound(f"The model {info.name} has no voice {job.voice!r}.", param="voice")
    if len(job.text) > info.max_segment_chars:
        raise TextTooLong(info.max_segment_chars, len(job.text), param="text")
    known = info.options_schema.get("properties", {})
    for name in job.options:
        if name not in known:
            raise InvalidRequest(f"The model {info.name} has no option {name!r} for a request.", param=name)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step did for one job. At most one of ``chunk`` and ``error`` is set; ``error`` implies ``done``."""

    job_id: str
    chunk: AudioChunk | None = None
    done: bool = False
    error: Exception | None = None


class SteppedBackend(ABC):
    """The shape the worker loop drives."""

    @abstractmethod
    def open(self, job: SynthesisJob) -> None:
        """Take a job; no audio yet. Raises ``InvalidRequest`` for options or voices it cannot honour."""

    @abstractmethod
    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        """Advance each named open job by one small unit (at most about 100 ms of compute), one result per id."""

    @abstractmethod
    def close(self, job_id: str) -> None:
        """Forget a job, finished or not. Unknown ids are ignored. No audio of it comes after this."""


class Backend(ABC):
    """What every model package provides. Construct with parsed options; nothing heavy before ``load``."""

    @abstractmethod
    def load(self) -> ModelInfo:
        """Bring the model into memory and say what it is. Called once, first. Raises ``ModelNotReady`` with advice."""

    @abstractmethod
    def stepped(self) -> SteppedBackend:
        """The stepped shape of this backend (the same object each time)."""

    def expected_s(self, job: SynthesisJob) -> float | None:
        """Seconds of audio this job should take, where the model knows better than its text length; else None."""
        return None

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        """Derive a voice prompt. Called between steps; may take seconds. Raises ``InvalidRequest`` (cannot clone)."""
        raise InvalidRequest("This model cannot clone voices.", code="cannot_clone")

    def unload(self) -> None:  # noqa: B027  most models have nothing to free before their process ends
        """Free what ``load`` took. Called once, last."""


class SimpleBackend(Backend):
    """A backend that speaks one job as a generator. Closing the generator cancels: put clean-up in ``finally``."""

    @abstractmethod
    def synthesize(self, job: SynthesisJob) -> Generator[AudioChunk, None, None]:
        """Yield the job's audio in small chunks. Raises ``InvalidRequest`` before the first chunk for bad jobs."""

    def check(self, job: SynthesisJob) -> None:
        """Refuse a bad job when it is opened (a generator cannot: it runs from its first chunk on)."""
        return None

    def stepped(self) -> SteppedBackend:
        if not hasattr(self, "_stepped"):
            self._stepped = GeneratorSteps(self)
        return self._stepped


class GeneratorSteps(SteppedBackend):
    """Adapts ``SimpleBackend`` to steps: one step of a job is one ``next()`` of its generator."""

    def __init__(self, backend: SimpleBackend) -> None:
        self._backend = backend
        self._running: dict[str, Generator[AudioChunk, None, None]] = {}

    def open(self, job: SynthesisJob) -> None:
        self._backend.check(job)
        self._running[job.job_id] = self._backend.synthesize(job)

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        generator = self._running.pop(job_id, None)
        if generator is not None:
            generator.close()

    def _step_one(self, job_id: str) -> StepResult:
        try:
            return StepResult(job_id, chunk=next(self._running[job_id]))
        except StopIteration:
            return StepResult(job_id, done=True)
        except Exception as error:  # noqa: BLE001  a model may raise anything; the job fails, the worker lives
            return StepResult(job_id, done=True, error=error)
