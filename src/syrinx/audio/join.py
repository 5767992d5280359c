"""Joins between segments: edges fade so that they never click, and silence at them is cut to a sentence's pause.

Runs on the model's own samples, before everything else, because only there the edges are known to the sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from syrinx.core.types import Samples

from .level import AUDIBLE_DBFS, amplitude, rise

NONE = np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class JoinSpec:
    """All in seconds of model audio."""

    fade_s: float = 0.005
    """Raised cosine at each edge; 5 to 10 ms is inaudible on speech and long enough for 100 Hz."""
    lead_s: float = 0.03
    """Silence kept before the first sound of a segment: soft onsets begin below the audible threshold."""
    pause_s: float = 0.4
    """Most silence at a joint, end and start together; readers pause 0.3 to 0.6 s between sentences."""
    hold_s: float = 2.0
    """Silence longer than ``pause_s`` is held back this long to see if sound follows; then it is meant, and is sent."""


class Joiner:
    """Stateful over an utterance. Holds back only the last ``fade_s`` of sound, and silence beyond a pause.

    Silence inside a segment is kept, at its edges (below -60 dBFS) cut. What comes out in total does not depend on how
    segments are cut into chunks.
    """

    def __init__(self, sample_rate: int, spec: JoinSpec = JoinSpec()) -> None:
        self._trim = _Trimmer(sample_rate, spec)
        self._fade = _Fader(max(1, round(sample_rate * spec.fade_s)))

    @property
    def origin(self) -> int:
        """Where the current segment's first sample lies in what comes out (earlier, where leading silence was cut)."""
        return self._trim.origin

    def push(self, samples: Samples, *, new_segment: bool = False) -> Samples:
        """Take more samples; ``new_segment``: they begin a new one. Return what may be sent."""
        ended = self._end() if new_segment else NONE
        kept = self._fade.push(self._trim.push(samples))
        return kept if len(ended) == 0 else np.concatenate((ended, kept))

    def pause(self, samples: int) -> Samples:
        """End the segment and add exactly that much silence; whatever is pushed next begins a new one."""
        ended = self._end()
        self._trim.skip(samples)
        return np.concatenate((ended, np.zeros(samples, np.float32)))

    def finish(self) -> Samples:
        """End the last segment."""
        return self._end()

    def _end(self) -> Samples:
        return np.concatenate((self._fade.push(self._trim.end()), self._fade.end()))


class _Fader:
    """Fades the first and last ``length`` samples of each segment."""

    def __init__(self, length: int) -> None:
        self._curve = rise(length)
        self._done = 0
        self._held = NONE

    def push(self, samples: Samples) -> Samples:
        length = len(self._curve)
        if self._done < length and len(samples):
            curve = self._curve[self._done : self._done + len(samples)]
            samples = np.concatenate((samples[: len(curve)] * curve, samples[len(curve) :]))
            self._done += len(curve)
        both = np.concatenate((self._held, samples))
        ready = max(0, len(both) - length)
        self._held = both[ready:]
        return both[:ready]

    def end(self) -> Samples:
        held, self._held, self._done = self._held, NONE, 0
        return held * self._curve[: len(held)][::-1]


class _Trimmer:
    """Cuts silence at the edges of segments."""

    def __init__(self, sample_rate: int, spec: JoinSpec) -> None:
        self._lead_max = round(sample_rate * spec.lead_s)
        self._pause = round(sample_rate * spec.pause_s)
        self._limit = self._pause + round(sample_rate * spec.hold_s)
        self._threshold = amplitude(AUDIBLE_DBFS)
        self._kept = 0
        self._run = self._pause  # before the first segment there is as much silence as anyone wants
        self._start()

    def _start(self) -> None:
        """Begin a segment; ``_run`` is the silence that was sent right before it."""
        self.origin = self._kept
        self._sounding = False
        self._lead_now = max(0, self._pause - self._run - self._lead_max)
        self._lead = NONE
        self._held: list[Samples] = []

    def skip(self, samples: int) -> None:
        """Count silence that was put between segments on purpose."""
        self._kept += samples
        self._run = self._pause
        self._start()

    def push(self, samples: Samples) -> Samples:
        if len(samples) == 0:
            return samples
        loud = np.abs(samples) > self._threshold
        out: list[Samples] = []
        if not self._sounding:
            onset = int(loud.argmax())
            onset = onset if loud[onset] else len(samples)
            out.append(self._leading(samples[:onset]))
            samples, loud = samples[onset:], loud[onset:]
            if len(samples):
                out.append(self._lead)
                self._sounding = True
        if len(samples):
            after = len(samples) - int(loud[::-1].argmax()) if loud.any() else 0
            out.extend(self._trailing(samples, after))
        kept = out[0] if len(out) == 1 else np.concatenate(out)
        self._kept += len(kept)
        return kept

    def end(self) -> Samples:
        """End the segment; return what is left of a wholly silent one."""
        rest = NONE if self._sounding else self._lead
        self._run = min(self._run, self._pause) if self._sounding else self._run + self._kept + len(rest) - self.origin
        self._kept += len(rest)
        self._start()
        return rest

    def _leading(self, silence: Samples) -> Samples:
        """Pass what the joint still may have; of the rest keep the last ``_lead_max`` samples and drop the others."""
        now, rest = silence[: self._lead_now], silence[self._lead_now :]
        self._lead_now -= len(now)
        both = np.concatenate((self._lead, rest))
        dropped = max(0, len(both) - self._lead_max)
        self._lead = both[dropped:]
        self.origin -= dropped
        return now

    def _trailing(self, samples: Samples, after: int) -> list[Samples]:
        """Pass the sound up to ``after`` with all silence held before it; then a pause; hold what is longer."""
        out: list[Samples] = []
        if after:
            out, self._held, self._run = [*self._held, samples[:after]], [], 0
        silence = samples[after:]
        free = max(0, self._pause - self._run)
        self._run += len(silence)
        out.append(silence[:free])
        self._held.append(silence[free:])
        if self._run > self._limit:
            out, self._held = [*out, *self._held], []
        return out
