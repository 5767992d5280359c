"""Where a job's phonemes are cut into pieces that are synthesised one by one. Pure.

The network makes all of a piece at once, so the first piece's length is the time to first audio. Each piece is about
twice as long as the one before it: while one is heard the next is made, on anything faster than twice real time.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from .align import SIGNS
from .units import Unit, split_long

FIRST = 16
"""Phonemes aimed at in the first piece of an utterance: 1.2 s of audio."""
MOST = 100
"""Aimed at in any piece: 7.5 s. Longer ones are slower per second of audio (measured: 0.40 of real time at 11 s, 0.60
at 29 s), and cost more when they are cancelled."""
LEAST = 6
"""No shorter rest is left over: a word alone sounds like a sentence."""
SHORTEST, LONGEST = 0.5, 1.25
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
        """At most ``MOST * LONGEST`` characters."""
        return "".join(unit.phonemes + (" " if unit.spaced else "") for unit in self.units).rstrip()


def cut(units: Sequence[Unit], index: int) -> list[Piece]:
    """Cut the units of the ``index``-th segment of an utterance; the rise in length goes on where the last one was."""
    units = list(split_long(units, MOST))
    aim = min(MOST, FIRST << min(index, 8))
    pieces: list[Piece] = []
    at = 0
    while at < len(units):
        end = _end(units, at, aim)
        pieces.append(Piece(tuple(units[at:end]), _ending(units, end)))
        at, aim = end, min(MOST, aim * 2)
    return pieces


def _end(units: Sequence[Unit], at: int, aim: int) -> int:
    """Where the piece that begins at ``at`` ends: the best cut within its bounds, the latest of those alike."""
    sizes = [len(unit.phonemes) + unit.spaced for unit in units[at:]]
    whole = sum(sizes)
    if whole <= aim * LONGEST:
        return len(units)
    best, best_rank = at + 1, (-1, -1)
    size = 0
    for end, length in enumerate(sizes, at + 1):
        size += length
        if size > aim * LONGEST:
            break
        late_enough = size >= aim * SHORTEST and whole - size >= LEAST and units[end - 1].spaced
        rank = (int(_ending(units, end)) if late_enough else -1, end)
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
