"""Audio of one job that several may listen to, each at a pace of their own, while it is made or after."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from syrinx.core.errors import SyrinxError
from syrinx.core.types import AudioChunk
from syrinx.workers.host import JobTerms, Origin

AHEAD_S = 1.0
"""More is fetched from the model once the quickest listener has less than this unread. The model itself works ahead of
that by its own window."""
MAX_BYTES = 4_000_000
"""Most audio of one tape in memory (41 s at 24 kHz; a segment has 20). A longer job is not kept: what everybody has
heard of it is let go, those who have heard nothing get a job of their own, and the others wait for the slowest."""


class Reel(Protocol):
    """A listener's place on a tape."""

    terms: JobTerms
    leads: bool
    """It is this listener's job that is made."""
    position: int
    """Chunks heard, counted from the beginning."""
    heard_s: float

    def woken(self) -> None:
        """There is news."""
        ...

    def parted(self) -> None:
        """It has to find its audio elsewhere."""
        ...


@dataclass(slots=True, eq=False)
class Tape:
    """Filled by one, read by many. Belongs to one event loop; nothing in it waits."""

    chunks: list[AudioChunk] = field(default_factory=list)
    """From ``first`` on."""
    first: int = 0
    """Chunks that were let go because everybody had heard them."""
    made_s: float = 0.0
    over: bool = False
    error: SyrinxError | None = None
    again: bool = False
    """Those who have heard nothing of it, and whose job it was not, may try again."""
    origin: Origin = Origin.MODEL
    whole: bool = True
    """All of it is here, from the beginning."""
    listeners: list[Reel] = field(default_factory=list)
    _bytes: int = 0

    def add(self, chunks: Iterable[AudioChunk]) -> None:
        """Take audio; it must not be changed any more."""
        for chunk in chunks:
            chunk.samples.flags.writeable = False
            self.chunks.append(chunk)
            self.made_s += _seconds(chunk)
            self._bytes += chunk.samples.nbytes
        if self._bytes > MAX_BYTES:
            self._overflow()
        self._wake()

    def end(self, error: SyrinxError | None = None, *, again: bool = False) -> None:
        """Nothing comes any more."""
        if not self.over:
            self.over, self.error, self.again = True, error, again
            self._wake()

    @property
    def wanted(self) -> bool:
        """Whether more should be fetched now."""
        if not self.listeners or self._bytes > MAX_BYTES:
            return False
        return self.made_s - max(reel.heard_s for reel in self.listeners) < AHEAD_S

    def _overflow(self) -> None:
        self.whole = False
        for reel in [reel for reel in self.listeners if not reel.leads and reel.position == 0]:
            self.listeners.remove(reel)
            reel.parted()
        self.let_go()

    def let_go(self) -> None:
        """Forget what everybody has heard, where the whole does not fit anyway."""
        if self.whole:
            return
        heard = min((reel.position for reel in self.listeners), default=math.inf)
        while self.chunks and self.first < heard:
            self._bytes -= self.chunks.pop(0).samples.nbytes
            self.first += 1

    def _wake(self) -> None:
        for reel in self.listeners:
            reel.woken()


def _seconds(chunk: AudioChunk) -> float:
    return len(chunk.samples) / chunk.sample_rate
