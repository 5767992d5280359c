"""A model that runs in the test itself: makes audio when told to, remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

import numpy as np

from syrinx.core.errors import InvalidRequest, SyrinxError
from syrinx.core.types import AudioChunk, Mark, MarkKind, Span, SynthesisJob
from syrinx.models.base import ModelInfo, ReferenceClip, VoiceInfo
from syrinx.models.prompt import encode_prompt
from syrinx.workers.host import HostLoad, HostState, HostStatus, JobTerms, Origin

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
        self.origin = Origin.MODEL
        self._chunks: deque[AudioChunk] = deque()
        self._hangs = hangs
        self._done = False
        self._error: SyrinxError | None = None
        self._wake = asyncio.Event()

    def give(self, seconds: float, marks: tuple[Mark, ...] = (), level: float = 0.25) -> None:
        self._chunks.append(AudioChunk(np.full(round(seconds * RATE), level, np.float32), RATE, marks))
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

    def pace(self, playback_rate: float) -> None:
        self.terms = replace(self.terms, playback_rate=playback_rate)

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
        self.load = HostLoad(None, max_batch=1)
        self.streams: list[FakeStream] = []
        self.clips: list[ReferenceClip] = []
        """Every clip that a voice was prepared of."""
        self.preparing = asyncio.Event()
        """Clear it, and a voice is prepared for as long."""
        self.preparing.set()
        self.prepare_error: SyrinxError | None = None
        self.may_load = asyncio.Event()
        """Clear it, and loading takes as long."""
        self.may_load.set()
        self.start_error: SyrinxError | None = None
        self.stops = 0
        self._auto = auto
        self._hangs = hangs

    async def start(self) -> None:
        await self.may_load.wait()
        if self.start_error is not None:
            raise self.start_error
        self.status = HostStatus(HostState.READY)

    async def stop(self) -> None:
        self.stops += 1
        self.may_load.set()
        if self._hangs:
            await asyncio.Event().wait()
        self.status = HostStatus(HostState.STOPPED)

    def keeps(self, job: SynthesisJob, terms: JobTerms) -> bool:
        return False

    async def prepare_voice(self, clip: ReferenceClip) -> bytes:
        if self.info is None or not self.info.clones:
            raise InvalidRequest("The model cannot clone voices.", code="cannot_clone")
        self.clips.append(clip)
        await self.preparing.wait()
        if self.prepare_error is not None:
            raise self.prepare_error
        return encode_prompt(self.info.name, self.info.revision, {"level": np.array([0.5], np.float32)})

    def submit(self, job: SynthesisJob, terms: JobTerms) -> FakeStream:
        stream = FakeStream(job, terms, hangs=self._hangs)
        self.streams.append(stream)
        if self._auto:
            stream.speak()
        return stream
