"""Short words for what the tests of Qwen3-TTS do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from syrinx.core.types import SynthesisJob, VoicePrompt
from syrinx.models.base import ModelInfo, ReferenceClip
from syrinx.models.prompt import encode_prompt
from syrinx.models.qwen.backend import QwenBackend
from syrinx.models.qwen.speech import Voice

from .case import MOST_S, backend

TEXT = "The quick brown fox jumps over the lazy dog."
ROW = 1920
"""Samples of a codec frame."""
ROWS = round(MOST_S * 24_000 / ROW)
"""Codec frames of any job."""


class Rig:
    """A loaded backend."""

    def __init__(self, made: QwenBackend) -> None:
        self.backend = made
        self.info: ModelInfo = made.load()
        self.steps = made.stepped()

    @property
    def voice(self) -> Voice:
        assert self.backend._voice is not None
        return self.backend._voice

    def job(self, job_id: str = "a", text: str = TEXT, **changes: Any) -> SynthesisJob:
        said: dict[str, Any] = {"voice": self.info.default_voice, "language": "en", "seed": 7, **changes}
        return SynthesisJob(job_id, text, **said)

    def speak(self, text: str = TEXT, **changes: Any) -> list[np.ndarray]:
        """Speak to the end; returns its chunks."""
        job = self.job("spoken", text, **changes)
        chunks: list[np.ndarray] = []
        self.steps.open(job)
        try:
            done = False
            while not done:
                (result,) = self.steps.step([job.job_id])
                if result.error is not None:
                    raise result.error
                chunks += [result.chunk.samples] if result.chunk is not None else []
                done = result.done
        finally:
            self.steps.close(job.job_id)
        return chunks

    def sound(self, text: str = TEXT, **changes: Any) -> np.ndarray:
        return np.concatenate(self.speak(text, **changes))

    def clone(self, folder: Path, clip: ReferenceClip) -> VoicePrompt:
        """Keep what a recording gives, as the voice store does."""
        data = encode_prompt(self.info.name, self.info.revision, self.backend.prepare_voice(clip))
        digest = hashlib.sha256(data).hexdigest()
        (folder / digest).write_bytes(data)
        return VoicePrompt(digest, str(folder / digest))


@contextmanager
def loaded(kind: str = "custom_voice", size: str = "0b6", **options: Any) -> Iterator[Rig]:
    """A backend, unloaded afterwards."""
    rig = Rig(backend(kind, size, **options))
    try:
        yield rig
    finally:
        rig.backend.unload()


def recording(seconds: float = 3.0, rate: int = 24_000, text: str = "", pitch: float = 150.0) -> ReferenceClip:
    """A hum that rises and falls."""
    times = np.arange(int(seconds * rate)) / rate
    samples = 0.3 * np.sin(2 * np.pi * pitch * times + 3 * np.sin(4 * times)) * (0.6 + 0.4 * np.sin(9 * times))
    return ReferenceClip(samples.astype(np.float32), rate, text, "en")
