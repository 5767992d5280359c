"""VibeVoice Realtime 0.5B as a stepped backend: one frame (3200 samples, 133 ms) of one utterance a step."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syrinx.core.errors import TextTooLong
from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import Backend, ModelInfo, SteppedBackend, StepResult, check_job
from syrinx.models.device import choose_device, choose_dtype, memory_errors, release_memory, seeded, set_threads
from syrinx.models.vibevoice import script
from syrinx.models.vibevoice.seed import seed_of

from . import checkpoint, voices
from .options import NAME, RealtimeOptions, read, schema

if TYPE_CHECKING:
    from .network import Network
    from .speaking import Speaking
    from .text import Reader
    from .voice import Voice

SOUND = "1"
"""Changes when this package makes other sound of the same libraries and weights."""
MAX_CHARS = 600


class RealtimeBackend(Backend):
    """Speaks in the voices of presets. Jobs at once take turns, a frame each."""

    def __init__(self, options: RealtimeOptions) -> None:
        self._options = options
        self._steps: _Steps | None = None

    def load(self) -> ModelInfo:
        found = checkpoint.read(self._options.weights)
        paths = voices.find(found)
        from syrinx.models.vibevoice import runtime

        from . import parts, text
        from .network import Network

        device = choose_device(self._options)
        dtype = choose_dtype(self._options)
        attention = runtime.choose_attention(self._options.attention, device, dtype)
        reader = text.Reader(found)
        with memory_errors(NAME):
            network = Network(parts.load(found, device, dtype, attention), device, dtype)
        set_threads(self._options)
        known = f"{runtime.version()}-{found.digest}-{voices.digest_of(paths)}-{dtype}-{attention}"
        self.info = ModelInfo(
            name=NAME,
            title="VibeVoice Realtime 0.5B",
            sample_rate=found.sample_rate,
            voices=tuple(map(voices.info_of, paths)),
            default_voice=next(iter(paths)),
            licence="MIT AND Apache-2.0",
            revision=f"{SOUND}-{known}".replace("torch.", ""),
            max_segment_chars=MAX_CHARS,
            repeatable=True,
            sampled=True,
            options_schema=schema(self._options),
            seconds_per_char=script.SECONDS_PER_CHAR,
        )
        self._steps = _Steps(self.info, self._options, _Loaded(network, reader, paths, found.sizes.positions))
        return self.info

    def stepped(self) -> SteppedBackend:
        assert self._steps is not None, "load comes first"
        return self._steps

    def unload(self) -> None:
        self._steps = None
        gc.collect()
        release_memory()


class _Loaded:
    """The model and its voices, each read when it is first spoken with."""

    def __init__(self, network: Network, reader: Reader, paths: Mapping[str, Path], positions: int) -> None:
        self.network = network
        self.reader = reader
        self.positions = positions
        self._paths = paths
        self._voices: dict[str, Voice] = {}

    def voice(self, name: str) -> Voice:
        from . import voice

        if name not in self._voices:
            self._voices[name] = voice.load(self._paths[name], self.network.device, self.network.dtype)
        return self._voices[name]


class _Steps(SteppedBackend):
    def __init__(self, info: ModelInfo, options: RealtimeOptions, loaded: _Loaded) -> None:
        self._info = info
        self._options = options
        self._loaded = loaded
        self._speaking: dict[str, Speaking] = {}

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        from .speaking import Manner, Speaking

        wishes = read(job.options, self._options)
        voice = self._loaded.voice(job.voice)
        line, ids = self._loaded.reader.read(job.text)
        room = self._loaded.positions - voice.length - len(ids)
        if room < 1:
            raise TextTooLong(self._loaded.positions - voice.length, len(ids), "tokens", param="text")
        most = min(room, script.most_frames(line, wishes.max_frames))
        manner = Manner(wishes.num_diffusion_steps, wishes.guidance_scale, most)
        self._speaking[job.job_id] = Speaking(self._loaded.network, ids, voice, manner, seeded(seed_of(job)))

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        self._speaking.pop(job_id, None)

    def _step_one(self, job_id: str) -> StepResult:
        try:
            with memory_errors(NAME):
                samples, done = self._speaking[job_id].step()
        except Exception as error:  # noqa: BLE001  a model may raise anything; the job fails, the worker lives
            return StepResult(job_id, done=True, error=error)
        chunk = None if samples is None else AudioChunk(samples, self._info.sample_rate)
        return StepResult(job_id, chunk=chunk, done=done)
