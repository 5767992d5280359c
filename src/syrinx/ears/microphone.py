"""From the bytes of a microphone to steps of samples: any cutting of the bytes gives the same steps. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from syrinx.audio.interpolate import Interpolator
from syrinx.core.types import Samples

from .silero import RATE, STEP


class Microphone:
    """Signed 16-bit little-endian mono at ``rate`` Hertz in, steps of float samples at ``silero.RATE`` out."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._converter = Converter(rate, RATE)
        self._odd = b""
        self._samples = np.empty(0, np.float32)
        self._heard = 0

    @property
    def heard_s(self) -> float:
        """Seconds of audio given so far."""
        return self._heard / self._rate

    def push(self, pcm: bytes) -> Iterator[Samples]:
        """Yield the steps that are whole now, shape (STEP,) each."""
        data = self._odd + pcm
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        self._heard += whole // 2
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32768)
        self._samples = np.concatenate((self._samples, self._converter.push(samples)))
        count = len(self._samples) // STEP
        steps = self._samples[: count * STEP].reshape(count, STEP)
        self._samples = self._samples[count * STEP :]
        yield from steps


class Converter:
    """Another rate with 1 ms of delay (2 ms up from 8 kHz), where ``audio.resample`` has 10 to 40: for ears."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._equal = from_rate == to_rate
        self._reader = Interpolator(from_rate / to_rate)
        self._from, self._to = from_rate, to_rate
        self._made = 0
        self._held = np.zeros(self._reader.reach, np.float32)
        self._first = -self._reader.reach
        """Which sample of the input the first one held is."""

    def push(self, samples: Samples) -> Samples:
        """Return what can be read so far: sample n stands where n * from / to was."""
        if self._equal:
            return samples
        self._held = np.concatenate((self._held, samples))
        end = self._first + len(self._held) - self._reader.reach
        count = max(0, math.ceil(end * self._to / self._from) - self._made)
        begin = self._made * self._from / self._to
        made = self._reader.read(self._held, begin - self._first, count) if count else np.empty(0, np.float32)
        self._made += count
        done = math.floor(self._made * self._from / self._to) - self._reader.reach - self._first
        self._held, self._first = self._held[max(0, done) :], self._first + max(0, done)
        return made
