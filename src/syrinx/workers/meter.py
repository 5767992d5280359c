"""How fast a model turns steps into audio: a moving average over its stepping time. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_S = 10.0
"""Stepping time over which the averages fade to 1/e: several utterances."""
RECENT_S = 2.0
"""The same where the present speed is asked for: an utterance."""


class Meter:
    """Sums over steps that fade together, so that their ratios are averages weighted by time."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._audio_per_row_s = 0.0
        self._stepping_s = 0.0
        self._row_seconds = 0.0

    def stepped(self, step_s: float, rows: int, audio_s: float) -> None:
        """Count one step of ``rows`` jobs (>= 1) that took ``step_s`` and made ``audio_s`` of audio in all."""
        fade = math.exp(-step_s / self._window_s)
        self._audio_per_row_s = self._audio_per_row_s * fade + audio_s / rows
        self._stepping_s = self._stepping_s * fade + step_s
        self._row_seconds = self._row_seconds * fade + step_s * rows

    @property
    def row_speed(self) -> float | None:
        """Seconds of audio per second of stepping, per job; None until there was audio."""
        if self._audio_per_row_s <= 0 or self._stepping_s <= 0:
            return None
        return self._audio_per_row_s / self._stepping_s

    @property
    def batch(self) -> float:
        """Mean number of jobs per step, by time; 0 before any."""
        return self._row_seconds / self._stepping_s if self._stepping_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of audio per second that a stream gets: what is known of it. Equal bounds: it was measured."""

    least: float
    most: float

    def times(self, factor: float) -> Speed:
        return Speed(self.least * factor, self.most * factor)


class SpeedBySize:
    """How fast a job advances in batches of each size."""

    def __init__(self, window_s: float = RECENT_S) -> None:
        self._window_s = window_s
        self._meters: dict[int, Meter] = {}
        self._beginnings: dict[int, Meter] = {}

    def stepped(self, step_s: float, rows: int, audio_s: float, *, began: bool = False) -> None:
        """Count a step as ``Meter.stepped`` does. ``began``: it was the first of some job, which costs more."""
        meters = self._beginnings if began else self._meters
        meters.setdefault(rows, Meter(self._window_s)).stepped(step_s, rows, audio_s)

    def of(self, rows: int) -> Speed:
        """Return the speed of each job in batches of ``rows``.

        A size that was not seen is no faster than the next smaller one, and no slower than the next larger one, nor
        than the smaller one's jobs stepped one after the other, nor than steps of its own in which jobs began.
        """
        known = _speeds(self._meters)
        if rows in known:
            return Speed(known[rows], known[rows])
        smaller = max((size for size in known if size < rows), default=None)
        larger = min((size for size in known if size > rows), default=None)
        least = _speeds(self._beginnings).get(rows, 0.0)
        if smaller is not None:
            least = max(least, known[smaller] * smaller / rows)
        if larger is not None:
            least = max(least, known[larger])
        return Speed(least, max(least, known[smaller]) if smaller is not None else math.inf)


def _speeds(meters: Mapping[int, Meter]) -> dict[int, float]:
    return {size: speed for size, meter in meters.items() if (speed := meter.row_speed) is not None}
