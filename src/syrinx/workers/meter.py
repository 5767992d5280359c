"""How fast a model turns steps into audio: a moving average over its stepping time. Pure."""

from __future__ import annotations

import math

WINDOW_S = 10.0
"""Stepping time over which the averages fade to 1/e: several utterances."""


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
