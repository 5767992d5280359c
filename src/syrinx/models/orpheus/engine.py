"""Tokens by vLLM in this process: its ``AsyncLLM`` on a thread of its own, a task a job.

The engine and its parameters are made by functions that are handed in, so that this runs, and is tested, without vLLM.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Any

from .ids import TokenIds
from .options import OrpheusOptions
from .source import FedSource, Feed, Order, Taken

JOIN_S = 30.0
"""Longest wait for the engine's processes to end."""


class EngineSource(FedSource):
    """``start`` makes the engine; ``params`` makes its sampling parameters for an order."""

    def __init__(self, start: Callable[[], Any], params: Callable[[Order], Any]) -> None:
        super().__init__()
        self._params = params
        self._numbers = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tokens", daemon=True)
        self._thread.start()
        try:
            self._engine: Any = asyncio.run_coroutine_threadsafe(_made(start), self._loop).result()
        except BaseException:
            self._stop()
            raise

    def begin(self, feed: Feed) -> None:
        running = asyncio.run_coroutine_threadsafe(self._run(feed), self._loop)
        feed.cancels_by(running.cancel)

    async def _run(self, feed: Feed) -> None:
        request_id = f"{feed.order.job_id}-{next(self._numbers)}"  # a job may be asked for again
        try:
            prompt = {"prompt_token_ids": list(feed.order.prompt.ids)}
            async for output in self._engine.generate(prompt, self._params(feed.order), request_id=request_id):
                said = output.outputs[0]
                feed.put(list(said.token_ids))
                if output.finished:
                    feed.end(Taken(done=True, cut=said.finish_reason == "length"))
        except asyncio.CancelledError:
            await self._engine.abort(request_id)
            raise
        except Exception as error:  # noqa: BLE001 - whatever the engine raises is this job's end
            feed.end(Taken(done=True, error=error))

    def unload(self) -> None:
        super().unload()
        asyncio.run_coroutine_threadsafe(_settled(), self._loop).result(JOIN_S)
        self._engine.shutdown()
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(JOIN_S)
        self._loop.close()


async def _made(start: Callable[[], Any]) -> Any:
    return start()  # on the loop that it will run on


async def _settled() -> None:
    """Wait until every other task has ended."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


def engine_of(folder: str, options: OrpheusOptions, device: str) -> Callable[[], Any]:
    """How to start vLLM on a checkpoint."""

    def start() -> Any:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        dtype = options.dtype if options.dtype != "auto" else "float32" if device == "cpu" else "bfloat16"
        share = {} if device == "cpu" else {"gpu_memory_utilization": options.gpu_memory_share}
        arguments = AsyncEngineArgs(
            model=folder,
            dtype=dtype,
            max_model_len=options.context_tokens,
            max_num_seqs=options.max_batch,
            enforce_eager=device == "cpu",
            generation_config="vllm",
            **share,
        )
        return AsyncLLM.from_engine_args(arguments)

    return start


def params_of(ids: TokenIds) -> Callable[[Order], Any]:
    """How to ask vLLM for a job's tokens: only audio and what ends it, each as soon as it is there."""
    allowed = [*range(ids.audio_base, ids.audio_end), *ids.stops]

    def params(order: Order) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            output_kind=RequestOutputKind.DELTA,
            detokenize=False,
            stop_token_ids=list(ids.stops),
            allowed_token_ids=allowed,
            temperature=order.sampling.temperature,
            top_p=order.sampling.top_p,
            repetition_penalty=order.sampling.repetition_penalty,
            max_tokens=order.limit,
            seed=order.seed,
        )

    return params
