"""From the durations that the model predicts to words in time, speed, and where a piece's silence is cut. Pure.

Durations are frames, one number for each phoneme and one for the silence at either end: shape (phonemes + 2,), int64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from syrinx.core.types import Mark, MarkKind, Samples, Span

from .pieces import Ending, Piece

SAMPLE_RATE = 24_000
FRAME = 600
"""Samples of a frame (the network's upsampling, 2 x 10 x 6 x 5): 25 ms."""
ONSET = 3
"""Frames by which speech is heard before its phoneme's frames begin (``KPipeline.join_timestamps`` of kokoro 0.9.4)."""
HEAD = 4
"""Frames of silence kept before the first phoneme, ``ONSET`` and one to be safe. The model makes several times as much,
which would be time to first audio and, inside a sentence, a halt."""
TAILS = {Ending.PROCLITIC: 1, Ending.WORD: 2, Ending.PHRASE: 2, Ending.CLAUSE: 6, Ending.SENTENCE: 16}
"""Frames of silence kept after a piece, for what it ends with. A comma has a pause of its own beside it."""
FADE = 72
"""Samples (3 ms) of fade at both ends of a piece, so that joins do not click."""

Frames = NDArray[np.int64]


def at_speed(frames: Frames, speed: float) -> Frames:
    """Durations at ``speed`` times the pace. Each end lands on the frame next to its exact time, so that what rounding
    takes from one phoneme the next one gets; none is shorter than a frame."""
    if speed == 1.0:
        return frames
    wanted = np.cumsum(frames) / speed
    made, at = np.empty_like(frames), 0
    for n, end in enumerate(wanted):
        made[n] = max(1, round(end) - at)
        at += int(made[n])
    return made


def trimmed(frames: Frames, ending: Ending, speed: float) -> tuple[int, int]:
    """Frames to cut off (before, after) a piece that ends so."""
    head = max(ONSET, round(HEAD / speed))
    tail = max(1, round(TAILS[ending] / speed))
    return max(0, int(frames[0]) - head), max(0, int(frames[-1]) - tail)


def faded(samples: Samples) -> Samples:
    """Fade both ends from and to silence."""
    count = min(FADE, len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, count, endpoint=False, dtype=np.float32)
    shaped = np.array(samples, np.float32)
    shaped[:count] *= ramp
    shaped[len(shaped) - count :] *= ramp[::-1]
    return shaped


def words(piece: Piece, frames: Frames, cut_before: int) -> list[Mark]:
    """The words of a piece; times count from its first sample, ``cut_before`` frames into what was made.

    A space is shared between the words beside it, as ``KPipeline.join_timestamps`` does.
    """
    edges = np.concatenate(([0], np.cumsum(frames)))
    shift = cut_before + min(ONSET, int(frames[0]))
    found: list[Mark] = []
    at, space = 1, 0.0  # the next phoneme's index, and half of the space before it
    for n, unit in enumerate(piece.units):
        end = at + len(unit.phonemes)
        has_space = unit.spaced and n < len(piece.units) - 1
        half = (edges[end + 1] - edges[end]) / 2 if has_space else 0.0
        if unit.span is not None:
            _add(found, unit.span, _seconds(edges[at] - space - shift), _seconds(edges[end] + half - shift))
        at, space = end + has_space, half
    return found


def _add(found: list[Mark], span: Span, start_s: float, end_s: float) -> None:
    """Units of one word are one mark."""
    if found and found[-1].span == span:
        start_s = found.pop().start_s
    found.append(Mark(MarkKind.WORD, span, start_s, end_s))


def _seconds(frames: float) -> float:
    return max(0.0, float(frames)) * FRAME / SAMPLE_RATE
