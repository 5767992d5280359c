"""Where a job's phonemes are cut into pieces that are synthesised one by one. Pure.

The network makes all of a piece at once, so the first piece's length is the time to first audio, and no piece may take
longer to make than what stands before it takes to hear.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from .align import SIGNS
from .units import Unit, split_long

FIRST = 12
"""Phonemes aimed at in the first piece of an utterance: 0.9 s of audio, two or three words."""
MOST = 80
"""Aimed at in any piece: 6 s, a sentence of 16 words. Longer ones are slower per second of audio (measured on one core:
0.71 of real time at 7.5 s, 0.82 at 9.5 s)."""
PACE = 0.5
"""What a second of audio takes to make on a computer that is still to play without a gap, in seconds (measured: 0.4 to
0.5 on two cores). Where one is faster, pieces grow more gently than they might, no more."""
SEGMENT = 48
"""Phonemes that each segment before this one is taken to have had: ten words. (What they did have must not count: a job
sounds the same on a worker that did not speak those.)"""
LEAST, LEAST_SHARE = 12, 0.4
"""No shorter rest is left over, and of a short text no smaller share: a word or two alone sound like a sentence."""
SHORTEST, LONGEST = 0.45, 1.25
"""A piece's bounds, as a share of what is aimed at."""

ENDS, CLAUSES, BRACKETS = ".!?…", ",;:—", '"“”()'
STRESSES = "ˈˌ"


class Ending(enum.IntEnum):
    """What the cut after a piece goes through; the more, the better the cut."""

    PROCLITIC = 0
    """After a word without stress, which leans on the next one ("the")."""
    WORD = 1
    PHRASE = 2
    """Before a word without stress: mostly a new phrase."""
    CLAUSE = 3
    SENTENCE = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """What is synthesised in one call."""

    units: tuple[Unit, ...]
    ending: Ending

    @property
    def phonemes(self) -> str:
        """At most ``LONGEST`` times what was aimed at."""
        return "".join(unit.phonemes + (" " if unit.spaced else "") for unit in self.units).rstrip()


def cut(units: Sequence[Unit], index: int, most: int = MOST) -> list[Piece]:
    """Cut the units of the ``index``-th segment of an utterance, with at most ``most`` phonemes aimed at in a piece."""
    units = list(split_long(units, most))
    pieces: list[Piece] = []
    at, first, said = 0, FIRST * (index > 0), SEGMENT * index
    while at < len(units):
        end = _end(units, at, _aim(first, said, most))
        pieces.append(Piece(tuple(units[at:end]), _ending(units, end)))
        size = len(pieces[-1].phonemes)
        at, first, said = end, first or size, said + size
    return pieces


def _aim(first: int, said: int, most: int) -> int:
    """Phonemes of the next piece, after ``said`` of which the first piece had ``first``.

    All but the first, the next one too, are to be made while those before the next are heard:
    ``PACE * (said - first + next) <= said``.
    """
    return min(most, max(FIRST, int((said / PACE - said + first) / LONGEST)))


def _end(units: Sequence[Unit], at: int, aim: int) -> int:
    """Where the piece that begins at ``at`` ends: the best cut within its bounds, the latest of those alike."""
    sizes = [len(unit.phonemes) + unit.spaced for unit in units[at:]]
    whole = sum(sizes)
    if whole <= aim * LONGEST:
        return len(units)
    least = min(LEAST, LEAST_SHARE * whole)
    best, best_rank, size = at + 1, (-1, -1), 0
    for end, length in enumerate(sizes, at + 1):
        size += length
        if size > aim * LONGEST:
            break
        good = units[end - 1].spaced and size >= aim * SHORTEST and whole - size >= least
        rank = (int(_ending(units, end)) if good else -1, end)
        if rank > best_rank:
            best, best_rank = end, rank
    return best


def _ending(units: Sequence[Unit], end: int) -> Ending:
    """What a cut before ``units[end]`` goes through."""
    last = next((u.phonemes[-1] for u in reversed(units[:end]) if u.phonemes[-1] not in BRACKETS), ".")
    if last in ENDS:
        return Ending.SENTENCE
    if last in CLAUSES:
        return Ending.CLAUSE
    if end == len(units):
        return Ending.SENTENCE  # or whatever the text before the next segment is: it is given its time
    if not _stressed(units[end - 1]):
        return Ending.PROCLITIC
    return Ending.WORD if _stressed(units[end]) else Ending.PHRASE


def _stressed(unit: Unit) -> bool:
    return any(c in STRESSES or c in SIGNS for c in unit.phonemes)
