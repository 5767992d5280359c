"""From scores of speech to turns of talk: when one begins and ends. Pure."""

from __future__ import annotations

from .events import EarEvent, SpeechStarted, SpeechStopped
from .settings import EarSettings

WINDOW_MS = 32
HYSTERESIS = 0.15
"""A turn goes on while the score is above the threshold less this, as in Silero's own ``VADIterator``."""
LEAST = 0.01
"""... and above this, likewise."""


class Turns:
    """Takes one score per window, in order."""

    def __init__(self, settings: EarSettings) -> None:
        self._settings = settings
        self._heard_ms = 0
        self._run = 0
        self._silent_since_ms: int | None = None
        self.speaking = False
        """A turn has begun and has not ended."""

    def take(self, score: float) -> EarEvent | None:
        """What the next window's score brings about."""
        self._heard_ms += WINDOW_MS
        return self._during(score) if self.speaking else self._before(score)

    def _before(self, score: float) -> SpeechStarted | None:
        self._run = self._run + 1 if score >= self._settings.threshold else 0
        if self._run < self._settings.onset_windows:
            return None
        began_ms = self._heard_ms - self._run * WINDOW_MS
        self.speaking, self._run, self._silent_since_ms = True, 0, None
        return SpeechStarted(self._heard_ms, max(0, began_ms - self._settings.prefix_padding_ms))

    def _during(self, score: float) -> SpeechStopped | None:
        if score >= self._settings.threshold:
            self._silent_since_ms = None
        elif self._silent_since_ms is None and score < max(self._settings.threshold - HYSTERESIS, LEAST):
            self._silent_since_ms = self._heard_ms - WINDOW_MS
        if self._silent_since_ms is None:
            return None
        if self._heard_ms - self._silent_since_ms < self._settings.silence_duration_ms:
            return None
        self.speaking = False
        return SpeechStopped(self._heard_ms, self._heard_ms)
