"""Short words for what the tests of VibeVoice Realtime do with a backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from syrinx.core.types import Samples, SynthesisJob
from syrinx.models.vibevoice_realtime.backend import RealtimeBackend

TEXT = "The quick brown fox jumps over the lazy dog."
HOP = 3200


def job(job_id: str = "a", text: str = TEXT, **changes: Any) -> SynthesisJob:
    given: dict[str, Any] = {"voice": "en-Carter_man", "utterance_id": "u", **changes}
    return SynthesisJob(job_id, text, language="en", **given)


def speak(backend: RealtimeBackend, wanted: SynthesisJob) -> list[Samples]:
    """Its chunks."""
    steps = backend.stepped()
    steps.open(wanted)
    chunks: list[Samples] = []
    try:
        for _ in range(2000):
            (result,) = steps.step([wanted.job_id])
            if result.error is not None:
                raise result.error
            if result.chunk is not None:
                chunks.append(result.chunk.samples)
            if result.done:
                return chunks
    finally:
        steps.close(wanted.job_id)
    raise AssertionError("it did not end")


def whole(chunks: list[Samples]) -> Samples:
    return np.concatenate(chunks)
