"""A cloned voice: the acoustic latents of the reference clip, which is all that the language model reads of it. Pure.

The library keeps the recording and encodes it anew each time; the latents are 50 times smaller, and speech begins
without the encoder.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import InvalidRequest
from syrinx.models.base import Tensors

TENSOR = "latents"
MOST_FRAMES = 1000
"""Two minutes: four times the longest recording that is taken."""
LARGEST = 1e4
"""Of any value: latents are near 1."""


def prompt_of(latents: NDArray[np.float32]) -> Tensors:
    """``latents``: float32 ``[frames, size]``, the means before sampling, unscaled."""
    return {TENSOR: np.ascontiguousarray(latents, np.float32)}


def latents_in(tensors: Tensors, size: int) -> NDArray[np.float32]:
    """Read the prompt: float32 ``[frames, size]``. Raises ``InvalidRequest`` (``bad_prompt``)."""
    array = tensors.get(TENSOR)
    if array is None or array.dtype != np.float32 or array.ndim != 2 or array.shape[1] != size:
        raise bad_prompt(f"it holds no {TENSOR} of {size} values a frame")
    latents = array.astype(np.float32, copy=False)
    if not 1 <= len(latents) <= MOST_FRAMES or not (np.abs(latents) <= LARGEST).all():
        raise bad_prompt(f"its {TENSOR} are out of range")
    return latents


def bad_prompt(why: str) -> InvalidRequest:
    """The refusal of a prompt."""
    return InvalidRequest(f"The voice prompt cannot be used: {why}.", code="bad_prompt", param="voice")
