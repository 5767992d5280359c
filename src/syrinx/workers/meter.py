"""How fast a model turns steps into audio: moving averages over its stepping time. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_S = 10.0
"""Stepping time over which the averages fade to 1/e: several utterances."""
RECENT_S = 2.0
"""The same where the present speed is asked for: an utterance."""
SEEN_S = 0.3
"""A size of batch stepped for less says little: a hiccup in one of few steps would bend the line."""
EACH = 0.2
"""Weight of the newest in averages over jobs."""
STALE_SHARE = 0.001
"""What a size of batch that was not seen for long still counts: little beside fresh ones, all where it is alone."""


class Meter:
    """Sums over steps that fade together, so that their ratios are averages weighted by time."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._audio_per_row_s = 0.0
        self._stepping_s = 0.0

    def stepped(self, step_s: float, rows: int, audio_s: float) -> None:
        """Count one step of ``rows`` jobs (>= 1) that took ``step_s`` and made ``audio_s`` of audio in all."""
        fade = math.exp(-step_s / self._window_s)
        self._audio_per_row_s = self._audio_per_row_s * fade + audio_s / rows
        self._stepping_s = self._stepping_s * fade + step_s

    @property
    def stepping_s(self) -> float:
        """Stepping time in the averages, faded."""
        return self._stepping_s

    @property
    def row_speed(self) -> float | None:
        """Seconds of audio per second of stepping, per job; None until there was audio."""
        if self._audio_per_row_s <= 0 or self._stepping_s <= 0:
            return None
        return self._audio_per_row_s / self._stepping_s


@dataclass(frozen=True, slots=True)
class StepCost:
    """Seconds of stepping that a second of audio costs each job of a batch: ``base + per_row * rows``."""

    base: float
    per_row: float

    def of(self, rows: int) -> float:
        return self.base + self.per_row * rows

    def listeners(self, max_batch: int, slowest: float = 1.0) -> int:
        """How many one process keeps gapless in batches of at most ``max_batch``; 0: not even one.

        Where the largest batch leaves time for more they share it in turns. Where it does not, each may be made to wait
        for a head start: a second of audio takes up to ``slowest`` (>= 1) seconds.
        """
        whole = self.of(max_batch)
        if whole <= 1:
            return int(min(_MANY, max_batch / whole + _ROUNDING)) if whole > 0 else _MANY
        if not 0 < self.per_row < math.inf:
            return max_batch if whole <= slowest else 0
        return int(min(max_batch, max(0.0, (slowest - self.base) / self.per_row + _ROUNDING)))


_MANY = 1 << 20
_ROUNDING = 1e-9


class CostBySize:
    """What steps cost by the size of their batch: a line through what was measured, and what beginnings add to it."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._meters: dict[int, Meter] = {}
        self._beginnings: dict[int, Meter] = {}
        self._seen_at: dict[int, float] = {}
        self._stepping_s = 0.0
        self._begin_s: float | None = None
        self._job_audio_s: float | None = None

    def stepped(self, step_s: float, rows: int, audio_s: float, *, began: int = 0) -> None:
        """Count a step as ``Meter.stepped`` does. ``began``: it was the first of so many jobs, which costs more."""
        self._stepping_s += step_s
        self._seen_at[rows] = self._stepping_s
        meters = self._beginnings if began else self._meters
        meters.setdefault(rows, Meter(self._window_s)).stepped(step_s, rows, audio_s)
        line = self._line(self._meters) if began else None
        if line is not None:
            more_s = max(0.0, step_s - line.of(rows) * audio_s / rows)
            self._begin_s = _average(self._begin_s, more_s / began)

    def ended(self, audio_s: float) -> None:
        """Count a job that is over and made that much audio. One without any, canceled before its first sound, says
        nothing of how much jobs make: a run of such would make every beginning look like all that the model does."""
        if audio_s > 0:
            self._job_audio_s = _average(self._job_audio_s, audio_s)

    @property
    def cost(self) -> StepCost | None:
        """What listeners cost that come and go; None until there was audio.

        Each of a batch makes all others wait while it begins, once in as much audio as jobs usually make."""
        line = self._line(self._meters)
        if line is None:
            return self._line(self._beginnings)
        if not self._begin_s or not self._job_audio_s:
            return line
        return StepCost(line.base, line.per_row + self._begin_s / self._job_audio_s)

    def _line(self, meters: Mapping[int, Meter]) -> StepCost | None:
        """The line of least squares, each size weighted by the time it was stepped and by how long ago; neither part is
        negative. While one size alone was seen, more rows are taken to cost nothing; sizes that were hardly seen say
        nothing beside others."""
        speeds = _speeds(meters)
        seen = {rows: speed for rows, speed in speeds.items() if meters[rows].stepping_s >= SEEN_S}
        points = [(rows, 1 / speed, self._weight(rows, meters[rows])) for rows, speed in (seen or speeds).items()]
        total = sum(weight for _, _, weight in points)
        if total <= 0:
            return None
        mean_rows = sum(rows * weight for rows, _, weight in points) / total
        mean_cost = sum(cost * weight for _, cost, weight in points) / total
        spread = sum(weight * (rows - mean_rows) ** 2 for rows, _, weight in points)
        slope = sum(weight * (rows - mean_rows) * (cost - mean_cost) for rows, cost, weight in points)
        per_row = min(max(0.0, slope / spread), mean_cost / mean_rows) if spread > 0 else 0.0
        return StepCost(mean_cost - per_row * mean_rows, per_row)

    def _weight(self, rows: int, meter: Meter) -> float:
        fresh = math.exp((self._seen_at[rows] - self._stepping_s) / self._window_s)
        return meter.stepping_s * max(STALE_SHARE, fresh)


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


def _average(before: float | None, newest: float) -> float:
    return newest if before is None else before + EACH * (newest - before)


def _speeds(meters: Mapping[int, Meter]) -> dict[int, float]:
    return {size: speed for size, meter in meters.items() if (speed := meter.row_speed) is not None}
