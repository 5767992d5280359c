"""How many codec frames are decoded at once: few first, for early audio, then more, for less work. Pure."""

from __future__ import annotations

from collections.abc import Iterator

GROWTH = 1.5
"""Each piece is at most this many times the one before (or one row more), so that a model that makes 1.5 s of audio a
second never falls behind its listener."""


def pieces(first: int, most: int) -> Iterator[int]:
    """Yield the sizes of the pieces, in rows, without end: 2, 3, 4, 6, 9, 13, 19, 24, 24, ..."""
    size = first
    while True:
        yield min(size, most)
        size = min(max(size + 1, int(size * GROWTH)), most)
