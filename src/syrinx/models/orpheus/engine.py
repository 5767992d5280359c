"""Tokens by vLLM: its ``AsyncLLM`` on a thread of its own, a task a job. The engine computes in processes of its own.

The engine and its parameters are made by functions that are handed in, so that this runs, and is tested, without vLLM.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any

from .source import FedSource, Feed, Order, Taken

JOIN_S = 30.0
"""Longest wait for the engine's processes to end."""


class EngineLost(SystemExit):
    """The engine's processes are gone, and it cannot start them again: this process must end too.

    The supervisor then starts another, and gives it the jobs of which nothing was heard yet.
    """


class EngineSource(FedSource):
    """``start`` makes the engine; ``params`` makes its sampling parameters for an order; ``stops`` end speech."""

    def __init__(
        self, start: Callable[[], Any], params: Callable[[Order], Any], stops: Collection[int] = frozenset()
    ) -> None:
        super().__init__()
        self._params = params
        self._stops = frozenset(stops)
        self._lost: Exception | None = None
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[Any]] = set()
        """Of jobs; used on the loop alone."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tokens", daemon=True)
        self._thread.start()
        try:
            self.engine: Any = asyncio.run_coroutine_threadsafe(_made(start), self._loop).result()
            """vLLM's."""
        except BaseException:
            self._stop()
            raise

    def begin(self, feed: Feed) -> None:
        running = asyncio.run_coroutine_threadsafe(self._run(feed), self._loop)
        feed.cancels_by(running.cancel)

    def take(self, job_ids: Sequence[str]) -> list[Taken]:
        """Raises ``EngineLost`` once the engine has died."""
        taken = super().take(job_ids)
        if self._lost is not None:
            raise EngineLost(f"vLLM's engine died: {self._lost}")
        return taken

    async def _run(self, feed: Feed) -> None:
        request_id = f"{feed.order.job_id}-{next(self._numbers)}"  # a job may be asked for again
        task = asyncio.current_task()
        assert task is not None, "it runs as one"
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            prompt = {"prompt_token_ids": list(feed.order.prompt.ids)}
            async for output in self.engine.generate(prompt, self._params(feed.order), request_id=request_id):
                said = output.outputs[0]
                feed.put([token for token in said.token_ids if token not in self._stops])
                if output.finished:
                    feed.end(Taken(done=True, cut=said.finish_reason == "length"))
        except asyncio.CancelledError:
            await self.engine.abort(request_id)
            raise
        except Exception as error:  # noqa: BLE001 - whatever the engine raises is this job's end
            if self.engine.errored:
                self._lost = error
            feed.end(Taken(done=True, error=error))

    def unload(self) -> None:
        super().unload()
        asyncio.run_coroutine_threadsafe(self._aborted(), self._loop).result(JOIN_S)
        self.engine.shutdown()
        asyncio.run_coroutine_threadsafe(_ended(), self._loop).result(JOIN_S)
        self.engine = None  # as it goes it looks at the loop, which must still run then
        self._stop()

    async def _aborted(self) -> None:
        """Wait until the engine was told of every cancel."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(JOIN_S)
        self._loop.close()


async def _made(start: Callable[[], Any]) -> Any:
    return start()  # on the loop that it will run on


async def _ended() -> None:
    """End what the engine itself still has on the loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
