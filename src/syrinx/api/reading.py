"""Utterances as the program reads them: chunk by chunk, by ``async for`` or by ``for``."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import cast

from syrinx.core.errors import InvalidRequest, ModelNotReady

from .life import Life
from .speech import Ask, Speech


class SpeechStream(AsyncIterator[bytes]):
    """An utterance for one task to read. It begins with the first step, and where that is canceled it ends.

    Leaving the loop early (``break``, an exception, ``aclose`` from any task) stops the model within a chunk.
    """

    def __init__(self, text: str | AsyncIterable[str], ask: Ask, running: Callable[[], Awaitable[Life]]) -> None:
        self._text = text
        self._ask = ask
        self._running = running
        self._life: Life | None = None
        self._speech: Speech | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._over = False

    @property
    def spoken_until(self) -> int:
        """How far a listener has heard the text, an offset into it, 0 or the end of a word; known at the end. They play
        chunks as they come, or as much as ``aclose`` is told."""
        return self._speech.spoken_until if self._speech is not None else 0

    @property
    def heard(self) -> str:
        """The text up to there."""
        return _heard(self._speech)

    @property
    def remaining(self) -> str:
        """The rest of the text, as far as it came."""
        return _remaining(self._speech)

    def __aiter__(self) -> SpeechStream:
        return self

    async def __anext__(self) -> bytes:
        if self._over:
            raise StopAsyncIteration
        try:
            chunk = await self._next()
        except BaseException:
            self._drop()
            raise
        if chunk is not None:
            return chunk
        self._over = True
        if self._feeder is not None:
            await asyncio.wait([self._feeder])  # it has just told the end, or failed, or was canceled by ``aclose``
            if not self._feeder.cancelled() and (error := self._feeder.exception()) is not None:
                raise error
        raise StopAsyncIteration

    async def aclose(self, played_s: float | None = None) -> None:
        """Stop; return when the model was told. Idempotent. ``played_s``: the seconds of its audio that were played, by
        which ``spoken_until`` is then told, also of a stream that was read to its end."""
        self._over = True
        if self._feeder is not None:
            self._feeder.cancel()
        if self._life is not None and self._speech is not None:
            with contextlib.suppress(ModelNotReady):  # the engine was shut down before
                await asyncio.wrap_future(self._life.run(_close(self._speech, played_s)))

    def __del__(self) -> None:
        if self._speech is not None:
            self._drop()

    async def _next(self) -> bytes | None:
        if self._speech is None:
            await self._begin()
        if self._life is None or self._speech is None:
            return None
        return await asyncio.wrap_future(self._life.run(self._speech.next()))

    async def _begin(self) -> None:
        whole = self._text if isinstance(self._text, str) else None
        if whole is None and not isinstance(self._text, AsyncIterable):
            raise InvalidRequest(
                f"The text must be str or an async iterator of str, not {type(self._text).__name__}.", param="text"
            )
        life = await self._running()
        if self._over:  # closed while the engine started
            return
        service = life.ready.result()
        self._life, self._speech = life, service.stream(self._ask)
        await asyncio.wrap_future(life.run(service.begin(self._speech, whole)))
        if not isinstance(self._text, str):
            self._feeder = asyncio.create_task(_feed(self._text, life, self._speech), name="syrinx text")
            self._feeder.add_done_callback(_seen)

    def _drop(self) -> None:
        """Stop, soon; from any thread."""
        self._over = True
        if self._feeder is not None and not self._feeder.done():
            with contextlib.suppress(RuntimeError):  # its loop has ended, and it with that
                self._feeder.get_loop().call_soon_threadsafe(self._feeder.cancel)
        if self._life is not None and self._speech is not None:
            self._life.call(self._speech.close)


class BlockingSpeech(Iterator[bytes]):
    """The same for plain scripts: it blocks its thread while it waits. ``close`` it to stop early, or just leave it."""

    def __init__(self, text: str | Iterable[str], ask: Ask, running: Callable[[], Life]) -> None:
        self._text = text
        self._ask = ask
        self._running = running
        self._life: Life | None = None
        self._speech: Speech | None = None
        self._fed: concurrent.futures.Future[None] | None = None
        self._over = False

    @property
    def spoken_until(self) -> int:
        """As ``SpeechStream.spoken_until``."""
        return self._speech.spoken_until if self._speech is not None else 0

    @property
    def heard(self) -> str:
        """As ``SpeechStream.heard``."""
        return _heard(self._speech)

    @property
    def remaining(self) -> str:
        """As ``SpeechStream.remaining``."""
        return _remaining(self._speech)

    def __next__(self) -> bytes:
        if self._over:
            raise StopIteration
        try:
            chunk = self._next()
        except BaseException:  # Ctrl-C too
            self._drop()
            raise
        if chunk is not None:
            return chunk
        self._over = True
        if self._fed is not None:
            self._fed.result()
        raise StopIteration

    def close(self, played_s: float | None = None) -> None:
        """As ``SpeechStream.aclose``."""
        self._over = True
        if self._life is not None and self._speech is not None:
            with contextlib.suppress(ModelNotReady):
                self._life.run(_close(self._speech, played_s)).result()

    def __del__(self) -> None:
        if self._speech is not None:
            self._drop()

    def _next(self) -> bytes | None:
        if self._speech is None:
            self._begin()
        if self._life is None or self._speech is None:
            return None
        return self._life.run(self._speech.next()).result()

    def _begin(self) -> None:
        whole = self._text if isinstance(self._text, str) else None
        if whole is None and not isinstance(cast(object, self._text), Iterable):
            raise InvalidRequest(
                f"The text must be str or an iterable of str, not {type(self._text).__name__}.", param="text"
            )
        life = self._running()
        if self._over:  # closed, by another thread, while the engine started
            return
        service = life.ready.result()
        self._life, self._speech = life, service.stream(self._ask)
        life.run(service.begin(self._speech, whole)).result()
        if not isinstance(self._text, str):
            self._fed = concurrent.futures.Future()
            feed = (self._text, life, self._speech, self._fed)
            threading.Thread(target=_feed_blocking, args=feed, name="syrinx-text", daemon=True).start()

    def _drop(self) -> None:
        self._over = True
        if self._life is not None and self._speech is not None:
            self._life.call(self._speech.close)


# Neither knows its reader, so that one that is left goes away while its text has yet to come.


async def _feed(text: AsyncIterable[str], life: Life, speech: Speech) -> None:
    try:
        async for piece in text:
            if not await asyncio.wrap_future(life.run(_say(speech, piece))):
                return
        await asyncio.wrap_future(life.run(_end(speech)))
    except BaseException:  # whatever ends the text must end the utterance, or its reader waits for ever
        life.call(speech.close)
        raise


def _feed_blocking(text: Iterable[str], life: Life, speech: Speech, fed: concurrent.futures.Future[None]) -> None:
    try:
        for piece in text:
            if not life.run(_say(speech, piece)).result():
                break
        else:
            life.run(_end(speech)).result()
        fed.set_result(None)
    except BaseException as error:  # noqa: BLE001  the reader raises it
        fed.set_exception(error)
        life.call(speech.close)


async def _say(speech: Speech, piece: str) -> bool:
    return speech.say(piece)


async def _end(speech: Speech) -> None:
    speech.end()


async def _close(speech: Speech, played_s: float | None) -> None:
    speech.close(played_s)


def _heard(speech: Speech | None) -> str:
    return "" if speech is None else speech.text[: speech.spoken_until]


def _remaining(speech: Speech | None) -> str:
    return "" if speech is None else speech.text[speech.spoken_until :]


def _seen(feeder: asyncio.Task[None]) -> None:
    """Its error is told by the reader, or nobody reads any more."""
    if not feeder.cancelled():
        feeder.exception()
