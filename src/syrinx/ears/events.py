"""What an ear says. Times are milliseconds of the audio that was given to it, from its first sample on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user has begun to speak."""

    at_ms: int
    """How much audio had to be heard to know it."""
    audio_start_ms: int
    """Where the turn's audio begins: ``prefix_padding_ms`` before the speech, never below 0."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The user has been silent for ``silence_duration_ms``."""

    at_ms: int
    """How much audio had to be heard to know it."""
    audio_end_ms: int
    """Where the turn's audio ends: with the silence that ended it."""


EarEvent = SpeechStarted | SpeechStopped
