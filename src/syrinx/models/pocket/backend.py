"""Pocket TTS as a stepped backend: one step is one codec frame (80 ms of audio) of every job that is named.

Jobs join and leave between any two frames; a job that begins shares its first step with those that are in mid-speech.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from syrinx.core.errors import ConfigError, InvalidRequest, ModelNotReady
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
from syrinx.models.device import memory_errors, release_memory, seeded
from syrinx.models.options import options_schema, parse_options

from . import mirror
from .options import PocketOptions, RequestOptions
from .speech import Manner, Speech, usual_s

if TYPE_CHECKING:
    from .overlap import Overlap

CPU_BATCH, GPU_BATCH = 8, 64
MAX_SEGMENT_CHARS = 200
"""Some fifty tokens of English, which is what the model speaks in one go; denser text takes several."""


class PocketBackend(Backend):
    """Pocket TTS of Kyutai."""

    def __init__(self, options: PocketOptions) -> None:
        self._options = options
        self._steps: PocketSteps | None = None

    def load(self) -> ModelInfo:
        from . import loading

        loaded = loading.load(self._options)
        self._steps = PocketSteps(loaded, self._options)
        return self._steps.info

    def stepped(self) -> SteppedBackend:
        return self._loaded()

    def expected_s(self, job: SynthesisJob) -> float | None:
        return usual_s(self._loaded().front.passes(job.text)) or None

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        return self._loaded().prepare_voice(clip)

    def unload(self) -> None:
        if self._steps is not None:
            self._steps.end()
        self._steps = None
        release_memory()

    def _loaded(self) -> PocketSteps:
        if self._steps is None:
            raise ModelNotReady("The model pocket is not loaded.")
        return self._steps


class PocketSteps(SteppedBackend):
    """The jobs of one loaded model."""

    def __init__(self, loaded: Any, options: PocketOptions) -> None:
        import torch

        from .network import Network
        from .voices import Voices

        self._torch = torch
        self._model = loaded.model
        self._loaded = loaded
        self._options = options
        self.front = loaded.front
        self._network = Network(loaded.model, loaded.dtype)
        self._voices = Voices(self._network, loaded, options.voices)
        self._overlap = self._threads_apart(options)
        self._speaking: dict[str, Speech] = {}
        self.info = self._describe(options)
        self._voices.named(self.info.default_voice)

    def _describe(self, options: PocketOptions) -> ModelInfo:
        loaded = self._loaded
        language = options.language or mirror.language_of(loaded.config.name)
        names = self._voices.names
        batch = options.max_batch or (CPU_BATCH if self._network.device.type == "cpu" else GPU_BATCH)
        return ModelInfo(
            name="pocket",
            title=f"Pocket TTS ({loaded.config.name})",
            sample_rate=self._model.sample_rate,
            voices=tuple(VoiceInfo(name, name.replace("_", " ").title(), (language,)) for name in names),
            default_voice=mirror.default_voice(names, language, options.voice),
            licence="MIT AND CC-BY-4.0",
            revision=loaded.revision,
            max_batch=batch,
            max_segment_chars=MAX_SEGMENT_CHARS,
            repeatable=not options.quantize,
            sampled=True,
            clones=loaded.clones,
            options_schema=options_schema(RequestOptions),
        )

    def _threads_apart(self, options: PocketOptions) -> Overlap | None:
        """For a CPU with threads to share."""
        from .overlap import Overlap

        threads = self._torch.get_num_threads()
        return Overlap(threads) if options.overlap and threads > 1 and self._network.device.type == "cpu" else None

    def end(self) -> None:
        """End the threads."""
        if self._overlap is not None:
            self._overlap.close()

    # --- jobs --------------------------------------------------------------------------------------------------------

    def open(self, job: SynthesisJob) -> None:
        check_job(self.info, job)
        manner = self._manner(job)
        voice = self._voices.named(job.voice) if job.prompt is None else self._voices.cloned(job.prompt)
        passes = deque(self.front.passes(job.text))
        self._speaking[job.job_id] = Speech(passes, manner, voice, seeded(seed_of(job)))

    def close(self, job_id: str) -> None:
        self._speaking.pop(job_id, None)

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        known = [job_id for job_id in job_ids if job_id in self._speaking]
        silent = [job_id for job_id in known if not self._speaking[job_id].passes]
        running = [job_id for job_id in known if self._speaking[job_id].passes]
        with self._torch.inference_mode(), memory_errors("pocket"):
            results = self._step_running(running)
        for job_id in silent:  # nothing in its text can be spoken
            frame = np.zeros(self._model.mimi.frame_size, np.float32)
            results[job_id] = StepResult(job_id, self._chunk(frame), done=True)
        unknown = InvalidRequest("There is no such job.")
        return [results.get(job_id) or StepResult(job_id, done=True, error=unknown) for job_id in job_ids]

    def _step_running(self, job_ids: Sequence[str]) -> dict[str, StepResult]:
        """One codec frame of each."""
        speeches = [self._speaking[job_id] for job_id in job_ids]
        if not speeches:
            return {}
        self._predict([speech for speech in speeches if not speech.ahead])
        over = [speech.pass_is_over for speech in speeches]
        spoken = {job_id: speech for job_id, speech in zip(job_ids, speeches, strict=True) if speech.spoken}
        decode = self._decoding(list(spoken.values()))
        for speech in speeches:
            speech.ahead = False
        if self._overlap is not None and len(speeches) <= self._options.overlap:
            # who begins now does not wait for a second frame: the first sound comes first
            further = [speech for speech, ends in zip(speeches, over, strict=True) if speech.frame > 1 and not ends]
            audio = self._overlap.run(decode, lambda: self._predict(further)) if further else decode()
        else:
            audio = decode()
        chunks = {job_id: self._chunk(samples) for job_id, samples in zip(spoken, audio, strict=True)}
        return {
            job_id: StepResult(job_id, chunks.get(job_id), done=ends and not speech.next_pass())
            for job_id, speech, ends in zip(job_ids, speeches, over, strict=True)
        }

    def _predict(self, speeches: list[Speech]) -> None:
        """The next codec frame of each, as latents."""
        if not speeches:
            return
        hidden = self._network.predict([(self._row(speech), self._next_input(speech)) for speech in speeches])
        noise = self._torch.stack([self._noise(speech) for speech in speeches])
        latents = self._network.sample(hidden, noise)
        for speech, latent, end in zip(speeches, latents, self._network.end_logits(hidden), strict=True):
            speech.predicted(latent, end)

    def _row(self, speech: Speech) -> Any:
        if speech.row is None:
            from .network import Row

            speech.row = Row(speech.voice, self._network)
        elif speech.latent is None:
            speech.row.restart()
        return speech.row

    def _next_input(self, speech: Speech) -> Any:
        if speech.latent is None:
            return self._network.text(speech.passes[0].tokens)
        return self._network.latent(speech.latent)

    def _noise(self, speech: Speech) -> Any:
        """As the library draws it, but from the job's own generator."""
        noise = self._torch.empty(self._network.latent_size)
        std, clamp = speech.manner.temperature**0.5, speech.manner.noise_clamp
        if std == 0:
            return noise.zero_()
        if clamp is None:
            return noise.normal_(0.0, std, generator=speech.generator)
        return self._torch.nn.init.trunc_normal_(noise, 0.0, std, -clamp, clamp, generator=speech.generator)

    def _decoding(self, speeches: list[Speech]) -> Callable[[], Any]:
        """What turns the frames that were predicted into audio: ``[speeches, samples]``."""
        if not speeches:
            return lambda: ()
        rows, latents = [speech.row for speech in speeches], self._torch.stack([speech.latent for speech in speeches])
        return lambda: self._network.decode(rows, latents).clamp_(-1, 1).float().cpu().numpy()

    def _chunk(self, samples: Any) -> AudioChunk:
        return AudioChunk(np.array(samples, np.float32), self.info.sample_rate)

    def _manner(self, job: SynthesisJob) -> Manner:
        """Raises ``InvalidRequest`` naming the option that is out of range."""
        try:
            asked = asdict(parse_options("pocket", RequestOptions, job.options))
        except ConfigError as error:
            raise InvalidRequest(error.message, param=error.param) from None
        model = self._model
        own = {
            "temperature": model.temp,
            "noise_clamp": model.noise_clamp,
            "eos_threshold": model.eos_threshold,
            "frames_after_eos": self._loaded.frames_after_eos,
        }
        chosen = {name: own[name] if asked[name] is None else asked[name] for name in own}
        return Manner(**chosen, frame_rate=model.mimi.frame_rate)

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        """The clip as keys and values of the language model, as ``pocket-tts export-voice`` has it."""
        from pocket_tts.data.audio_utils import convert_audio, end_on_pause

        from .voice import longest_clip_s, to_tensors

        if not self.info.clones:
            raise InvalidRequest(
                "These weights of Pocket TTS cannot clone voices; those of kyutai/pocket-tts can.",
                code="cannot_clone",
            )
        rate = self._model.sample_rate
        longest = int(longest_clip_s(self._network.language_shape, self._model.mimi.frame_rate) * clip.sample_rate)
        with self._torch.inference_mode(), memory_errors("pocket"):
            audio = self._torch.from_numpy(clip.samples[:longest].copy())[None]
            audio = end_on_pause(convert_audio(audio, clip.sample_rate, rate, 1), rate)[0]
            prompt = self._network.with_begin(self._network.voice_prompt(audio))
            return to_tensors(self._network.prefill(prompt))


def seed_of(job: SynthesisJob) -> int:
    """The job's seed; where it has none, one of its own that is the same when the job is repeated after a crash."""
    if job.seed is not None:
        return job.seed
    said = f"{job.utterance_id}\n{job.segment_index}\n{job.text}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(said).digest()[:8], "big") >> 1
