"""The line to the other server: an event loop in a thread of its own, and the requests that are on it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from syrinx.core.errors import ModelFailed, SyrinxError
from syrinx.core.types import SynthesisJob

from .incoming import Arrivals, Incoming
from .key import Key
from .options import UpstreamOptions
from .readers import EventReader, PcmReader, Reader
from .refusals import refusal
from .wire import Address, check_media_type, speech_body

if TYPE_CHECKING:
    import httpx

MAX_ERROR_BYTES = 64_000
MAX_LIST_BYTES = 4_000_000
"""Of an answer that is read whole."""
MAX_AHEAD_S = 60.0
"""Audio of one job that may wait here; past it the upstream is left to wait. A segment is far shorter, so that its
connection is free again as soon as the upstream has made it."""
FULL_WAIT_S = 0.05
NO_SUCH_LIST = (404, 405, 501)
"""Statuses of servers that have speech and no lists."""

T = TypeVar("T")


class Line:
    """Started once, closed once."""

    def __init__(self, options: UpstreamOptions, key: Key) -> None:
        self._options = options
        self._key = key
        self._address = Address.of(options.base_url)
        self._arrivals = Arrivals()
        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(options.concurrency)
        self._client: httpx.AsyncClient | None = None
        self._thread = threading.Thread(target=self._run, name="upstream", daemon=True)

    def start(self) -> None:
        """Raises nothing of the network's: no connection is made yet."""
        self._thread.start()
        self.call(self._open())

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Drop every request and end the thread."""
        if self._thread.is_alive():
            self.call(self._hang_up())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    # --- what it carries --------------------------------------------------------------------------------------------

    @property
    def arrivals(self) -> Arrivals:
        return self._arrivals

    def get(self, path: str) -> bytes | None:
        """The body of a list; None: the upstream has no such list. Raises ``SyrinxError`` where it cannot be asked."""
        return self.call(self._get(path))

    def speak(self, model: str, job: SynthesisJob, incoming: Incoming) -> Future[None]:
        """Ask for speech; canceling what is returned closes the request."""
        body = speech_body(self._options, model, job)
        return asyncio.run_coroutine_threadsafe(self._speak(body, incoming), self._loop)

    # --- on the loop ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())  # threads that looked names up
            self._loop.close()

    async def _open(self) -> None:
        import httpx

        options = self._options
        timeout = httpx.Timeout(options.timeout_s, connect=options.connect_timeout_s, pool=None)
        self._client = httpx.AsyncClient(
            headers={"Accept-Encoding": "identity", **self._key.headers},
            timeout=timeout,
            limits=httpx.Limits(max_keepalive_connections=options.concurrency),
            verify=ssl.create_default_context(),  # the system's authorities
            trust_env=False,  # no proxy and no password of somebody's shell
        )

    async def _hang_up(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _get(self, path: str) -> bytes | None:
        assert self._client is not None, "the line was started"
        try:
            async with self._client.stream("GET", self._address.path(path)) as answer:
                body = await _some(answer, MAX_LIST_BYTES)
                if answer.status_code in NO_SUCH_LIST:
                    return None
                if answer.status_code != 200:
                    raise refusal(answer.status_code, answer.headers, body)
                return body
        except Exception as error:  # noqa: BLE001 - told as the speech requests' are
            raise self._explained(error) from None

    async def _speak(self, body: dict[str, Any], incoming: Incoming) -> None:
        """One request from its start to its end, whichever that is."""
        try:
            async with self._slots:
                await self._receive(body, incoming)
            self._arrivals.end(incoming)
        except Exception as error:  # noqa: BLE001 - whatever a network or a server does is this job's failure alone
            self._arrivals.end(incoming, self._explained(error))

    async def _receive(self, body: dict[str, Any], incoming: Incoming) -> None:
        assert self._client is not None, "the line was started"
        most = int(MAX_AHEAD_S * self._options.sample_rate) * 2
        async with self._client.stream("POST", self._address.path("audio/speech"), json=body) as answer:
            if answer.status_code != 200:
                raise refusal(answer.status_code, answer.headers, await _some(answer, MAX_ERROR_BYTES))
            check_media_type(answer.headers.get("content-type", ""), self._options)
            reader: Reader = EventReader() if self._options.stream_format == "sse" else PcmReader()
            async for data in answer.aiter_bytes():
                waiting = self._arrivals.put(incoming, reader.feed(data))
                while waiting > most:
                    await asyncio.sleep(FULL_WAIT_S)
                    waiting = self._arrivals.put(incoming, b"")
            self._arrivals.put(incoming, reader.finish())

    def _explained(self, error: Exception) -> SyrinxError:
        """Any failure in words for people, without the key."""
        import httpx

        if isinstance(error, SyrinxError):
            return self._hidden(error)
        host = self._address.host
        match error:
            case httpx.ConnectTimeout() | httpx.ConnectError():
                text = f"The upstream at {host} cannot be reached: {error or type(error).__name__}"
            case httpx.TimeoutException():
                text = f"The upstream at {host} was silent for {self._options.timeout_s:g} s."
            case httpx.RemoteProtocolError() | httpx.ReadError():
                text = f"The upstream at {host} broke off: {error or type(error).__name__}"
            case _:
                text = f"The upstream at {host} could not be asked: {type(error).__name__}: {error}"
        return self._hidden(ModelFailed(text))

    def _hidden(self, error: SyrinxError) -> SyrinxError:
        error.message = self._key.hide(error.message)
        error.args = (error.message,)
        return error


async def _some(answer: httpx.Response, most: int) -> bytes:
    """The beginning of a body."""
    body = b""
    async for data in answer.aiter_bytes():
        body += data
        if len(body) >= most:
            break
    return body[:most]
