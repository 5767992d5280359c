"""One job of the tone model laid out on a timeline of samples. Pure: text in, plan and samples out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syrinx.core.types import Mark, MarkKind, Samples, Span, SynthesisJob

from .directives import Directive, Fault, parse

SAMPLE_RATE = 24_000
"""Hertz: what most neural models deliver."""
SECONDS_PER_CHAR = 0.065
"""Pace at speed 1, about 15 characters a second, as English is read aloud."""
AMPLITUDE = 0.3
"""Peak at volume 1: loud enough to hear, and volume 2 stays below full scale."""
FADE_S = 0.004
"""Fade in and out of each word, as short as does not click."""

TIMBRES: dict[str, tuple[float, ...]] = {
    "sine": (1.0,),
    "bright": (0.6, 0.25, 0.15),
    "hollow": (0.75, 0.0, 0.25),
    "deep": (0.7, 0.3),
}
"""Share of each harmonic (1f, 2f, ...) by voice; shares add up to 1, so that no voice is louder than its amplitude."""
CLONED = TIMBRES["bright"]
"""Of a cloned voice: harmonics, as a voice has them."""


def frequency_of(utterance_id: str) -> float:
    """Return the tone of an utterance, 200 to 1200 Hz in whole Hertz, the same in every process."""
    digest = hashlib.sha256(utterance_id.encode("utf-8", "surrogatepass")).digest()
    return 200.0 + int.from_bytes(digest[:8], "big") % 1001


@dataclass(frozen=True, slots=True)
class Stop:
    """Something to do when all samples before ``sample`` were made."""

    sample: int
    directive: Directive


@dataclass(frozen=True, slots=True)
class Score:
    """One job's timeline. ``total`` counts samples; None: it never ends."""

    total: int | None
    stops: tuple[Stop, ...]
    words: tuple[Mark, ...]
    knot_times: NDArray[np.float64]
    """Seconds, ascending, shape (k,): where the envelope bends."""
    knot_levels: NDArray[np.float64]
    """The envelope there, 0 to 1, shape (k,)."""
    frequency: float
    amplitude: float
    timbre: tuple[float, ...]

    def samples(self, start: int, end: int) -> Samples:
        """Make samples [start, end): the same whatever the cuts, for each depends on its index alone."""
        times = np.arange(start, end, dtype=np.float64) / SAMPLE_RATE
        turn = 2.0 * np.pi * self.frequency * times
        wave = sum(share * np.sin((n + 1) * turn) for n, share in enumerate(self.timbre) if share)
        envelope = np.interp(times, self.knot_times, self.knot_levels)
        return (self.amplitude * envelope * wave).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Sound:
    """A stretch of time in which the tone sounds, and the word it stands for (None: of a directive)."""

    start_s: float
    end_s: float
    word: Span | None = None


def write_score(job: SynthesisJob, frequency: float | None = None) -> Score:
    """Lay out a job, at the ``frequency`` of a cloned voice or that of its utterance.

    Raises ``InvalidRequest`` for a malformed directive.
    """
    sounds, stops, total = _lay_out(job)
    times, levels = _envelope([sound for sound in sounds if sound.end_s > sound.start_s])
    return Score(
        total=total,
        stops=tuple(stops),
        words=tuple(Mark(MarkKind.WORD, s.word, s.start_s, s.end_s) for s in sounds if s.word is not None),
        knot_times=times,
        knot_levels=levels,
        frequency=(frequency or frequency_of(job.utterance_id or job.job_id)) * job.delivery.pitch,
        amplitude=AMPLITUDE * job.delivery.volume,
        timbre=TIMBRES[job.voice] if frequency is None else CLONED,
    )


def _lay_out(job: SynthesisJob) -> tuple[list[_Sound], list[Stop], int | None]:
    """What sounds when, what stops it, and the samples it takes."""
    directives = parse(job.text)
    pace = SECONDS_PER_CHAR / job.delivery.speed
    clock, at = 0.0, 0
    sounds: list[_Sound] = []
    stops: list[Stop] = []
    for directive in directives:
        sounds += _words(job.text, Span(at, directive.span.start), clock, pace)
        clock += (directive.span.start - at) * pace
        at = directive.span.end
        if directive.fault is Fault.RUNAWAY:
            return [*sounds, _Sound(clock, np.inf)], stops, None
        if directive.fault is Fault.LONG:
            sounds.append(_Sound(clock, clock + directive.seconds))
            clock += directive.seconds
        else:
            stops.append(Stop(round(clock * SAMPLE_RATE), directive))
    sounds += _words(job.text, Span(at, len(job.text)), clock, pace)
    clock += (len(job.text) - at) * pace
    return sounds, stops, round(clock * SAMPLE_RATE)


def expected_s(job: SynthesisJob) -> float:
    """Return the seconds a job should take: its text and every ``{{long}}``. Raises as ``write_score`` does."""
    directives = parse(job.text)
    silent = sum(d.span.end - d.span.start for d in directives)
    extra = sum(d.seconds for d in directives if d.fault is Fault.LONG)
    return (len(job.text) - silent) * SECONDS_PER_CHAR / job.delivery.speed + extra


_WORD = re.compile(r"\w[\w'’-]*")


def _words(text: str, part: Span, start_s: float, pace: float) -> list[_Sound]:
    """Words of a part of the text that begins at ``start_s`` and runs at ``pace`` seconds a character."""
    return [
        _Sound(
            start_s + (match.start() - part.start) * pace,
            start_s + (match.end() - part.start) * pace,
            Span(match.start(), match.end()),
        )
        for match in _WORD.finditer(text, part.start, part.end)
    ]


def _envelope(sounds: Sequence[_Sound]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Up at each sound's start, down before its end; silence between."""
    if not sounds:
        return np.zeros(1), np.zeros(1)
    knots = []
    for sound in sounds:
        fade = min(FADE_S, (sound.end_s - sound.start_s) / 2)
        knots += [(sound.start_s, 0.0), (sound.start_s + fade, 1.0)]
        if np.isfinite(sound.end_s):
            knots += [(sound.end_s - fade, 1.0), (sound.end_s, 0.0)]
    times, levels = zip(*knots, strict=True)
    return np.array(times), np.array(levels)
