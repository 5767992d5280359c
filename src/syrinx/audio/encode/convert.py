"""Float samples to the integers of the containers. Clamps, never wraps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from syrinx.core.types import Samples

FULL_SCALE = 32768.0
"""1.0 is 2**15, as libsndfile and FFmpeg read 16-bit files, so 16-bit input comes back bit for bit."""


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """Round finite float32 samples, shape (n,), to little-endian int16; beyond [-1, 1) is clamped."""
    scaled = samples * np.float32(FULL_SCALE)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768.0, 32767.0, out=scaled)
    return scaled.astype("<i2")


def clamp(samples: Samples) -> Samples:
    """Cut to [-1, 1]: lossy codecs distort what is beyond far worse than a clean clip does."""
    return np.clip(samples, -1.0, 1.0, dtype=np.float32)
