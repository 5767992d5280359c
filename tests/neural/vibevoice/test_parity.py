"""Frames as they stream against the library's own ``generate``, which gives all of it at the end.

Both compute in double precision: in float32 each frame's rounding, which is another on every kind of processor, goes
into the next frame, and hides whether they do the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from syrinx.core.types import Samples
from syrinx.models.base import ReferenceClip
from syrinx.models.vibevoice.backend import VibeVoiceBackend
from tests.fakes.speech import speech

from .case import make, tiny
from .rig import TEXT, job, keep, speak, whole

SEED = 7
FRAMES = 12
HOP = 3200
APART = 1e-7
"""Largest difference of any sample (most are within 0.3): our samples are rounded to float32 in the end."""
CLONED_APART = 5e-6
"""The same where the voice was kept: its latents are float32."""


@pytest.fixture(scope="module")
def backend() -> Iterator[VibeVoiceBackend]:
    made = make(max_frames=FRAMES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("syrinx.models.vibevoice.backend.choose_dtype", lambda _: torch.float64)
        made.load()
    yield made
    made.unload()


@pytest.fixture(scope="module")
def library() -> tuple[Any, Any]:
    from transformers import VibeVoiceForConditionalGeneration, VibeVoiceProcessor

    load = VibeVoiceForConditionalGeneration.from_pretrained
    model = load(tiny(), local_files_only=True, dtype=torch.float64).eval()
    return model, VibeVoiceProcessor.from_pretrained(tiny(), local_files_only=True)


def one_shot(library: tuple[Any, Any], guidance: float, clip: Samples | None = None) -> Samples:
    model, processor = library
    content: list[dict[str, Any]] = [{"type": "text", "text": TEXT}]
    if clip is not None:
        content.append({"type": "audio", "audio": clip})
    written = processor.apply_chat_template([{"role": "0", "content": content}], tokenize=False)
    audio = {} if clip is None else {"audio": [clip], "sampling_rate": 24_000}
    told = processor(text=[written], return_tensors="pt", **audio)
    torch.manual_seed(SEED)
    (made,) = model.generate(
        **{name: part.double() if part.is_floating_point() else part for name, part in told.items()},
        max_new_tokens=FRAMES,
        num_diffusion_steps=2,
        guidance_scale=guidance,
    )
    return made.reshape(-1).numpy()


@pytest.mark.parametrize("guidance", [1.0, 1.3, 3.0])
def test_streamed_frames_are_those_of_one_call(backend: VibeVoiceBackend, library: Any, guidance: float) -> None:
    chunks = speak(backend, job(seed=SEED, options={"guidance_scale": guidance}))
    assert [len(chunk) for chunk in chunks] == [HOP] * FRAMES
    np.testing.assert_allclose(whole(chunks), np.clip(one_shot(library, guidance), -1, 1), atol=APART)


def test_a_clone_sounds_as_with_the_recording_itself(backend: VibeVoiceBackend, library: Any, tmp_path: Path) -> None:
    clip = speech(rate=24_000)
    tensors = backend.prepare_voice(ReferenceClip(clip, 24_000))
    frames = -(-len(clip) // HOP)
    assert {name: array.shape for name, array in tensors.items()} == {"latents": (frames, 16)}
    prompt = keep(backend, tensors, tmp_path)
    cloned = whole(speak(backend, job(seed=SEED, voice="mine", prompt=prompt)))
    np.testing.assert_allclose(cloned, np.clip(one_shot(library, 1.3, clip), -1, 1), atol=CLONED_APART)
    own = whole(speak(backend, job(seed=SEED)))
    assert np.abs(cloned - own).max() > 0.01
