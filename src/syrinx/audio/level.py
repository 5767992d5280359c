"""Loudness: clean-up of what a model emits, gain that limits and never wraps, and measures of level."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from syrinx.core.types import Samples

AUDIBLE_DBFS = -60.0
"""A sample above this is heard (the glossary's TTFA; ``UtteranceRecord.audible_ttfa_s``)."""
CEILING = 0.98
"""Nothing leaves above this but what came in so; -0.18 dBFS leaves room for the overshoot of resamplers and codecs."""
SANE_PEAK = 8.0
"""Models overshoot 1.0 a little; what is 18 dB over is broken and is clamped before it meets a filter."""
BLOCK_S = 0.005
"""Step of the limiter's gain and its look-ahead: shorter distorts low voices, longer is heard as delay."""
FADE_S = 0.02
"""Of a change of volume: too slow to click, and heard as at once."""
RELEASE_S = 0.1
"""From full reduction back to none; usual for speech limiters (50 to 200 ms)."""


def sanitize(samples: Samples) -> Samples:
    """Return samples without NaN or infinity (both become 0) and within +-``SANE_PEAK``; as is if they already are."""
    if len(samples) == 0 or np.abs(samples).max() <= SANE_PEAK:  # a NaN makes the comparison false
        return samples
    clean = np.where(np.isfinite(samples), samples, np.float32(0))
    return np.clip(clean, -SANE_PEAK, SANE_PEAK, dtype=np.float32)


def peak(samples: Samples) -> float:
    """Return the largest magnitude, 0.0 for none."""
    return float(np.abs(samples).max()) if len(samples) else 0.0


def rms(samples: Samples) -> float:
    """Return the root of the mean square, 0.0 for none."""
    return math.sqrt(float(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def first_audible(samples: Samples, threshold_dbfs: float = AUDIBLE_DBFS) -> int | None:
    """Return the index of the first sample whose magnitude is above ``threshold_dbfs``, or None."""
    audible = np.abs(samples) > amplitude(threshold_dbfs)
    index = int(audible.argmax()) if len(audible) else 0
    return index if len(audible) and audible[index] else None


def amplitude(dbfs: float) -> float:
    """Return the linear amplitude of a level."""
    return 10.0 ** (dbfs / 20.0)


@lru_cache(maxsize=64)
def rise(length: int) -> Samples:
    """Return a raised cosine from 0 to 1, shape (length,); read-only, because it is shared."""
    curve = (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)).astype(np.float32)
    curve.flags.writeable = False
    return curve


class Volume:
    """Gain that may change at any time: the chain's last step before the encoder.

    Up to 1 it costs no delay; once it was above 1 it is limited to the end.
    """

    def __init__(self, sample_rate: int, gain: float) -> None:
        self._rate = sample_rate
        self._fader = Fader(sample_rate, gain)
        self._stage: Gain | Limiter = Gain(self._fader)
        if gain > 1.0:
            self._stage = Limiter(sample_rate, self._fader)

    def adjust(self, gain: float) -> None:
        """Move to another gain, within ``FADE_S``, from the next sample on."""
        self._fader.move(gain)
        if gain > 1.0 and isinstance(self._stage, Gain):
            self._stage = Limiter(self._rate, self._fader, last=1.0)

    def push(self, samples: Samples) -> Samples:
        return self._stage.push(samples)

    def flush(self) -> Samples:
        return self._stage.flush()


class Fader:
    """Multiplies by a gain; a change is a straight line of ``FADE_S``, so that it does not click."""

    def __init__(self, sample_rate: int, gain: float) -> None:
        self._length = max(1, round(sample_rate * FADE_S))
        self._gain = self._goal = gain
        self._left = 0

    def move(self, gain: float) -> None:
        """Begin to move towards a gain."""
        if gain != self._goal:
            self._goal, self._left = gain, self._length

    def apply(self, samples: Samples) -> Samples:
        moving = min(self._left, len(samples))
        if not moving:
            return samples if self._gain == 1.0 else samples * np.float32(self._gain)
        step = (self._goal - self._gain) / self._left
        line = self._gain + step * np.arange(1, moving + 1)
        self._left -= moving
        self._gain = float(line[-1]) if self._left else self._goal
        return np.concatenate((samples[:moving] * line.astype(np.float32), samples[moving:] * np.float32(self._gain)))


class Gain:
    """Multiplies at once. Samples above ``CEILING`` are bent, so that no codec must clip; for gains up to 1."""

    def __init__(self, fader: Fader) -> None:
        self._fader = fader

    def push(self, samples: Samples) -> Samples:
        scaled = self._fader.apply(samples)
        return scaled if peak(scaled) <= CEILING else _bend(scaled)

    def flush(self) -> Samples:
        return np.empty(0, np.float32)


def _bend(samples: Samples) -> Samples:
    """Map what is above the ceiling smoothly (slope 1 at the ceiling) onto what is left below 1."""
    room = np.float32(1.0 - CEILING)
    over = np.maximum(np.abs(samples) - np.float32(CEILING), 0)
    return np.where(over > 0, np.sign(samples) * (np.float32(CEILING) + room * np.tanh(over / room)), samples)


class Limiter:
    """Multiplies and turns down, 5 ms ahead, whatever would pass ``CEILING``; for gains above 1.

    The gain is linear between the ends of 5 ms blocks, and at each end no higher than both neighbours allow, so no
    sample passes the ceiling. It recovers over ``RELEASE_S``. Delay: at most two blocks; the length is kept.
    """

    def __init__(self, sample_rate: int, fader: Fader, last: float = math.nan) -> None:
        """``last``: how much came before what comes first was turned down to; none: nothing came before."""
        self._fader = fader
        self._block = max(1, round(sample_rate * BLOCK_S))
        self._ramp = (np.arange(1, self._block + 1) / self._block)[np.newaxis, :]
        self._rise = BLOCK_S / RELEASE_S
        self._held = np.empty(0, np.float32)
        self._last = last  # the gain at the end of the block before; NaN: none yet

    def push(self, samples: Samples) -> Samples:
        self._held = np.concatenate((self._held, self._fader.apply(samples)))
        ready = len(self._held) // self._block
        if ready < 2:
            return np.empty(0, np.float32)
        blocks = self._held[: ready * self._block].reshape(ready, self._block)
        self._held = self._held[(ready - 1) * self._block :]
        return self._limit(blocks)

    def flush(self) -> Samples:
        length = len(self._held)
        fill = np.zeros(2 * self._block - length % self._block, np.float32)
        return self.push(fill)[:length]

    def _limit(self, blocks: NDArray[np.float32]) -> Samples:
        """Limit all blocks but the last, which is only looked at. ``blocks`` is (k, block), k >= 2."""
        allowed = CEILING / np.maximum(np.abs(blocks).max(axis=1).astype(np.float64), CEILING)
        if math.isnan(self._last):
            self._last = float(allowed[0])
        ends = self._recover(np.minimum(allowed[:-1], allowed[1:]))
        starts = np.concatenate(([self._last], ends[:-1]))
        self._last = float(ends[-1])
        if starts.min() == 1.0 and ends.min() == 1.0:
            return blocks[:-1].reshape(-1)
        gains = starts[:, np.newaxis] + (ends - starts)[:, np.newaxis] * self._ramp
        return (blocks[:-1] * gains.astype(np.float32)).reshape(-1)

    def _recover(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Let the gain rise by at most ``_rise`` a block: e[k] = min(wanted[k], e[k-1] + rise), without a loop."""
        slope = self._rise * np.arange(1, len(wanted) + 1, dtype=np.float64)
        return np.minimum(np.minimum.accumulate(wanted - slope), self._last) + slope
