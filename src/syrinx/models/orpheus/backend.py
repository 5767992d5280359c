"""Orpheus and Veena as one stepped backend: tokens from a source, frames of them, sound of those."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady, RunawayStopped
from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import Backend, ModelInfo, SteppedBackend, StepResult, check_job
from syrinx.models.device import choose_device, choose_dtype, memory_errors, release_memory, set_threads

from . import checkpoint
from .checkpoint import Remedy
from .codec import Codec
from .frames import SAMPLE_RATE, SLOTS, TOKENS_PER_SECOND
from .options import OrpheusOptions
from .prompt import build_prompt
from .sampling import Sampling, request_schema, sampling_of
from .source import Order, Taken, TokenSource
from .speakers import ORPHEUS, VEENA, Family
from .speech import Speech

SECONDS_PER_CHAR = 0.065
PROMPT_TOKENS_PER_CHAR = 3
"""At most: a tokenizer of bytes takes that for Devanagari."""
PROMPT_FRAME_TOKENS = 64
"""Room for the control tokens and the voice's name."""
MOST_CHARS = 400
"""Of a segment, however long the context: longer ones wander."""
SOUND = 1
"""Counts up whenever this package makes the models sound otherwise."""


class OrpheusBackend(Backend):
    """See ``docs/models/orpheus.md``."""

    family: Family = ORPHEUS

    def __init__(self, options: OrpheusOptions) -> None:
        self._options = options
        self._source: TokenSource | None = None

    def load(self) -> ModelInfo:
        _quiet()
        options, remedy = self._options, Remedy(self.family.name)
        weights = Path(options.weights)
        codec_folder = checkpoint.find_codec(options.snac, weights, remedy)
        device = choose_device(options)
        codec = checkpoint.load_codec(codec_folder, device, remedy)
        encode = None
        if options.source != "upstream":
            tokenizer = checkpoint.load_tokenizer(weights, remedy)
            encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids  # noqa: E731
        self._source = self.make_source(weights, device)
        set_threads(options)
        info = self._info([weights, codec_folder])
        self._steps = _Steps(info, self.family, options, Parts(self._source, codec, encode))
        return info

    def make_source(self, weights: Path, device: Any) -> TokenSource:
        """What computes the tokens."""
        options, remedy = self._options, Remedy(self.family.name)
        if options.source == "upstream":
            from .upstream import UpstreamSource, find_upstream

            return UpstreamSource(find_upstream(options), options.ids)
        if options.source == "vllm":
            from .engine import EngineSource
            from .vllm_engine import params_of, starter

            config = checkpoint.check_language_model(weights, options.ids, remedy)
            start = starter(str(weights), options, config, device)
            try:
                return EngineSource(start, params_of(options.ids), options.ids.stops)
            except ImportError as error:
                raise ModelNotReady(
                    f"source = 'vllm' needs vllm in this model's environment ({error}): see docs/models/orpheus.md."
                ) from None
        from .llama import LlamaSource

        dtype = choose_dtype(options)
        with memory_errors(self.family.name):
            model = checkpoint.load_language_model(
                weights, options.ids, remedy, dtype=dtype, attn_implementation=options.attention
            ).to(device)
        return LlamaSource(model, options.ids, options.step_frames, options.slot_mask)

    def stepped(self) -> SteppedBackend:
        return self._steps

    def unload(self) -> None:
        if self._source is not None:
            self._source.unload()
            self._source = None
            del self._steps
            release_memory()

    def _info(self, folders: Sequence[Path]) -> ModelInfo:
        options, family = self._options, self.family
        own = options.source == "transformers"
        return ModelInfo(
            name=family.name,
            title=family.title,
            sample_rate=SAMPLE_RATE,
            voices=family.voices,
            default_voice=family.voices[0].id,
            licence=family.licence,
            revision=checkpoint.identity(folders, SOUND, _versions(), options),
            max_batch=options.max_batch,
            max_segment_chars=longest_text(options.context_tokens),
            repeatable=own and options.max_batch == 1,
            sampled=options.temperature > 0,
            verbatim=family.verbatim,
            options_schema=request_schema(options.sampling),
            seconds_per_char=SECONDS_PER_CHAR,
        )


class VeenaBackend(OrpheusBackend):
    """Hindi, English, and both in one sentence."""

    family = VEENA


def longest_text(context_tokens: int) -> int:
    """Characters whose prompt and speech fit into a context, were each as long as it usually may be."""
    room = context_tokens - PROMPT_FRAME_TOKENS
    return min(MOST_CHARS, int(room / (PROMPT_TOKENS_PER_CHAR + SECONDS_PER_CHAR * TOKENS_PER_SECOND)))


def _quiet() -> None:
    """What the libraries would say and look up on their own."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "VLLM_NO_USAGE_STATS": "1"}
    warnings.filterwarnings("ignore", module=r"(transformers|snac|torch)\b")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()


def _versions() -> tuple[str, ...]:
    from importlib.metadata import version

    return tuple(version(name) for name in ("torch", "transformers", "snac"))


@dataclass(frozen=True, slots=True)
class Parts:
    """What a job passes through."""

    source: TokenSource
    codec: Codec
    encode: Callable[[str], list[int]] | None
    """The tokenizer; None: the source takes text."""


@dataclass(slots=True)
class _Job:
    speech: Speech
    asked: Sampling
    ended: Taken | None = None


class _Steps(SteppedBackend):
    def __init__(self, info: ModelInfo, family: Family, options: OrpheusOptions, parts: Parts) -> None:
        self._info = info
        self._family = family
        self._options = options
        self._parts = parts
        self._ids = options.ids
        self._jobs: dict[str, _Job] = {}

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        sampling = sampling_of(self._info.name, job.options, self._options.sampling)
        prompt = build_prompt(self._family.form, job.voice, job.text, self._ids, self._parts.encode)
        size = len(prompt.ids) or PROMPT_TOKENS_PER_CHAR * len(job.text) + PROMPT_FRAME_TOKENS
        room = self._options.context_tokens - size
        limit = max(SLOTS, min(room, sampling.max_tokens or room))
        self._parts.source.open(Order(job.job_id, prompt, sampling, limit, job.seed))
        speech = Speech(self._ids.audio_base, self._options.windows, job.seed or 0)
        self._jobs[job.job_id] = _Job(speech, sampling)

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        with memory_errors(self._info.name):
            self._take([job_id for job_id in job_ids if self._jobs[job_id].ended is None])
            return self._sound(job_ids)

    def close(self, job_id: str) -> None:
        if self._jobs.pop(job_id, None) is not None:
            self._parts.source.close(job_id)

    def _take(self, job_ids: Sequence[str]) -> None:
        for job_id, taken in zip(job_ids, self._parts.source.take(job_ids) if job_ids else (), strict=True):
            job = self._jobs[job_id]
            job.speech.feed(taken.ids, taken.done)
            job.ended = taken if taken.done else None

    def _sound(self, job_ids: Sequence[str]) -> list[StepResult]:
        due = {job_id: self._jobs[job_id].speech.due() for job_id in job_ids}
        pieces = {job_id: piece for job_id, piece in due.items() if piece is not None}
        made = dict(zip(pieces, self._parts.codec.decode(list(pieces.values())), strict=True))
        return [self._result(job_id, made.get(job_id)) for job_id in job_ids]

    def _result(self, job_id: str, samples: Any) -> StepResult:
        job = self._jobs[job_id]
        chunk = None if samples is None else AudioChunk(samples, SAMPLE_RATE)
        if not job.speech.finished:
            return StepResult(job_id, chunk)
        error = self._fault(job)
        if error is not None and chunk is not None:
            return StepResult(job_id, chunk)  # what was made is heard; the next step tells
        return StepResult(job_id, chunk, done=True, error=error)

    def _fault(self, job: _Job) -> Exception | None:
        """Why a job that made all that it could did not end well; None: it did."""
        assert job.ended is not None
        if job.ended.error is not None:
            return job.ended.error
        if job.ended.cut and not job.asked.max_tokens:
            return RunawayStopped(
                f"The speech did not end within the model's context of {self._options.context_tokens} tokens."
            )
        return None
