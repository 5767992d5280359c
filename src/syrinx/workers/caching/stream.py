"""One listener's job: read from a tape, whoever made it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol

from syrinx.core.errors import ModelFailed
from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.workers.host import JobStream, JobTerms, Origin

from .tape import Tape

FIRST_TAKE_S = 0.1
"""Of audio that is all there, the first read gets this much, so that its first byte leaves at once; then as much as was
heard before ..."""
MOST_TAKE_S = 1.0
"""... up to this: what the chain takes in one go."""
MOST_MOVES = 2
"""So often may a listener be sent elsewhere: once from a broken file, once from another's failed job."""


class Keeper(Protocol):
    """Whom a stream tells what its reader does (the caching host)."""

    def seat(self, stream: CachedStream) -> None:
        """Find or make its audio. Raises as ``ModelHost.submit``."""
        ...

    def heard(self, stream: CachedStream) -> None: ...

    def paced(self, stream: CachedStream) -> None:
        """Its terms have another ``playback_rate``."""
        ...

    def left(self, stream: CachedStream) -> JobStream | None:
        """Return the model's job if nobody listens to it any more; it was canceled."""
        ...


@dataclass(slots=True, eq=False)
class CachedStream:
    """Implements ``host.JobStream`` and ``tape.Reel``. Belongs to one event loop; ``read`` is for one reader."""

    key: str
    job: SynthesisJob
    terms: JobTerms
    keeper: Keeper
    tape: Tape = field(default_factory=Tape)
    leads: bool = False
    position: int = 0
    heard_s: float = 0.0
    canceled: bool = False
    _moves: int = 0
    _least_s: float = 0.0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _ending: JobStream | None = None

    @property
    def origin(self) -> Origin:
        """See ``JobStream.origin``."""
        return self.tape.origin if self.leads else Origin.CACHE

    # --- for the reader ---------------------------------------------------------------------------------------------

    async def read(self, least_s: float = 0.0, patience_s: float = 0.0) -> list[AudioChunk]:
        """See ``JobStream.read``. An error is raised once the audio before it was read, and again on every read."""
        while True:
            await self._wait(least_s, patience_s)
            if self.canceled:
                return []
            if chunks := self._take(least_s):
                return chunks
            if self._may_move():
                self._moves += 1
                self.keeper.seat(self)
            else:
                self.keeper.left(self)  # the tape and its listeners hold each other
                if self.tape.error is not None:
                    raise self.tape.error
                return []

    def pace(self, playback_rate: float) -> None:
        """See ``JobStream.pace``."""
        self.terms = replace(self.terms, playback_rate=playback_rate)
        self.keeper.paced(self)

    def cancel(self) -> None:
        """See ``JobStream.cancel``. The model goes on while others listen."""
        if not self.canceled:
            self.canceled = True
            self._ending = self.keeper.left(self)
            self._news.set()

    async def wait_idle(self) -> float | None:
        """See ``JobStream.wait_idle``. At once where the model does not work for it, or works for others too."""
        return 0.0 if self._ending is None else await self._ending.wait_idle()

    # --- for the tape -----------------------------------------------------------------------------------------------

    def woken(self) -> None:
        """See ``Reel.woken``."""
        if self.tape.over or self.tape.made_s - self.heard_s >= self._least_s:
            self._news.set()

    def parted(self) -> None:
        """See ``Reel.parted``."""
        error = ModelFailed("The audio that was shared with another request is too long to be shared.")
        self.tape = Tape(over=True, error=error, again=True)
        self._news.set()

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _wait(self, least_s: float, patience_s: float) -> None:
        """Until there is enough, or the end, or no patience any more."""
        self._least_s = least_s
        timer = asyncio.get_running_loop().call_later(patience_s, self._hurry) if least_s > 0 else None
        try:
            while not (self.canceled or self.tape.over or self._has_enough()):
                self._news.clear()
                await self._news.wait()
        finally:
            self._least_s = 0.0
            if timer is not None:
                timer.cancel()

    def _has_enough(self) -> bool:
        tape = self.tape
        return self.position < tape.first + len(tape.chunks) and tape.made_s - self.heard_s >= self._least_s

    def _hurry(self) -> None:
        self._least_s = 0.0
        self._news.set()

    def _take(self, least_s: float) -> list[AudioChunk]:
        most_s = max(least_s, min(MOST_TAKE_S, max(FIRST_TAKE_S, self.heard_s)))
        tape, taken, taken_s = self.tape, list[AudioChunk](), 0.0
        for index in range(self.position - tape.first, len(tape.chunks)):
            if taken_s >= most_s:
                break
            chunk = tape.chunks[index]
            taken.append(chunk)
            taken_s += len(chunk.samples) / chunk.sample_rate
        if taken:
            self.position += len(taken)
            self.heard_s += taken_s
            self.keeper.heard(self)
        return taken

    def _may_move(self) -> bool:
        return self.tape.again and not self.leads and self.position == 0 and self._moves < MOST_MOVES
