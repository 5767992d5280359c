"""A model that runs in the test itself: makes audio when told to, remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np

from syrinx.core.errors import SyrinxError
from syrinx.core.types import AudioChunk, Mark, MarkKind, Span, SynthesisJob
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.workers.host import HostLoad, HostState, HostStatus, JobTerms

RATE = 24000
SECONDS_PER_CHAR = 0.01

INFO = ModelInfo(
    name="fake",
    title="Fake",
    sample_rate=RATE,
    voices=(VoiceInfo("ann", "Ann", ("en",), "female"), VoiceInfo("bob", "Bob", ("en",), "male")),
    default_voice="ann",
    licence="Apache-2.0",
    word_times=True,
    max_segment_chars=200,
    seconds_per_char=SECONDS_PER_CHAR,
)


class FakeStream:
    """One job. ``give`` and ``end`` are the model's side."""

    def __init__(self, job: SynthesisJob, terms: JobTerms, *, hangs: bool = False) -> None:
        self.job = job
        self.terms = terms
        self.canceled = False
        self._chunks: deque[AudioChunk] = deque()
        self._hangs = hangs
        self._done = False
        self._error: SyrinxError | None = None
        self._wake = asyncio.Event()

    def give(self, seconds: float, marks: tuple[Mark, ...] = ()) -> None:
        self._chunks.append(AudioChunk(np.full(round(seconds * RATE), 0.25, np.float32), RATE, marks))
        self._wake.set()

    def end(self, error: SyrinxError | None = None) -> None:
        self._done, self._error = True, error
        self._wake.set()

    def speak(self) -> None:
        """Make all of the job at once, with a mark a word, and end."""
        at = 0
        for word in self.job.text.split():
            start = self.job.text.index(word, at)
            at = start + len(word)
            begin, end = start * SECONDS_PER_CHAR, at * SECONDS_PER_CHAR
            self.give(end - begin, (Mark(MarkKind.WORD, Span(start, at), begin, end),))
        self.end()

    async def read(self, least_s: float = 0.0, patience_s: float = 0.0) -> list[AudioChunk]:
        while not self._chunks and not self._done and not self.canceled:
            self._wake.clear()
            await self._wake.wait()
        if self.canceled:
            return []
        chunks = list(self._chunks)
        self._chunks.clear()
        if not chunks and self._error is not None:
            raise self._error
        return chunks

    def cancel(self) -> None:
        self.canceled = True
        self._wake.set()

    @property
    def over(self) -> bool:
        return self._done or self.canceled

    async def wait_idle(self) -> float | None:
        if self._hangs:
            await asyncio.Event().wait()
        return 0.001


class FakeHost:
    """Speaks each job at once (``auto``) or leaves it to the test through ``streams``. ``hangs``: never stops."""

    def __init__(self, *, auto: bool = True, info: ModelInfo = INFO, hangs: bool = False) -> None:
        self.name = info.name
        self.info: ModelInfo | None = info
        self.status = HostStatus(HostState.READY)
        self.load = HostLoad(row_speed=None, batch=1.0, max_batch=1)
        self.streams: list[FakeStream] = []
        self._auto = auto
        self._hangs = hangs

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        if self._hangs:
            await asyncio.Event().wait()
        self.status = HostStatus(HostState.STOPPED)

    def submit(self, job: SynthesisJob, terms: JobTerms) -> FakeStream:
        stream = FakeStream(job, terms, hangs=self._hangs)
        self.streams.append(stream)
        if self._auto:
            stream.speak()
        return stream
