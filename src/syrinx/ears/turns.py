"""From scores of speech to turns of talk: when one begins and ends. Pure."""

from __future__ import annotations

from .events import EarEvent, SpeechStarted, SpeechStopped
from .settings import EarSettings

STEP_MS = 16
"""From one score to the next (``silero.STEP``)."""
HALF = 0.4
"""Two scores in a row from this part of the threshold are speech too: long consonants score low ("side"), and what is
no speech hardly scores (docs/ears.md)."""
HYSTERESIS = 0.15
"""A turn goes on while the score is above the threshold less this, as in Silero's own ``VADIterator``."""
LEAST = 0.01
"""... and above this, likewise."""


class Turns:
    """Takes one score per step, in order."""

    def __init__(self, settings: EarSettings) -> None:
        self._settings = settings
        self._heard_ms = 0
        self._last = 0.0
        self._silent_since_ms: int | None = None
        self.speaking = False
        """A turn has begun and has not ended."""

    def take(self, score: float) -> EarEvent | None:
        """What the next step's score brings about."""
        self._heard_ms += STEP_MS
        event = self._during(score) if self.speaking else self._before(score)
        self._last = score
        return event

    def _before(self, score: float) -> SpeechStarted | None:
        threshold = self._settings.threshold
        twice = min(score, self._last) >= threshold * HALF
        if score < threshold and not twice:
            return None
        began_ms = self._heard_ms - (2 if twice else 1) * STEP_MS
        self.speaking, self._silent_since_ms = True, None
        return SpeechStarted(self._heard_ms, max(0, began_ms - self._settings.prefix_padding_ms))

    def _during(self, score: float) -> SpeechStopped | None:
        if score >= self._settings.threshold:
            self._silent_since_ms = None
        elif self._silent_since_ms is None and score < max(self._settings.threshold - HYSTERESIS, LEAST):
            self._silent_since_ms = self._heard_ms - STEP_MS
        if self._silent_since_ms is None:
            return None
        if self._heard_ms - self._silent_since_ms < self._settings.silence_duration_ms:
            return None
        self.speaking = False
        return SpeechStopped(self._heard_ms, self._heard_ms)
