"""What protocols and the Python API call: models by name, sessions, start and end."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Collection, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from syrinx.core.clock import Clock, SystemClock
from syrinx.core.errors import ModelNotReady, Overloaded
from syrinx.core.types import SpeechRequest
from syrinx.engine.admission import AdmissionPolicy
from syrinx.engine.catalog import Catalog, Choice, ModelStatus
from syrinx.engine.fleet import Fleet, ModelSource, SwitchRequest
from syrinx.engine.gate import Gate
from syrinx.engine.policy import EnginePolicy, SessionOptions
from syrinx.engine.preload import preload
from syrinx.engine.record import NoObserver, Observer, UtteranceRecord
from syrinx.engine.services import Services
from syrinx.engine.session import Session
from syrinx.engine.voices import VoiceBook
from syrinx.engine.warmup import WarmUp, speak_through
from syrinx.voices.store import VoiceStore
from syrinx.workers.host import ModelHost

_log = logging.getLogger("syrinx.engine")
T = TypeVar("T")

CANCEL_S = 1.0
"""Time for canceled tasks to run their ``finally``."""


class Engine:
    """Owns the models and every session. Use from one event loop."""

    def __init__(
        self,
        hosts: Sequence[ModelHost],
        policy: EnginePolicy,
        *,
        clock: Clock | None = None,
        observer: Observer | None = None,
        voices: VoiceStore | None = None,
        source: ModelSource | None = None,
    ) -> None:
        """``voices``: the cloned ones; None: there are none and none can be made. ``source``: of ``hosts`` and of other
        models to switch to; None: there are no others."""
        source = source or ModelSource()
        self._policy = policy
        self._clock = clock or SystemClock()
        self._catalog = Catalog(hosts, policy.voices, source.reasons, voices)
        self.voices = VoiceBook(self._catalog, voices)
        self._fleet = Fleet(self._catalog, source, self._gate_for, self._run_in_background)
        self._observer = observer or NoObserver()
        self._executor = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="syrinx-audio")
        self._services = Services(
            resolve=self._catalog.resolve,
            gate=self._fleet.gate,
            using=self._fleet.using,
            policy=policy,
            clock=self._clock,
            observe=self._observe,
            executor=self._executor,
            report=_report,
            background=self._run_in_background,
        )
        self._sessions: set[Session] = set()
        self._background: set[asyncio.Task[Any]] = set()
        self.warmup = WarmUp(policy.warmup, self._speak_aside, self._run_in_background, self._clock)
        self.draining = False

    @property
    def ready(self) -> bool:
        """True while the default model can speak and new sessions are taken."""
        return self._catalog.ready and not self.draining

    def models(self) -> list[ModelStatus]:
        """Every served model, the default first."""
        queued = {host.name: self._fleet.gate(host).queued for host in self._catalog.hosts}
        return [replace(model, queued=queued[model.name]) for model in self._catalog.statuses()]

    def gate(self, model: str) -> Gate:
        """The waiting line of a served model. Raises ``ModelNotFound``."""
        return self._fleet.gate(self._catalog.named(model) or self._catalog.default)

    def resolve(self, model: str | None, voice: str | None) -> Choice:
        """Find model and voice. Raises ``ModelNotFound``, ``VoiceNotFound``, ``ModelNotReady``."""
        return self._catalog.resolve(model, voice)

    def session(self, options: SessionOptions) -> Session:
        """Open a session; close it in ``finally``. Raises ``Overloaded`` while draining."""
        if self.draining:
            raise Overloaded("The server is shutting down.", 5.0)
        session = Session(options, self._services, self._sessions.discard)
        self._sessions.add(session)
        return session

    async def start(self) -> None:
        """Load every model. Returns when all have been tried; raises ``ModelNotReady`` if the default failed.

        The warm-up begins then, where the policy wants one, and nobody waits for it."""
        self.voices.start()
        hosts = self._catalog.hosts
        loading = asyncio.get_running_loop().run_in_executor(self._executor, preload)
        results = await asyncio.gather(*(host.start() for host in hosts), return_exceptions=True)
        await loading
        for host, result in zip(hosts, results, strict=True):
            if isinstance(result, ModelNotReady):
                _log.error("The model %s cannot be used: %s", host.name, result)
            elif isinstance(result, BaseException):
                raise result
        if isinstance(results[0], ModelNotReady) and self._catalog.default is hosts[0]:  # else another took over
            raise results[0]
        if self._policy.warmup.on_startup:
            await self.warmup.trigger(reason="startup")

    async def switch(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        reason: str = "as asked",
        *,
        force: bool = False,
        warm_up: bool = True,
    ) -> None:
        """Make a model the default, loading it beside the old one; the old one speaks until then, and if it fails.

        ``options``: what it is loaded with; None: as the settings say. The model that is the default with the same
        options already is loaded anew only with ``force``. What speaks with the old model does so to its end; then its
        processes stop, unless the settings name it: then it stays, by its name. ``warm_up``: begin a warm-up after it.
        A caller that is canceled calls it off. Raises ``ModelNotFound``, ``ConfigError``; ``ModelNotReady`` where it
        cannot be loaded or another switch is not over.
        """
        work = self._run_in_background(self._fleet.switch(SwitchRequest(name, options, reason, force)))
        try:
            await asyncio.wait([work])
        finally:
            work.cancel()
        if work.cancelled():
            raise ModelNotReady("The server is shutting down.")
        if not work.result():
            return
        self.warmup.reset()
        if warm_up:
            await self.warmup.trigger(reason=reason)

    async def drain(self, timeout_s: float) -> None:
        """Take no new sessions and wait, at most ``timeout_s``, until running speech has ended."""
        self.draining = True
        sessions = list(self._sessions)
        for session in sessions:
            session.drain()
        idle = [asyncio.create_task(session.idle()) for session in sessions]
        if idle:
            try:
                await asyncio.wait(idle, timeout=timeout_s)
            finally:
                await _end(idle)

    async def stop(self) -> None:
        """End every session and stop every model, in ``EnginePolicy.stop_timeout_s`` and ``CANCEL_S`` at the most.

        Call it also where ``start`` raised."""
        self.draining = True
        self.warmup.reset()  # an end that was asked for is no failure to tell of
        self._fleet.close()
        for session in list(self._sessions):
            session.close()
        await self.voices.stop()
        stops = {host: asyncio.create_task(host.stop()) for host in self._fleet.hosts}
        ending = [*stops.values(), *self._background]
        _, late = await asyncio.wait(ending, timeout=self._policy.stop_timeout_s)
        await _end(late)
        for host, stop in stops.items():
            if stop in late:
                _log.error("The model %s did not stop within %g s", host.name, self._policy.stop_timeout_s)
            elif not stop.cancelled() and (error := stop.exception()) is not None:
                _log.error("The model %s did not stop cleanly", host.name, exc_info=error)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _observe(self, record: UtteranceRecord) -> None:
        try:
            self._observer.utterance_ended(record)
        except Exception as error:  # noqa: BLE001  who measures must not break what is measured
            _report(error)

    def _gate_for(self, host: ModelHost) -> Gate:
        return Gate(host, self._policy.admission, self._clock, self._policy.queue_timeout_s)

    async def _speak_aside(self, request: SpeechRequest, text: str) -> None:
        """Speak to nobody: as for a listener, but it takes no place from one, and no measure counts it."""
        if self.draining:
            raise Overloaded("The server is shutting down.", 5.0)
        aside = AdmissionPolicy(max_running=1)
        services = replace(
            self._services,
            gate=lambda host: Gate(host, aside, self._clock, self._policy.queue_timeout_s),
            observe=lambda record: None,
        )
        session = Session(SessionOptions("warmup", owner="warmup"), services, self._sessions.discard)
        self._sessions.add(session)
        await speak_through(session, request, text)

    def _run_in_background(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait a moment until they are over."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_S)


def _report(error: BaseException) -> None:
    _log.error("A bug in the server", exc_info=error)
