"""What protocols and the Python API call: models by name, sessions, start and end."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Collection, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from syrinx.core.clock import Clock, SystemClock
from syrinx.core.errors import ModelNotReady, Overloaded
from syrinx.engine.catalog import Catalog, Choice, ModelStatus
from syrinx.engine.gate import Gate
from syrinx.engine.policy import EnginePolicy, SessionOptions
from syrinx.engine.record import NoObserver, Observer, UtteranceRecord
from syrinx.engine.session import Session
from syrinx.engine.utterance import Services
from syrinx.engine.warmup import warm_up
from syrinx.workers.host import ModelHost

_log = logging.getLogger("syrinx.engine")

CANCEL_S = 1.0
"""Time for canceled tasks to run their ``finally``."""


class Engine:
    """Owns the models and every session. Use from one event loop."""

    def __init__(
        self,
        hosts: Sequence[ModelHost],
        policy: EnginePolicy,
        *,
        reasons: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._policy = policy
        self._clock = clock or SystemClock()
        self._catalog = Catalog(hosts, policy.voices, reasons or {})
        self._gates = {
            host.name: Gate(host, policy.admission, self._clock, policy.queue_timeout_s) for host in self._catalog.hosts
        }
        self._observer = observer or NoObserver()
        self._executor = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="syrinx-audio")
        self._services = Services(
            resolve=self._catalog.resolve,
            gate=self._gates.__getitem__,
            policy=policy,
            clock=self._clock,
            observe=self._observe,
            executor=self._executor,
            report=_report,
            background=self._run_in_background,
        )
        self._sessions: set[Session] = set()
        self._background: set[asyncio.Task[None]] = set()
        self.draining = False

    @property
    def ready(self) -> bool:
        """True while the default model can speak and new sessions are taken."""
        return self._catalog.ready and not self.draining

    def models(self) -> list[ModelStatus]:
        """Every served model, the default first."""
        return [replace(model, queued=self._gates[model.name].queued) for model in self._catalog.statuses()]

    def gate(self, model: str) -> Gate:
        """The waiting line of a served model."""
        return self._gates[model]

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
        """Load every model. Returns when all have been tried; raises ``ModelNotReady`` if the default failed."""
        hosts = self._catalog.hosts
        warming = asyncio.get_running_loop().run_in_executor(self._executor, warm_up)
        results = await asyncio.gather(*(host.start() for host in hosts), return_exceptions=True)
        await warming
        for host, result in zip(hosts, results, strict=True):
            if isinstance(result, ModelNotReady):
                _log.error("The model %s cannot be used: %s", host.name, result)
            elif isinstance(result, BaseException):
                raise result
        if isinstance(results[0], ModelNotReady):
            raise results[0]

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
        for session in list(self._sessions):
            session.close()
        stops = {host.name: asyncio.create_task(host.stop()) for host in self._catalog.hosts}
        ending = [*stops.values(), *self._background]
        _, late = await asyncio.wait(ending, timeout=self._policy.stop_timeout_s)
        await _end(late)
        for name, stop in stops.items():
            if stop in late:
                _log.error("The model %s did not stop within %g s", name, self._policy.stop_timeout_s)
            elif not stop.cancelled() and (error := stop.exception()) is not None:
                _log.error("The model %s did not stop cleanly", name, exc_info=error)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _observe(self, record: UtteranceRecord) -> None:
        try:
            self._observer.utterance_ended(record)
        except Exception as error:  # noqa: BLE001  who measures must not break what is measured
            _report(error)

    def _run_in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait a moment until they are over."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_S)


def _report(error: BaseException) -> None:
    _log.error("A bug in the server", exc_info=error)
