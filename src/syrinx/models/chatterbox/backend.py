"""Chatterbox as a stepped backend: a step is a few tokens of T3, or a window of S3Gen, of each job."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from syrinx.core.errors import ConfigError, InvalidRequest
from syrinx.core.types import AudioChunk, Samples, SynthesisJob
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
from syrinx.models.device import memory_errors, release_memory, seeded
from syrinx.models.options import options_schema, parse_options
from syrinx.models.prompt import PromptCache

from .conditionals import SPEECH_TOKENS, Voice, prepare, voice_of
from .languages import language_id
from .loading import Loaded, load
from .options import STYLES, AnyStyle, ChatterboxOptions
from .sound import SAMPLE_RATE, Sound
from .tokens import Saying, speech_tokens
from .watermark import Marker, Marking, marker
from .windows import WindowPlan, Windows

_log = logging.getLogger(__name__)
NAME = "chatterbox"
TOKENS_A_STEP = 4
"""About 100 ms on a GPU, where the library makes some 40 a second."""
CHUNK_TOKENS = 25
CPU_CHUNK_TOKENS = 250
"""A CPU makes this speech slower than it is heard: early chunks would leave gaps too, and each costs it seconds."""
SILENCE = 4299
"""The speech token of silence (``S3GEN_SIL`` of chatterbox-tts); Turbo's library adds three at the end."""


class ChatterboxBackend(Backend):
    """All three models; which one it is, the weights say."""

    def __init__(self, options: ChatterboxOptions, load: Callable[[ChatterboxOptions], Loaded] = load) -> None:
        self._options = options
        self._load = load
        self._loaded: Loaded | None = None
        self._steps: _Steps | None = None

    def load(self) -> ModelInfo:
        with memory_errors(NAME):
            self._loaded = self._load(self._options)
            mark = marker() if self._options.watermark else None
        for sentence in self._loaded.lacking:
            _log.warning("%s.", sentence)
        info = _info(self._loaded)
        self._steps = _Steps(self._options, self._loaded, info, mark)
        return info

    def stepped(self) -> SteppedBackend:
        assert self._steps is not None, "load comes first"
        return self._steps

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        assert self._loaded is not None, "load comes first"
        loaded = self._loaded
        with memory_errors(NAME):
            return prepare(clip, loaded.t3, loaded.s3gen, loaded.voice_encoder, turbo=loaded.variant == "turbo")

    def unload(self) -> None:
        self._loaded = self._steps = None
        gc.collect()
        release_memory()


def _info(loaded: Loaded) -> ModelInfo:
    told = "".join(f" {sentence}." for sentence in loaded.lacking)
    return ModelInfo(
        name=NAME,
        title="Chatterbox" if loaded.variant == "english" else f"Chatterbox {loaded.variant.capitalize()}",
        sample_rate=SAMPLE_RATE,
        voices=(VoiceInfo("default", "Default", loaded.languages, description=f"Published with the model.{told}"),),
        default_voice="default",
        licence="MIT",
        revision=loaded.revision,
        repeatable=loaded.device.type == "cpu",
        sampled=True,
        clones=True,
        options_schema=options_schema(STYLES[loaded.variant]),
    )


class _Steps(SteppedBackend):
    def __init__(self, options: ChatterboxOptions, loaded: Loaded, info: ModelInfo, mark: Marker | None) -> None:
        self._options = options
        self._loaded = loaded
        self._info = info
        self._mark = mark
        self._prompts = PromptCache()
        self._running: dict[str, Iterator[Samples | None]] = {}

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        style = _style(STYLES[self._loaded.variant], job)
        language = language_id(job.language, self._loaded.languages)
        text = job.text.encode(errors="replace").decode()  # half a surrogate pair is no text for a tokenizer
        ids = self._loaded.text_ids(text, language)
        generator = seeded(job.seed)
        saying = Saying(ids, self._voice(job), style, generator, self._options.max_tokens)
        self._running[job.job_id] = self._speak(saying)

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        self._running.pop(job_id, None)

    def _step_one(self, job_id: str) -> StepResult:
        try:
            with memory_errors(NAME):
                samples = next(self._running[job_id])
        except StopIteration:
            return StepResult(job_id, done=True)
        except Exception as error:  # noqa: BLE001  a library may raise anything; the job fails, the worker lives
            return StepResult(job_id, done=True, error=error)
        if samples is None or len(samples) == 0:
            return StepResult(job_id)
        return StepResult(job_id, chunk=AudioChunk(np.ascontiguousarray(samples, np.float32), SAMPLE_RATE))

    def _speak(self, saying: Saying) -> Iterator[Samples | None]:
        """Make one job's samples; None: it worked, and there is nothing to hear yet."""
        options, loaded = self._options, self._loaded
        windows = Windows(_plan(options, loaded.device))
        seeds = [_child(saying.generator) for _ in range(2)]
        voice = saying.voice.shortened(options.recording_tokens)
        sound = Sound(loaded.s3gen, loaded.flow, voice, options.flow_steps, seeds)
        marking = Marking(self._mark)
        heard: list[int] = []
        for count, token in enumerate(speech_tokens(loaded.t3, loaded.backbone, saying), start=1):
            if token < SPEECH_TOKENS:
                heard.append(token)
            window = windows.next(len(heard))
            if window is not None:
                yield marking.push(sound.make(heard, window))
            elif count % TOKENS_A_STEP == 0:
                yield None
        if loaded.variant == "turbo" or not heard:
            heard += [SILENCE] * 3
        yield marking.push(sound.make(heard, windows.rest(len(heard))))
        yield marking.finish()

    def _voice(self, job: SynthesisJob) -> Voice:
        if job.prompt is None:
            return self._loaded.default_voice
        prompt = self._prompts.load(job.prompt, NAME)
        if prompt.revision != self._info.revision:
            raise InvalidRequest("The voice was made by other weights of Chatterbox.", code="bad_prompt", param="voice")
        try:
            return voice_of(prompt.tensors, self._loaded.shape).to(self._loaded.device)
        except ValueError as error:
            raise InvalidRequest(f"The voice cannot be used: {error}.", code="bad_prompt", param="voice") from None


def _style(kind: type[AnyStyle], job: SynthesisJob) -> AnyStyle:
    try:
        return parse_options(NAME, kind, job.options)
    except ConfigError as error:
        raise InvalidRequest(error.message, param=error.param) from None


def _plan(options: ChatterboxOptions, device: Any) -> WindowPlan:
    chunk = options.chunk_tokens or (CPU_CHUNK_TOKENS if device.type == "cpu" else CHUNK_TOKENS)
    return WindowPlan(options.first_tokens, chunk, options.most_chunk_tokens, options.context_tokens)


def _child(generator: Any) -> Any:
    """A generator of its own for another part of the job, seeded by the job's."""
    import torch

    return torch.Generator().manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
