"""From the bytes of a microphone to windows of samples: any cutting of the bytes gives the same windows. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from syrinx.audio.resample import Resampler
from syrinx.core.types import Samples

from .silero import RATE, WINDOW


class Microphone:
    """Signed 16-bit little-endian mono at ``rate`` Hertz in, float windows at ``silero.RATE`` out."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = Resampler(rate, RATE, prompt=True)
        self._odd = b""
        self._samples = np.empty(0, np.float32)
        self._heard = 0

    @property
    def heard_s(self) -> float:
        """Seconds of audio given so far."""
        return self._heard / self._rate

    def push(self, pcm: bytes) -> Iterator[Samples]:
        """Yield the windows that are whole now, shape (WINDOW,) each."""
        data = self._odd + pcm
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        self._heard += whole // 2
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32768)
        self._samples = np.concatenate((self._samples, self._resampler.push(samples)))
        count = len(self._samples) // WINDOW
        windows = self._samples[: count * WINDOW].reshape(count, WINDOW)
        self._samples = self._samples[count * WINDOW :]
        yield from windows
