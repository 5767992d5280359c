"""An engine without models for tests of protocols and pumps: it "speaks" a fixed piece of audio per text it is given.

Text may hold a directive: ``{{error}}`` fails before any audio, ``{{break}}`` after some, ``{{busy}}`` is refused,
``{{hold}}`` speaks a little and waits to be canceled, ``{{endless}}`` speaks for ever, ``{{bug}}`` raises,
``{{silent}}`` has nothing to speak.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from syrinx.audio.encode import CONTAINERS
from syrinx.core.clock import SystemClock
from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    SyrinxError,
)
from syrinx.core.types import (
    Accepted,
    Append,
    Audio,
    Barge,
    Cancel,
    ClientEvent,
    EncodedAudio,
    End,
    Failed,
    Finished,
    FinishReason,
    Open,
    ServerEvent,
    SpeechRequest,
    Started,
)
from syrinx.engine.catalog import GENERIC_MODELS, OPENAI_MODELS, Catalog, Choice, ModelStatus
from syrinx.engine.engine import Engine
from syrinx.engine.policy import SessionOptions, WarmUpPolicy
from syrinx.engine.voices import VoiceBook
from syrinx.engine.warmup import WarmUp
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.voices.aliases import VoiceDefaults
from syrinx.voices.store import VoiceStore
from syrinx.workers.host import HostState, HostStatus
from tests.fakes.host import FakeHost

PIECE = b"\x01\x02" * 960
"""What is said for every piece of text: 960 samples."""
PIECE_SAMPLES = 960

INFO = ModelInfo(
    name="fake",
    title="Fake",
    sample_rate=24_000,
    voices=(VoiceInfo("eve", "Eve", ("en",), "female"), VoiceInfo("adam", "Adam", ("en",), "male")),
    default_voice="eve",
    licence="Apache-2.0",
)


class FakeEngine:
    """Has the methods of ``Engine`` that the server uses. ``sessions`` keeps every session ever opened.

    ``voices`` is the real thing over a folder of its own, which goes with the engine; give it an ``info`` that clones.
    """

    def __init__(self, info: ModelInfo = INFO, *, ready: bool = True, start_error: SyrinxError | None = None) -> None:
        self.info = info
        self.ready = ready
        self.draining = False
        self.stopped = False
        self.sessions: list[FakeSession] = []
        self._start_error = start_error
        self.host = FakeHost(info=info)
        folder = Path(tempfile.mkdtemp(prefix="syrinx-fake-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        store = VoiceStore(folder / "voices")
        self._catalog = Catalog([self.host], VoiceDefaults(), {}, store)
        self.voices = VoiceBook(self._catalog, store)
        self.switches: list[tuple[str, Mapping[str, Any] | None, str]] = []
        """Every switch asked for: name, options, reason."""
        self.switch_error: SyrinxError | None = None
        self.warmup_error: SyrinxError | None = None
        self.may_warm_up = asyncio.Event()
        """Clear it, and a warm-up takes as long."""
        self.may_warm_up.set()
        self.warmup = WarmUp(WarmUpPolicy(), self._warm_up, self._run_in_background, SystemClock())
        self._tasks: set[asyncio.Task[None]] = set()

    def as_engine(self) -> Engine:
        """Itself, for signatures that name the real one."""
        return cast(Engine, self)

    def models(self) -> list[ModelStatus]:
        state = HostState.READY if self.ready else HostState.STARTING
        status = HostStatus(state, detail="" if self.ready else "loading", restarts=3, running_jobs=1)
        return [ModelStatus(self.info.name, status, self.info if self.ready else None, True, "as asked", queued=2)]

    def resolve(self, model: str | None, voice: str | None) -> Choice:
        if not self.ready:
            raise ModelNotReady("The model 'fake' is still loading.")
        if model not in (None, *GENERIC_MODELS, self.info.name) and not model.startswith(OPENAI_MODELS):
            raise ModelNotFound(f"There is no model {model!r}.", param="model")
        return self._catalog.resolve(None, voice)

    def session(self, options: SessionOptions) -> FakeSession:
        if self.draining:
            raise Overloaded("The server is shutting down.", 5.0)
        session = FakeSession(self, options)
        self.sessions.append(session)
        return session

    async def start(self) -> None:
        if self._start_error is not None:
            raise self._start_error

    async def switch(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        reason: str = "as asked",
        *,
        force: bool = False,
        warm_up: bool = True,
    ) -> None:
        """Be a model of that name from now on; ``switch_error`` is raised instead where set."""
        self.switches.append((name, options, reason))
        if self.switch_error is not None:
            raise self.switch_error
        if name == self.info.name and not force:
            return
        self.info = replace(self.info, name=name)
        self.host = FakeHost(info=self.info)
        self._catalog.lead(self.host, reason)
        self.warmup.reset()
        if warm_up:
            await self.warmup.trigger(reason=reason)

    async def _warm_up(self, request: SpeechRequest, text: str) -> None:
        await self.may_warm_up.wait()
        if self.warmup_error is not None:
            raise self.warmup_error

    def _run_in_background(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, timeout_s: float) -> None:
        self.draining, self.ready = True, False
        for session in self.sessions:
            session.drain()
        async with asyncio.timeout(timeout_s):
            while any(session.live for session in self.sessions):
                await asyncio.sleep(0.001)

    async def stop(self) -> None:
        self.stopped = True
        for session in self.sessions:
            session.close()


@dataclass(slots=True)
class _Utterance:
    opened: Open
    texts: deque[str] = field(default_factory=deque)
    """Not yet said."""
    script: str = ""
    """All of it."""
    ended: bool = False
    samples: int = 0
    steps: Iterator[ServerEvent | None] | None = None


class FakeSession:
    """Makes events only as they are taken, so it is always exactly as fast as its client."""

    def __init__(self, engine: FakeEngine, options: SessionOptions) -> None:
        self.options = options
        self.received: list[ClientEvent] = []
        self.closed = False
        self.live: dict[str, _Utterance] = {}
        self._engine = engine
        self._told: deque[ServerEvent] = deque()
        self.wake = asyncio.Event()
        self._draining = False

    def send(self, event: ClientEvent) -> None:
        self.received.append(event)
        self.wake.set()
        if isinstance(event, Open):
            if event.utterance_id in self.live:
                raise InvalidRequest("open already", code="duplicate_utterance")
            self.live[event.utterance_id] = _Utterance(event)
            self._told.append(Accepted(event.utterance_id))
            return
        if isinstance(event, Barge):
            for name in reversed(list(self.live)):
                self._cancel(name)
            return
        utterance = self.live.get(event.utterance_id)
        if utterance is None:
            raise InvalidRequest("no such utterance", code="unknown_utterance")
        if isinstance(event, Append):
            utterance.texts.append(event.text)
            utterance.script += event.text
        elif isinstance(event, End):
            utterance.ended = True
        elif isinstance(event, Cancel):
            self._cancel(event.utterance_id)

    @property
    def over(self) -> bool:
        return self.closed or (self._draining and not self.live and not self._told)

    def take(self) -> ServerEvent | None:
        if self.closed:
            return None
        return self._told.popleft() if self._told else self._step()

    async def next(self) -> ServerEvent | None:
        while not self.over:
            await asyncio.sleep(0)
            event = self.take()
            if event is not None:
                return event
            if not self.over:
                self.wake.clear()
                await self.wake.wait()
        return None

    def drain(self) -> None:
        self._draining = True
        self.wake.set()

    def close(self) -> None:
        self.closed = True
        self.live.clear()
        self.wake.set()

    def _step(self) -> ServerEvent | None:
        if not self.live:
            return None
        utterance = next(iter(self.live.values()))
        if utterance.steps is None:
            utterance.steps = self._speak(utterance)
        event = next(utterance.steps)
        if isinstance(event, Finished | Failed):
            del self.live[event.utterance_id]
        return event

    def _cancel(self, name: str) -> None:
        """Whoever listens has heard seven characters, whatever they say."""
        utterance = self.live.pop(name)
        self._told.append(Finished(name, FinishReason.CANCELED, utterance.samples, 0.0, 7, utterance.script))

    def _speak(self, utterance: _Utterance) -> Iterator[ServerEvent | None]:
        name, request = utterance.opened.utterance_id, utterance.opened.request
        while not utterance.texts:
            yield None
        try:
            choice = self._engine.resolve(request.model, request.voice)
        except SyrinxError as error:
            yield Failed(name, error)
            return
        rate = request.audio.sample_rate or choice.info.sample_rate
        yield from _refusals(name, utterance.texts[0])
        yield Started(name, choice.info.name, choice.voice, rate)
        piece = EncodedAudio(PIECE, PIECE_SAMPLES, rate, CONTAINERS[request.audio.container].media_type)
        while utterance.texts or not utterance.ended:
            if not utterance.texts:
                yield None
                continue
            text = utterance.texts.popleft()
            utterance.samples += PIECE_SAMPLES
            yield Audio(name, piece)
            yield from _troubles(name, text, Audio(name, piece))
        yield Finished(name, FinishReason.COMPLETED, utterance.samples, utterance.samples / rate, spoken_until=0)


def _refusals(name: str, text: str) -> Iterator[Failed]:
    if "{{error}}" in text:
        yield Failed(name, ModelFailed("The model broke."))
    if "{{silent}}" in text:
        yield Failed(name, EmptyText("There is nothing to speak in this text.", param="input"))
    if "{{busy}}" in text:
        yield Failed(name, Overloaded("Too many are speaking.", retry_after_s=2.5))


def _troubles(name: str, text: str, more: Audio) -> Iterator[ServerEvent | None]:
    while "{{hold}}" in text:
        yield None
    while "{{endless}}" in text:
        yield more
    if "{{bug}}" in text:
        raise RuntimeError("a bug")
    if "{{break}}" in text:
        yield Failed(name, ModelFailed("The model broke."))
