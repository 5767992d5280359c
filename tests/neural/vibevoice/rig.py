"""Short words for what the tests of VibeVoice do with a backend."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from syrinx.core.types import Samples, SynthesisJob, VoicePrompt
from syrinx.models.prompt import encode_prompt
from syrinx.models.vibevoice.backend import VibeVoiceBackend

TEXT = "The quick brown fox jumps over the lazy dog."


def job(job_id: str = "a", text: str = TEXT, **changes: Any) -> SynthesisJob:
    given: dict[str, Any] = {"voice": "default", "utterance_id": "u", **changes}
    return SynthesisJob(job_id, text, language="en", **given)


def speak(backend: VibeVoiceBackend, wanted: SynthesisJob) -> list[Samples]:
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


def keep(backend: VibeVoiceBackend, tensors: Any, folder: Path, revision: str | None = None) -> VoicePrompt:
    """A prompt as the voice store keeps it."""
    data = encode_prompt("vibevoice", revision or backend.info.revision, tensors)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:8]}.safetensors"
    path.write_bytes(data)
    return VoicePrompt(hashlib.sha256(data).hexdigest(), str(path))


def whole(chunks: list[Samples]) -> Samples:
    return np.concatenate(chunks)
