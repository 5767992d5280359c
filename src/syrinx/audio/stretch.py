"""Faster, slower, higher, lower: overlap-add of short grains where the waveform fits best (WSOLA), over an utterance.

Each grain of output is taken from near where it belongs in the input, at the place that continues best what was given
last, and faded into. Read faster or slower, a grain is also higher or lower. So speed and pitch may change between any
two grains without a seam, and any factor costs one stage and the same small delay. Reasons and measurements:
docs/decisions/0009.
"""

from __future__ import annotations

import math

import numpy as np

from syrinx.core.types import Samples

from .interpolate import Interpolator
from .level import rise
from .timemap import TimeMap

HOP_S = 0.01
"""A grain. Shorter than a sound of speech, so that at speed 4 none is skipped as a whole."""
FADE_S = 0.005
"""From what was given last into the grain: half of it, so that noise keeps its level."""
LIKENESS_S = 0.01
"""Length that is compared to find where a grain fits."""
SEARCH_S = 0.008
"""To both sides: together one period of a voice at 62 Hz."""
NEARNESS = 0.1
"""How much correlation a place at the edge of the search must be better by than one in the middle."""
GUARD = 160
"""Samples beyond a grain that are kept for the interpolation (``Interpolator.reach`` at pitch 4, and some)."""
SILENT = 1e-6
NONE = np.empty(0, np.float32)


class Stretch:
    """Speed and pitch by factors that may change at any time. While neither ever left 1, samples pass untouched.

    Length out: the sum of each part's length / its speed, rounded. Delay: a sound comes out once about 10 ms + speed x
    10 ms more were pushed (measured: at most 50 ms at speed 4).
    """

    def __init__(self, sample_rate: int, speed: float = 1.0, pitch: float = 1.0) -> None:
        self._hop = round(sample_rate * HOP_S)
        self._fade = round(sample_rate * FADE_S)
        self._likeness = round(sample_rate * LIKENESS_S)
        self._search = round(sample_rate * SEARCH_S)
        self._rise = rise(self._fade)
        self._memory = self._search + 3 * self._hop + GUARD
        self._map = TimeMap(speed)
        self._reader = self._last_reader = _reader(pitch)
        self._samples: Samples = np.zeros(self._memory, np.float32)
        self._start = -self._memory
        """Where in the input ``_samples`` begins."""
        self._taken = self._given = 0
        self._next = 0.0
        """The place in the input that follows what was given last."""
        self.active = (speed, pitch) != (1.0, 1.0)
        """False: samples pass through untouched."""

    @property
    def speed(self) -> float:
        return self._map.speed

    @property
    def pitch(self) -> float:
        return 1.0 if self._reader is None else self._reader.pitch

    def adjust(self, speed: float, pitch: float, at: float | None = None) -> None:
        """The speed changes at that position of the input (None: with what is pushed next), which must not have come
        yet; the pitch with the next grain."""
        if (speed, pitch) == (self.speed, self.pitch):
            return
        self.active = True
        self._map.change(self._taken if at is None else at, speed)
        if pitch != self.pitch:
            self._reader = _reader(pitch)

    def out(self, position: float) -> float:
        """Where a sample of the input (one of the latest, or to come) lies in the output."""
        return self._map.out(position)

    def forget(self, before: float) -> None:
        """Input positions before this one are not asked for again."""
        self._map.forget(min(before, self._map.at(self._given) - self._memory))

    def push(self, samples: Samples) -> Samples:
        """Return what has come through so far."""
        self._samples = np.concatenate((self._samples, samples))
        self._taken += len(samples)
        if self.active:
            given = self._grains()
        else:
            self._given, self._next, given = self._taken, self._taken, samples
        self._drop()
        return given

    def flush(self) -> Samples:
        """Return the tail, cut or filled to the exact length, its end faded. Called once, last."""
        if not self.active:
            return NONE
        end = round(self._map.out(self._taken))
        missing, parts = end - self._given, list[Samples]()
        fill = np.zeros(round(5 * self._hop * max(1.0, self.speed, self.pitch)), np.float32)
        while self._given < end:
            parts.append(self.push(fill))
        tail = np.concatenate([NONE, *parts])[: max(0, missing)]
        fade = min(self._fade, len(tail))
        tail[len(tail) - fade :] *= self._rise[:fade][::-1]
        return tail

    # --- grains ----------------------------------------------------------------------------------------------------

    def _grains(self) -> Samples:
        grains: list[Samples] = []
        while (grain := self._grain()) is not None:
            grains.append(grain)
            self._given += len(grain)
        return np.concatenate([NONE, *grains])

    def _grain(self) -> Samples | None:
        """The next of the output, or None where too little came in."""
        hop, pitch = self._hop, self.pitch
        if self._map.at(self._given + hop) > self._taken:
            return None  # an end here would come after more than its length
        middle = self._map.at(self._given + 0.5 * hop)
        ideal = middle - 0.5 * hop * pitch
        if self.speed == pitch == 1.0 and self._flows_on(ideal):
            return self._flow()
        first = round(ideal) - self._search
        places = math.floor(2 * self._search / pitch) + 1
        length = max(hop, self._likeness)
        if not (
            self._has(first, places + length, self._reader) and self._has(self._next, self._likeness, self._last_reader)
        ):
            return None
        before = self._read(self._next, self._likeness, self._last_reader)
        around = self._read(first, places + length, self._reader)
        place = self._best(before, around[: places + self._likeness - 1], pitch)
        grain = around[place : place + hop].copy()
        fade = self._fade
        grain[:fade] = before[:fade] + (grain[:fade] - before[:fade]) * self._rise
        self._next = first + (place + hop) * pitch
        self._last_reader = self._reader
        return grain

    def _flows_on(self, ideal: float) -> bool:
        """At speed and pitch 1, no joint is needed as long as it is near enough to where it should be."""
        return self._last_reader is None and abs(self._next - ideal) <= self._search

    def _flow(self) -> Samples | None:
        if not self._has(self._next, self._hop, None):
            return None
        grain = self._read(self._next, self._hop, None)
        self._next += self._hop
        return grain

    def _best(self, before: Samples, around: Samples, pitch: float) -> int:
        """Where in ``around`` that fits best which would have followed."""
        length = len(before)
        squares = np.concatenate(([0.0], np.cumsum(np.square(around, dtype=np.float64))))
        power = (squares[length:] - squares[:-length]) * float(before @ before)
        likeness = np.correlate(around, before, "valid") / np.sqrt(np.maximum(power, 0.0) + SILENT)
        away = np.abs(np.arange(len(likeness)) * (pitch / self._search) - 1.0)
        return int(np.argmax(likeness - NEARNESS * away))

    # --- the input -------------------------------------------------------------------------------------------------

    def _has(self, first: float, count: int, reader: Interpolator | None) -> bool:
        if reader is None:
            return first + count <= self._taken
        return first + count * reader.pitch + reader.reach + 1 <= self._taken

    def _read(self, first: float, count: int, reader: Interpolator | None) -> Samples:
        if reader is None:
            start = round(first) - self._start  # whole: what was read without an interpolator ended between samples
            return self._samples[start : start + count]
        return reader.read(self._samples, first - self._start, count)

    def _drop(self) -> None:
        """Forget what no grain can need any more."""
        needed = min(self._map.at(self._given), self._next) - self._memory
        surplus = math.floor(needed) - self._start
        if surplus > 0:
            self._samples = self._samples[surplus:].copy()
            self._start += surplus


def _reader(pitch: float) -> Interpolator | None:
    """What reads at that pitch; None: samples are taken as they are."""
    return None if pitch == 1.0 else Interpolator(pitch)
