"""A listener's buffer as arithmetic: what came when against what should have been played by then. No clock, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

ROUNDING_S = 1e-6
"""Sums of floats differ by less than this; a sample is twenty times longer."""


@dataclass(slots=True)
class PlayHead:
    """Playback begins ``jitter_s`` after the first audio and then runs at one second a second until it runs dry.

    When it does, that is one underrun; it goes on at the moment the next audio comes. Times are seconds on any one
    clock that never goes back.
    """

    jitter_s: float
    begins_at: float | None = None
    """When the first sample is played, moved later by every underrun; None: no audio yet."""
    received_s: float = 0.0
    underruns: int = 0
    dry_s: float = 0.0
    """Silence heard between begin and end that was not in the speech."""

    def receive(self, now: float, audio_s: float) -> None:
        """``audio_s`` more seconds of audio arrived at ``now``."""
        if self.begins_at is None:
            self.begins_at = now + self.jitter_s
        self.check(now)
        self.received_s += audio_s

    def check(self, now: float) -> None:
        """Count an underrun if all audio that came was played before ``now``. Call at the end of a cut-off stream."""
        if self.begins_at is None:
            return
        missing_s = (now - self.begins_at) - self.received_s
        if missing_s > ROUNDING_S:
            self.underruns += 1
            self.dry_s += missing_s
            self.begins_at += missing_s

    @property
    def ends_at(self) -> float:
        """When the last sample received so far is played. Only after the first audio."""
        assert self.begins_at is not None, "nothing was received"
        return self.begins_at + self.received_s
