"""The sidecar's jobs: one utterance each, whose audio is kept for a while so that listeners may come late.

A caller has one job that runs; asking for another ends it. All jobs together keep at most ``JobPolicy.max_bytes`` of
audio: what goes first are jobs that have ended, the oldest before the others, whole; then the beginnings of those that
run, the longest first. So memory is bounded, a job never waits for a listener, and one that has fallen behind is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from syrinx.audio.framing import Framing
from syrinx.core.errors import InvalidRequest, ModelFailed, Overloaded, SyrinxError
from syrinx.core.types import (
    Adjust,
    Append,
    Audio,
    Cancel,
    EncodedAudio,
    End,
    Failed,
    Finished,
    Flush,
    Open,
    SpeechRequest,
)
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.voicereader.answers import AudioPiece, job_canceled, job_done, job_error
from syrinx.protocols.voicereader.errors import job_not_found
from syrinx.protocols.voicereader.requests import Playback
from syrinx.protocols.voicereader.text import TextChunks
from syrinx.server.voicereader.tape import Kept, Tape
from syrinx.server.websocket import EventSession

if TYPE_CHECKING:
    from syrinx.engine.engine import Engine

_log = structlog.get_logger("syrinx.voicereader")

PROTOCOL = "voicereader"
NO_TEXT = TextChunks("", ())
FRAMING = Framing(chunk_s=0.1, first_immediate=True, buffer_bytes=48_000, flush_every=10)
"""The first tenth of a second at once, then about a second a message: players queue messages, and each one costs them
a gap or a call."""
HOLD_S = 0.1
"""Longest time that audio is held back for that."""
LEAD_S = 10.0
"""Audio is made at most this far ahead of the listener, so that a change of rate, pitch or volume is heard soon."""
HEAD_START_S = 0.05
"""A listener connects right after it asked. It is waited for this long with the first piece at hand, because the turns
that the rest of the audio takes would hold up its handshake (measured: by 2 ms of 5)."""
FIRST_PIECE_S = 0.05
"""Less than any first piece: with it at hand, no more is made meanwhile."""


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """Bounds on what is kept."""

    max_bytes: int = 64_000_000
    keep_s: float = 600.0
    """How long a job is kept that has ended."""
    max_jobs: int = 1000
    max_lead_s: float = LEAD_S


class Job:
    """One utterance and what was heard of it."""

    def __init__(self, owner: str, chunks: TextChunks, session: EventSession, kept: Kept) -> None:
        self.id = str(uuid.uuid4())
        self.owner = owner
        self.tape = Tape(kept)
        self._chunks = chunks
        self._session = session

    @property
    def running(self) -> bool:
        return self.tape.last is None

    def begin(self, request: SpeechRequest) -> None:
        """Hand the text over. Raises ``SyrinxError`` where the session takes none of it."""
        self._session.send(Open(self.id, request))
        for text in self._chunks.feed():
            self._session.send(Append(self.id, text))
            self._session.send(Flush(self.id))
        self._session.send(End(self.id))

    def adjust(self, change: Playback) -> None:
        """Speak differently from here on. Raises ``InvalidRequest`` (``job_not_found``) once it has ended."""
        if not self.running:
            raise job_not_found(self.id)
        try:
            self._session.send(Adjust(self.id, speed=change.rate, pitch=change.pitch, volume=change.volume))
        except InvalidRequest as error:
            if error.code != "unknown_utterance":
                raise
            raise job_not_found(self.id) from None  # it ended just now

    def cancel(self, played_s: float | None = None) -> Finished | None:
        """Stop now: no audio is sent after this returns. Returns what was heard of it, by ``played_s`` (see
        ``core.types.Cancel``) or by what was made when. Raises ``InvalidRequest`` once it has ended."""
        if not self.running:
            raise job_not_found(self.id)
        finished = self._stop(played_s)
        self.tape.stop(job_canceled(self.id, finished))
        self._let_go()
        return finished

    def _stop(self, played_s: float | None) -> Finished | None:
        """Cancel the utterance; None: the session has ended it already."""
        with contextlib.suppress(InvalidRequest):
            self._session.send(Cancel(self.id, played_s))
        while (event := self._session.take()) is not None:
            if isinstance(event, Finished):
                return event
        return None

    def hear(self, audio: EncodedAudio) -> None:
        """Take audio from the model. The first of it comes in two pieces: players wait for the second before they
        begin, and a short text has no other."""
        first = len(audio.data) // 4 * 2 if not self.tape.count else 0
        for data in (audio.data[:first], audio.data[first:]):
            if data:
                chunk = self._chunks.at(audio.span.start)
                span = self._chunks.spans[chunk]
                self.tape.add(AudioPiece(self.tape.count + 1, data, audio.sample_rate, chunk, span))

    def end(self, last: bytes) -> None:
        """Nothing comes any more; ``last`` tells why."""
        if self.running:
            self.tape.end(last)
        self._let_go()

    def _let_go(self) -> None:
        """Free all but what was heard: a job is kept for a while."""
        self._session.close()
        self._chunks = NO_TEXT


class Jobs:
    """Every job that is kept. Use from one event loop."""

    def __init__(self, engine: Engine, policy: JobPolicy) -> None:
        self._engine = engine
        self._policy = policy
        self._jobs: dict[str, Job] = {}
        self._current: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept = Kept()

    @property
    def running(self) -> bool:
        """True while any job runs, whoever's it is."""
        return any(job.running for job in self._current.values())

    def speak(self, owner: str, request: SpeechRequest, chunks: TextChunks) -> Job:
        """Begin a job and end the one that this caller has running. Raises ``Overloaded``, and then that one goes on:
        the server ends, or as many jobs as may be kept run all at once.
        """
        self._make_room()
        session = self._engine.session(
            SessionOptions(
                PROTOCOL,
                owner=owner,
                framing=FRAMING,
                max_latency_s=HOLD_S,
                max_lead_s=self._policy.max_lead_s,
                max_untaken_s=FIRST_PIECE_S,
            )
        )
        self.cancel_of(owner)  # first, so that its place is free
        job = Job(owner, chunks, session, self._kept)
        try:
            job.begin(request)
        except SyrinxError:
            session.close()
            raise
        self._jobs[job.id] = self._current[owner] = job
        task = asyncio.create_task(self._run(job, session), name=f"job {job.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def find(self, job_id: str, owner: str | None) -> Job:
        """A job of this caller's (None: of anyone's). Raises ``InvalidRequest`` (``job_not_found``)."""
        job = self._jobs.get(job_id)
        if job is None or owner not in (None, job.owner):
            raise job_not_found(job_id)
        return job

    def cancel_of(self, owner: str) -> None:
        """End what this caller has running, if anything."""
        job = self._current.get(owner)
        if job is not None and job.running:
            job.cancel()

    def close(self) -> None:
        """End every job."""
        for job in self._current.values():
            if job.running:
                job.cancel()

    async def _run(self, job: Job, session: EventSession) -> None:
        """Take what the engine says until the end."""
        try:
            await job.tape.attended(HEAD_START_S)
            while (event := await session.next()) is not None:
                if isinstance(event, Audio):
                    job.hear(event.audio)
                    self._keep_within()
                elif isinstance(event, Finished):
                    job.end(job_done(job.id))
                elif isinstance(event, Failed):
                    _log.warning("job_failed", job=job.id, code=event.error.code, error=str(event.error))
                    job.end(job_error(job.id, event.error))
        except Exception as error:  # noqa: BLE001 - a bug must end one job with a word, not hang its listeners
            _log.exception("job_broke")
            job.end(job_error(job.id, ModelFailed(f"Speaking failed inside the server: {type(error).__name__}.")))
        finally:
            job.end(job_canceled(job.id))
            if self._current.get(job.owner) is job:
                del self._current[job.owner]
            asyncio.get_running_loop().call_later(self._policy.keep_s, self._forget, job.id)

    # --- bounds ----------------------------------------------------------------------------------------------------

    def _forget(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            job.tape.wipe()

    def _oldest_ended(self) -> Job | None:
        return next((job for job in self._jobs.values() if not job.running), None)

    def _make_room(self) -> None:
        while len(self._jobs) >= self._policy.max_jobs:
            job = self._oldest_ended()
            if job is None:
                raise Overloaded(f"{len(self._jobs)} jobs are running already.", retry_after_s=1.0)
            self._forget(job.id)

    def _keep_within(self) -> None:
        while self._kept.size > self._policy.max_bytes:
            ended = self._oldest_ended()
            if ended is not None:
                self._forget(ended.id)
            else:
                max(self._jobs.values(), key=lambda job: job.tape.size).tape.drop_oldest()
