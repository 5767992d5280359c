"""One job as the server keeps it: what is needed to send it again, and the audio that waits for its reader."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol

from syrinx.core.errors import SyrinxError
from syrinx.core.types import AudioChunk, SynthesisJob

from .host import JobTerms, Origin
from .messages import Submit

GRANT_SHARE = 0.25
"""Credit goes back once this much of the window was read: few messages, and most of the window always open."""


class Keeper(Protocol):
    """Whom a stream tells what its reader does (the supervisor)."""

    def grant(self, stream: Stream, seconds: float) -> None: ...

    def pace(self, stream: Stream) -> None:
        """Its terms have another ``playback_rate``."""
        ...

    def cancel(self, stream: Stream) -> None: ...


@dataclass(slots=True)
class Progress:
    """How far a job came, over all workers that it was on."""

    samples: int = 0
    marks: int = 0
    retries: int = 0
    suspected: int = 0
    resumed: bool = False
    """A second worker went on where the first had died."""
    heard_until: float = 0.0
    """When the listener will have heard what was received, if it began to play at once (event loop's clock)."""


@dataclass(slots=True, eq=False)
class Stream:
    """Implements ``host.JobStream``. Belongs to one event loop; ``read`` is for one reader."""

    job: SynthesisJob
    terms: JobTerms
    order: int
    submitted_at: float
    window_s: float
    """Most seconds of audio that wait here unread (and one chunk)."""
    keeper: Keeper
    progress: Progress = field(default_factory=Progress)
    idle_s: float | None = None
    """Seconds from ``cancel`` until the model had stopped, once known."""
    canceled: bool = False
    _chunks: list[AudioChunk] = field(default_factory=list)
    _unread_s: float = 0.0
    _least_s: float = 0.0
    """What the reader waits for, unless the job ends first."""
    _ungranted_s: float = 0.0
    _error: SyrinxError | None = None
    _ended: bool = False
    _canceled_at: float = 0.0
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def origin(self) -> Origin:
        """See ``JobStream.origin``."""
        return Origin.RESUMED if self.progress.resumed else Origin.MODEL

    # --- for the reader ---------------------------------------------------------------------------------------------

    async def read(self, least_s: float = 0.0, patience_s: float = 0.0) -> list[AudioChunk]:
        """See ``JobStream.read``. An error is raised once the audio before it was read, and again on every read."""
        self._least_s = least_s
        timer = asyncio.get_running_loop().call_later(patience_s, self._hurry) if least_s > 0 else None
        try:
            while not self._ended and (not self._chunks or self._unread_s < self._least_s):
                self._news.clear()
                await self._news.wait()
        finally:
            self._least_s = 0.0
            if timer is not None:
                timer.cancel()
        if self._chunks:
            return self._take()
        if self._error is not None:
            raise self._error
        return []

    def pace(self, playback_rate: float) -> None:
        """See ``JobStream.pace``."""
        if playback_rate != self.terms.playback_rate:
            self.terms = replace(self.terms, playback_rate=playback_rate)
            if not self._ended:
                self.keeper.pace(self)

    def cancel(self) -> None:
        """See ``JobStream.cancel``. Again, or after the end, it does nothing but drop what was not read."""
        if self.canceled:
            return
        self.canceled = True
        self._canceled_at = asyncio.get_running_loop().time()
        self._chunks.clear()
        self._error = None
        ended, self._ended = self._ended, True
        self._news.set()
        if ended:
            self.stopped()
        else:
            self.keeper.cancel(self)

    async def wait_idle(self) -> float | None:
        """See ``JobStream.wait_idle``. Ends at the latest when the worker is found hung, and dies."""
        await self._gone.wait()
        return self.idle_s

    # --- for the keeper ---------------------------------------------------------------------------------------------

    def received(self, chunk: AudioChunk, now: float) -> None:
        """Take audio from the worker."""
        seconds = len(chunk.samples) / chunk.sample_rate
        progress = self.progress
        progress.samples += len(chunk.samples)
        progress.marks += len(chunk.marks)
        progress.heard_until = max(progress.heard_until, now) + seconds / self.terms.playback_rate
        if self.canceled:
            return
        self._chunks.append(chunk)
        self._unread_s += seconds
        if self._unread_s >= self._least_s:
            self._news.set()

    def ended(self, error: SyrinxError | None = None) -> None:
        """The job is over, and no longer on a worker."""
        if not self._ended:
            self._ended, self._error = True, error
        self._news.set()
        self._gone.set()

    def stopped(self) -> None:
        """The worker works on the canceled job no more."""
        self.idle_s = asyncio.get_running_loop().time() - self._canceled_at
        self._gone.set()

    def message(self, now: float) -> Submit:
        """Return what tells a worker to do the rest of this job. What is left unread stays charged to the window."""
        progress = self.progress
        progress.resumed |= progress.samples > 0
        self._ungranted_s = 0.0
        return Submit(
            self.job,
            replace(self.terms, waited_s=self.terms.waited_s + now - self.submitted_at),
            self.order,
            credit_s=self.window_s - self._unread_s,
            skip_samples=progress.samples,
            skip_marks=progress.marks,
            lead_s=max(0.0, progress.heard_until - now) if progress.samples else 0.0,
            alone=progress.suspected > 0,
        )

    def _hurry(self) -> None:
        self._least_s = 0.0
        self._news.set()

    def _take(self) -> list[AudioChunk]:
        chunks, self._chunks = self._chunks, []
        self._ungranted_s += self._unread_s
        self._unread_s = 0.0
        if not self._ended and self._ungranted_s >= self.window_s * GRANT_SHARE:
            self.keeper.grant(self, self._ungranted_s)
            self._ungranted_s = 0.0
        return chunks
