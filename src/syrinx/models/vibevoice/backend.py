"""VibeVoice 1.5B as a stepped backend: one frame (3200 samples, 133 ms) of one utterance a step."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
from syrinx.models.device import choose_device, choose_dtype, memory_errors, release_memory, seeded, set_threads
from syrinx.models.prompt import PromptCache

from . import checkpoint, clone, script
from .options import VibeVoiceOptions, Wishes, read, schema
from .seed import seed_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .network import Network
    from .scribe import Scribe
    from .speaking import Speaking

SOUND = "1"
"""Changes when this package makes other sound of the same library and weights."""
LANGUAGES = ("en", "zh")
"""What it was trained on, says the model's card."""
VOICE = VoiceInfo(
    "default", "Default", LANGUAGES, description="No voice of its own: the model picks one anew each time"
)
"""The published checkpoint has no voices, and speaks without a reference too."""
MAX_CHARS = 600


class VibeVoiceBackend(Backend):
    """Speaks and clones. Jobs at once take turns, a frame each."""

    def __init__(self, options: VibeVoiceOptions) -> None:
        self._options = options
        self._steps: _Steps | None = None

    def load(self) -> ModelInfo:
        found = checkpoint.read(self._options.weights)
        from . import runtime
        from .network import Network
        from .scribe import Scribe

        device = choose_device(self._options)
        dtype = choose_dtype(self._options)
        with memory_errors("vibevoice"):
            loaded = runtime.load(found, device, dtype, self._options.attention)
            network = Network(loaded)
        set_threads(self._options)
        self.info = ModelInfo(
            name="vibevoice",
            title="VibeVoice 1.5B",
            sample_rate=loaded.processor.feature_extractor.sampling_rate,
            voices=(VOICE,),
            default_voice=VOICE.id,
            licence="MIT AND Apache-2.0",
            revision=f"{SOUND}-{runtime.version()}-{found.digest}-{dtype}-{loaded.attention}".replace("torch.", ""),
            max_segment_chars=MAX_CHARS,
            repeatable=True,
            sampled=True,
            clones=True,
            options_schema=schema(self._options),
            seconds_per_char=script.SECONDS_PER_CHAR,
        )
        self._steps = _Steps(self.info, self._options, network, Scribe(loaded))
        return self.info

    def stepped(self) -> SteppedBackend:
        return self._loaded()

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        """Encode the clip; a few seconds on a CPU."""
        with memory_errors("vibevoice"):
            return self._loaded().prepare_voice(clip)

    def unload(self) -> None:
        self._steps = None
        gc.collect()
        release_memory()

    def _loaded(self) -> _Steps:
        assert self._steps is not None, "load comes first"
        return self._steps


class _Steps(SteppedBackend):
    def __init__(self, info: ModelInfo, options: VibeVoiceOptions, network: Network, scribe: Scribe) -> None:
        self._info = info
        self._options = options
        self._network = network
        self._scribe = scribe
        self._prompts = PromptCache()
        self._speaking: dict[str, Speaking] = {}

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        wishes = read(job.options, self._options)
        self._speaking[job.job_id] = self._begin(job, wishes, self._voice(job))

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        self._speaking.pop(job_id, None)

    def prepare_voice(self, clip: ReferenceClip) -> Tensors:
        import torch

        with torch.inference_mode():
            return clone.prompt_of(self._network.encode(self._scribe.recording(clip.samples, clip.sample_rate)))

    def _voice(self, job: SynthesisJob) -> NDArray[np.float32] | None:
        if job.prompt is None:
            return None
        prompt = self._prompts.load(job.prompt, self._info.name)
        if prompt.revision != self._info.revision:
            raise clone.bad_prompt("it was made with other weights, or another version, of this model")
        return clone.latents_in(prompt.tensors, self._network.latent_size)

    def _begin(self, job: SynthesisJob, wishes: Wishes, voice: Any) -> Speaking:
        import torch

        from .speaking import Manner, Speaking

        chance = seeded(seed_of(job))
        line = self._scribe.line(job.text)
        manner = Manner(wishes.num_diffusion_steps, wishes.guidance_scale, script.most_frames(line, wishes.max_frames))
        with torch.inference_mode():
            heard = None if voice is None else self._network.imagine(voice, chance)
        ids = self._scribe.ids(line, 0 if voice is None else len(voice))
        return Speaking(self._network, ids, heard, manner, chance)

    def _step_one(self, job_id: str) -> StepResult:
        try:
            with memory_errors("vibevoice"):
                samples, done = self._speaking[job_id].step()
        except Exception as error:  # noqa: BLE001  a model may raise anything; the job fails, the worker lives
            return StepResult(job_id, done=True, error=error)
        chunk = None if samples is None else AudioChunk(samples, self._info.sample_rate)
        return StepResult(job_id, chunk=chunk, done=done)
