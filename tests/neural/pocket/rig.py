"""Short words for what the tests of Pocket TTS do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from syrinx.core.types import SynthesisJob, VoicePrompt
from syrinx.models.base import ReferenceClip, StepResult
from syrinx.models.pocket.backend import PocketBackend, PocketSteps
from syrinx.models.pocket.options import PocketOptions
from syrinx.models.prompt import encode_prompt

from .case import tiny

TEXT = "The quick brown fox jumps over the lazy dog."


class Rig:
    """A loaded tiny model and what its jobs said."""

    def __init__(self, weights: Path | None = None, **options) -> None:
        self.backend = PocketBackend(PocketOptions(weights=str(weights or tiny()), **{"threads": 1, **options}))
        self.info = self.backend.load()
        self.steps: PocketSteps = self.backend._loaded()
        self.said: dict[str, list[np.ndarray]] = {}

    def open(self, job_id: str, text: str = TEXT, **changes) -> None:
        job = SynthesisJob(job_id, text, self.info.default_voice, "en", seed=7)
        self.steps.open(replace(job, **changes))
        self.said[job_id] = []

    def step(self, job_ids: Iterable[str]) -> list[StepResult]:
        results = self.steps.step(list(job_ids))
        for result in results:
            assert result.error is None, result.error
            if result.chunk is not None:
                self.said[result.job_id].append(result.chunk.samples)
            if result.done:
                self.steps.close(result.job_id)
        return results

    def finish(self, *job_ids: str) -> list[np.ndarray]:
        """Step jobs together to their ends; what each said."""
        running = list(job_ids)
        while running:
            running = [result.job_id for result in self.step(running) if not result.done]
        return [np.concatenate(self.said[job_id]) for job_id in job_ids]

    def speak(self, text: str = TEXT, **changes) -> np.ndarray:
        self.open("alone", text, **changes)
        return self.finish("alone")[0]


def apart(one: np.ndarray, two: np.ndarray) -> float:
    """Largest difference; infinite where the lengths differ."""
    return float(np.abs(one - two).max()) if one.shape == two.shape else np.inf


def clip(pitch_hz: float = 150.0, seconds: float = 3.0, rate: int = 24_000) -> ReferenceClip:
    times = np.arange(int(seconds * rate)) / rate
    tone = 0.4 * np.sin(2 * np.pi * pitch_hz * times) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * times))
    return ReferenceClip(tone.astype(np.float32), rate)


def keep(folder: Path, rig: Rig, tensors, revision: str | None = None) -> VoicePrompt:
    """Keep a prompt as the voice store does."""
    data = encode_prompt("pocket", rig.info.revision if revision is None else revision, tensors)
    path = folder / "prompt.safetensors"
    path.write_bytes(data)
    return VoicePrompt(hashlib.sha256(data).hexdigest(), str(path))
