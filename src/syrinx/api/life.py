"""An engine from its start to its end, in a thread and on an event loop of its own.

So the program may call it from any thread and any loop, its loop may end before the engine does, and audio is made
while the program computes.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from syrinx.core.errors import ModelNotReady

from .config import TTSConfig

if TYPE_CHECKING:
    from .service import Service

T = TypeVar("T")

_log = logging.getLogger("syrinx.api")
_worker_log = logging.getLogger("syrinx.worker")

EXIT_S = 5.0
"""Longest wait for the models to stop when the interpreter exits; they end by themselves after that."""


class Life:
    """``ready`` once it can speak, ``ended`` once nothing of it is left. Its methods may be called from any thread."""

    def __init__(self, config: TTSConfig) -> None:
        self.ready: concurrent.futures.Future[Service] = concurrent.futures.Future()
        """Fails with the ``SyrinxError`` that says why it cannot speak, when all is cleared away again."""
        self.ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        for shared in (self.ready, self.ended):
            shared.set_running_or_notify_cancel()  # from now on one who gives up waiting cancels it for nobody
        self._config = config
        self._pid = os.getpid()
        self._loop = _new_loop()
        self._lock = threading.Lock()
        self._asked: set[concurrent.futures.Future[Any]] = set()
        """What ``run`` has not answered yet."""
        self._stop_asked = False
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._main, name="syrinx-engine", daemon=True)

    def start(self) -> None:
        """Begin to load; returns at once."""
        try:
            self._thread.start()
        except RuntimeError:
            self._loop.close()
            raise
        atexit.register(self._exit)

    @property
    def over(self) -> bool:
        """True where it cannot be used any more: stopped, failed, or of the process this one was forked from."""
        return self._stop_asked or self.ended.done() or self.failed or self._forked

    @property
    def failed(self) -> bool:
        """True where it never came to speak, though nobody asked it to stop."""
        return not self._stop_asked and self.ready.done() and self.ready.exception() is not None

    @property
    def _forked(self) -> bool:
        return os.getpid() != self._pid

    def run(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run it on the engine's loop. Raises ``ModelNotReady`` where that has ended."""
        with self._lock:
            if self._loop.is_closed() or self._forked:
                work.close()
                raise ModelNotReady("The engine was shut down.")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._asked.add(future)
        future.add_done_callback(self._asked.discard)
        return future

    def call(self, act: Callable[[], object]) -> None:
        """Do it soon on the engine's loop; never blocks. Nothing happens where that has ended."""
        if not self._forked:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(act)

    def stop(self) -> concurrent.futures.Future[None]:
        """Ask it to end; never blocks. Idempotent. The parent's goes on where a forked child asks."""
        if self._forked:
            nothing: concurrent.futures.Future[None] = concurrent.futures.Future()
            nothing.set_result(None)
            return nothing
        self._stop_asked = True
        self.call(self._stopping.set)
        return self.ended

    def _exit(self) -> None:
        """The interpreter ends and nobody cleaned up."""
        if not self._forked:
            with contextlib.suppress(concurrent.futures.TimeoutError):
                self.stop().result(EXIT_S)

    # --- in the thread ----------------------------------------------------------------------------------------------

    def _main(self) -> None:
        failure: BaseException | None = None
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._live())
        except BaseException as error:  # noqa: BLE001  it is told to those who wait
            failure = error
        with self._lock:
            unanswered = list(self._asked)
        for future in unanswered:  # asked just as the loop closed: nothing would ever answer
            with contextlib.suppress(concurrent.futures.InvalidStateError):
                future.set_exception(ModelNotReady("The engine was shut down."))
        atexit.unregister(self._exit)
        if not self.ready.done():
            self.ready.set_exception(failure or ModelNotReady("The engine was shut down while it started."))
        elif failure is not None:
            _log.error("The engine ended by an error", exc_info=failure)
        self.ended.set_result(None)

    async def _live(self) -> None:
        from syrinx.wiring import build_engine

        from .plan import settings_of
        from .service import Service

        settings = settings_of(self._config)
        own_warm_up = settings.model_copy(update={"warmup_on_startup": False})  # ``prepare`` waits for it
        engine = build_engine(own_warm_up, log=lambda worker, line: _worker_log.info("%s: %s", worker, line))
        service = Service(engine, self._config, settings)
        stopping = asyncio.create_task(self._stopping.wait())
        preparing = asyncio.create_task(service.prepare())
        try:
            await asyncio.wait([stopping, preparing], return_when=asyncio.FIRST_COMPLETED)
            if preparing.done():
                await preparing
                self.ready.set_result(service)
                await stopping
        finally:
            for task in (stopping, preparing):
                task.cancel()
            await asyncio.gather(stopping, preparing, return_exceptions=True)
            await engine.stop()


def _new_loop() -> asyncio.AbstractEventLoop:
    """A loop of the kind that the program uses, which can start processes: the default one needs no signal for that."""
    return asyncio.ProactorEventLoop() if sys.platform == "win32" else asyncio.new_event_loop()
