"""A backend whose engine dies while it speaks of death."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import ModelInfo, SimpleBackend, VoiceInfo
from syrinx.models.orpheus.engine import EngineLost

RATE = 8000


class Dying(SimpleBackend):
    def __init__(self, options: Mapping[str, Any]) -> None:
        del options

    def load(self) -> ModelInfo:
        return ModelInfo("dying", "Dying", RATE, (VoiceInfo("v", "V", ("en",)),), "v", "MIT")

    def synthesize(self, job: SynthesisJob) -> Generator[AudioChunk, None, None]:
        for _ in range(3):
            yield AudioChunk(np.full(RATE, 0.5, np.float32), RATE)
            if "death" in job.text:
                raise EngineLost("vLLM's engine died: of nothing")
