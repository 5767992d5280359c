"""Raw samples without a header: 16-bit integers and 32-bit floats, little-endian, mono."""

from __future__ import annotations

import numpy as np

from syrinx.core.types import Samples

from .base import Container, ContainerInfo, Encoder
from .convert import to_int16


class _Raw(Encoder):
    """Bytes are the samples, nothing is held."""

    def _begin(self, total_samples: int | None) -> bytes:
        return b""


class PcmS16le(_Raw):
    def _encode(self, samples: Samples) -> bytes:
        return to_int16(samples).tobytes()


class PcmF32le(_Raw):
    def _encode(self, samples: Samples) -> bytes:
        return np.asarray(samples, dtype="<f4").tobytes()


S16LE = Container(
    ContainerInfo("pcm_s16le", "audio/pcm", "pcm", cheap=True, lossless=True, bytes_per_sample=2), PcmS16le
)
F32LE = Container(
    ContainerInfo("pcm_f32le", "audio/pcm", "f32", cheap=True, lossless=True, bytes_per_sample=4), PcmF32le
)
