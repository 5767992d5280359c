"""Sample-rate conversion over a whole utterance, on soxr (HQ: 134 dB SNR, -137 dB alias; 40 to 160 ms of delay)."""

from __future__ import annotations

import numpy as np

from syrinx.core.types import Samples


class Resampler:
    """Stateful converter; what comes out does not depend on how the input is cut. Equal rates pass through."""

    def __init__(self, from_rate: float, to_rate: float) -> None:
        """Rates in Hertz, > 0, not necessarily whole."""
        self._stream = None
        if from_rate != to_rate:
            import soxr

            self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ")

    def push(self, samples: Samples) -> Samples:
        """Return what has come through so far: shape (m,), m about n * to / from over time."""
        if self._stream is None or len(samples) == 0:
            return samples
        return self._stream.resample_chunk(samples)

    def flush(self) -> Samples:
        """Return the tail, so that the total is the input's length times to / from, rounded. Called once, last."""
        if self._stream is None:
            return np.empty(0, np.float32)
        return self._stream.resample_chunk(np.empty(0, np.float32), last=True)
