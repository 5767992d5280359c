"""A ``ModelHost`` around a ``ModelHost``: what was made before is played back, what is being made is shared.

A job that is neither goes to the model; its audio is put on a tape by a task of its own, so that a listener who reads
slowly holds nobody else up, and kept when it is complete.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from syrinx.core.errors import ModelFailed, SyrinxError, WorkerLost
from syrinx.core.types import SynthesisJob
from syrinx.models.base import ModelInfo, ReferenceClip
from syrinx.store.cache import AudioCache
from syrinx.workers.host import HostLoad, HostState, HostStatus, JobStream, JobTerms, ModelHost, Origin

from .key import key_of
from .policy import Mode, Under, is_wanted, may_listen
from .stream import CachedStream
from .tape import Tape

_log = logging.getLogger("syrinx.workers")


@dataclass(slots=True, eq=False)
class _Making:
    """A job that the model works on."""

    key: str
    job: SynthesisJob
    terms: JobTerms
    stream: JobStream
    tape: Tape = field(default_factory=Tape)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    abandoned: bool = False
    """Nobody listens any more."""


class CachingHost:
    """Implements ``host.ModelHost``."""

    def __init__(self, host: ModelHost, cache: AudioCache, mode: Mode, model_options: Mapping[str, Any]) -> None:
        """``model_options``: what the model is loaded with; its audio depends on them."""
        self.name = host.name
        self._host = host
        self._cache = cache
        self._mode: Mode = mode
        self._model_options = model_options
        self._makings: dict[Tape, _Making] = {}
        """All that the model works on."""
        self._latest: dict[str, _Making] = {}
        """Of those the last that was begun for a key."""
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what passes through ----------------------------------------------------------------------------------------

    @property
    def info(self) -> ModelInfo | None:
        return self._host.info

    @property
    def status(self) -> HostStatus:
        return self._host.status

    @property
    def load(self) -> HostLoad:
        return self._host.load

    async def start(self) -> None:
        await self._host.start()

    async def prepare_voice(self, clip: ReferenceClip) -> bytes:
        return await self._host.prepare_voice(clip)

    async def stop(self) -> None:
        """See ``ModelHost.stop``."""
        try:
            await self._host.stop()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- jobs -------------------------------------------------------------------------------------------------------

    def submit(self, job: SynthesisJob, terms: JobTerms) -> JobStream:
        """See ``ModelHost.submit``."""
        key = self._key(job, terms)
        if key is None:
            return self._host.submit(job, terms)
        stream = CachedStream(key, job, terms, self)
        self.seat(stream)
        return stream

    def keeps(self, job: SynthesisJob, terms: JobTerms) -> bool:
        """See ``ModelHost.keeps``."""
        key = self._key(job, terms)
        return key is not None and self._speaks and self._cache.holds(key)

    def seat(self, stream: CachedStream) -> None:
        """See ``stream.Keeper.seat``: from the cache, else with another who asked for the same, else from the model."""
        stream.leads = False
        tape = self._kept(stream.key) or self._shared(stream)
        if tape is None:
            making = self._make(stream)
            stream.leads, tape = True, making.tape
        stream.tape = tape
        tape.listeners.append(stream)

    def heard(self, stream: CachedStream) -> None:
        """See ``stream.Keeper.heard``."""
        stream.tape.let_go()
        self._tell(stream)

    def paced(self, stream: CachedStream) -> None:
        """See ``stream.Keeper.paced``: the model keeps up with the quickest listener."""
        making = self._makings.get(stream.tape)
        if making is not None and making.tape.listeners:
            quickest = max(reel.terms.playback_rate for reel in making.tape.listeners)
            making.terms = replace(making.terms, playback_rate=quickest)
            making.stream.pace(quickest)

    def left(self, stream: CachedStream) -> JobStream | None:
        """See ``stream.Keeper.left``."""
        tape = stream.tape
        if stream in tape.listeners:
            tape.listeners.remove(stream)
        making = self._makings.get(tape)
        if making is None:
            return None
        making.news.set()
        if tape.listeners:
            return None
        making.abandoned = True
        self._forget(making)
        making.stream.cancel()
        return making.stream

    # --- from the cache ---------------------------------------------------------------------------------------------

    def _key(self, job: SynthesisJob, terms: JobTerms) -> str | None:
        """What its audio is kept under; None: it is not for the cache."""
        info = self._host.info
        if info is None or not is_wanted(self._mode, info, terms.cache):
            return None
        return key_of(job, info, self._model_options)

    @property
    def _speaks(self) -> bool:
        return self._host.status.state not in (HostState.STOPPED, HostState.FAILED)

    def _kept(self, key: str) -> Tape | None:
        if not self._speaks or not self._cache.holds(key):
            return None
        chunks, tape = self._cache.at_hand(key), Tape(origin=Origin.CACHE)
        if chunks is None:
            self._in_background(self._load(key, tape))
        else:
            self._cache.counts.hits += 1
            tape.add(chunks)
            tape.end()
        return tape

    async def _load(self, key: str, tape: Tape) -> None:
        chunks = None
        try:
            chunks = await self._cache.load(key)
        finally:
            if chunks is None:
                tape.end(ModelFailed("The audio that was kept is lost."), again=True)
            else:
                self._cache.counts.hits += 1
                tape.add(chunks)
                tape.end()

    # --- from the model ---------------------------------------------------------------------------------------------

    def _shared(self, stream: CachedStream) -> Tape | None:
        making = self._latest.get(stream.key)
        if making is None or not making.tape.whole:
            return None
        begun = making.tape.made_s > 0
        under = Under(making.terms, begun, blocked=not begun and self._is_blocked(making, stream.terms.timeline))
        if not may_listen(under, stream.terms):
            return None
        self._cache.counts.shared += 1
        return making.tape

    def _is_blocked(self, making: _Making, timeline: str) -> bool:
        """See ``Under.blocked``; jobs of one timeline are made in the order submitted."""
        for before in self._makings.values():
            if before is making:
                return False
            same_line = before.terms.timeline == making.terms.timeline
            if same_line and not any(reel.terms.timeline == timeline for reel in before.tape.listeners):
                return True
        return False

    def _make(self, stream: CachedStream) -> _Making:
        made = self._host.submit(stream.job, stream.terms)
        self._cache.counts.misses += 1
        making = _Making(stream.key, stream.job, stream.terms, made)
        self._makings[making.tape] = self._latest[making.key] = making
        self._in_background(self._record(making))
        return making

    async def _record(self, making: _Making) -> None:
        """Put the model's audio on the tape to its end, and keep it if it is all there."""
        tape = making.tape
        error: SyrinxError | None = WorkerLost(f"The model {self.name} was stopped.")
        again = False
        try:
            while chunks := await making.stream.read():
                tape.add(chunks)
                await self._until_wanted(making)
            error = None
        except SyrinxError as raised:
            error, again = raised, raised.retryable
        except Exception as raised:  # noqa: BLE001  a bug must end the listeners' wait, not hang them
            _log.exception("A bug in the server")
            error = ModelFailed(f"Speaking failed inside the server: {type(raised).__name__}.")
        finally:
            tape.origin = making.stream.origin
            if error is None and not making.abandoned:
                self._keep(making)
            self._forget(making)
            tape.end(error, again=again)

    async def _until_wanted(self, making: _Making) -> None:
        while not (making.tape.wanted or making.abandoned):
            making.news.clear()
            await making.news.wait()

    def _keep(self, making: _Making) -> None:
        """Keep what one run of the model made from beginning to end. A second run may differ by some milliseconds."""
        tape, prompt = making.tape, making.job.prompt
        one_rate = len({chunk.sample_rate for chunk in tape.chunks}) <= 1
        if tape.whole and one_rate and tape.origin is Origin.MODEL:
            self._cache.keep(making.key, tuple(tape.chunks), prompt.digest if prompt is not None else "")

    def _forget(self, making: _Making) -> None:
        self._makings.pop(making.tape, None)
        if self._latest.get(making.key) is making:
            del self._latest[making.key]

    def _tell(self, stream: CachedStream) -> None:
        making = self._makings.get(stream.tape)
        if making is not None and making.tape.wanted:
            making.news.set()

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
