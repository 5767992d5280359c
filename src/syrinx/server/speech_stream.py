"""One utterance over HTTP: the head waits for the first audio, a broken stream breaks off, a hang-up cancels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from syrinx.core.errors import EmptyText, SyrinxError
from syrinx.core.types import Append, Audio, EncodedAudio, End, Failed, Finished, Open, ServerEvent, Started
from syrinx.protocols.one_shot import OneShot
from syrinx.server.answers import abort, error_answer, request_id
from syrinx.server.websocket import EventSession

_log = structlog.get_logger("syrinx.http")


def raw_headers(audio: EncodedAudio) -> Mapping[str, str]:
    """Of an answer whose body is the encoded stream as it is."""
    return {"content-type": audio.media_type}


def raw_data(audio: EncodedAudio) -> bytes:
    """Of the same body, a piece."""
    return audio.data


def _unnoted(event: ServerEvent) -> None:
    """Most dialects tell nothing but audio."""


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How a dialect puts an utterance into an HTTP answer; what is not given is done as for a plain stream of audio."""

    headers: Callable[[EncodedAudio], Mapping[str, str]] = raw_headers
    """Of the answer, from its first audio: the type of the content and what the dialect adds."""
    piece: Callable[[EncodedAudio], bytes] = raw_data
    """A piece of the encoded stream as it stands in the body."""
    note: Callable[[ServerEvent], None] = _unnoted
    """Called with every event, before the audio among them becomes a piece."""
    end: Callable[[OneShot, Finished], bytes] = lambda call, finished: b""
    """What stands behind the last piece."""
    broken: Callable[[SyrinxError], bytes] = lambda error: b""
    """Last words after the first audio; the connection breaks off behind them."""
    refuse: Callable[[SyrinxError], Response] = error_answer
    """The whole answer where no audio came."""


PLAIN = AnswerForm()


class SpeechStream:
    """An ASGI answer that speaks ``call`` through ``session`` and closes it."""

    def __init__(self, call: OneShot, session: EventSession, send_timeout_s: float, form: AnswerForm = PLAIN) -> None:
        self._call = call
        self._session = session
        self._send_timeout_s = send_timeout_s
        self._form = form
        self._model = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = asyncio.create_task(self._close_on_hang_up(receive), name="hang-up watcher")
        try:
            await self._speak(scope, receive, send)
        except TimeoutError:
            _log.warning("slow_reader_dropped", timeout_s=self._send_timeout_s)
            abort(scope)
        finally:
            self._session.close()
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _close_on_hang_up(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._session.close()

    async def _speak(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all of it. Returning without the last body message makes the server break the connection off."""
        try:
            name = request_id(scope)
            self._session.send(Open(name, self._call.request))
            self._session.send(Append(name, self._call.text))
            self._session.send(End(name))
        except SyrinxError as error:
            await self._form.refuse(error)(scope, receive, send)
            return
        first = await self._next()
        if isinstance(first, Audio):
            await self._send(send, self._head(first.audio))
            await self._stream(first, send)
        elif first is not None:
            await self._form.refuse(self._why_silent(first))(scope, receive, send)

    async def _next(self) -> Audio | Failed | Finished | None:
        """The next audio or the end; None when the client hung up."""
        while (event := await self._session.next()) is not None:
            self._form.note(event)
            if isinstance(event, Started):
                self._model = event.model
            if isinstance(event, Failed | Finished) or (isinstance(event, Audio) and event.audio.data):
                return event
        return None

    async def _stream(self, first: Audio, send: Send) -> None:
        form = self._form
        event: Audio | Failed | Finished | None = first
        while isinstance(event, Audio):
            await self._body(send, form.piece(event.audio))
            event = await self._next()
        if isinstance(event, Finished):
            await self._body(send, form.end(self._call, event), more=False)
        elif event is not None:
            _log.warning("speech_broken_off", code=event.error.code, error=str(event.error))
            if last_words := form.broken(event.error):
                await self._body(send, last_words)

    def _why_silent(self, end: Failed | Finished) -> SyrinxError:
        """The error of an utterance that ended without audio, in the dialect's name for its text."""
        if isinstance(end, Failed) and not isinstance(end.error, EmptyText):
            return end.error
        name = self._call.text_field
        return EmptyText(f"{name!r} holds nothing to speak.", param=name)

    def _head(self, first: EncodedAudio) -> dict[str, object]:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no", **self._form.headers(first)}
        if self._model.isascii():
            headers["x-syrinx-model"] = self._model
        if self._call.not_applied:
            headers["x-syrinx-not-applied"] = ", ".join(self._call.not_applied)
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        return {"type": "http.response.start", "status": 200, "headers": encoded}

    async def _body(self, send: Send, data: bytes, *, more: bool = True) -> None:
        await self._send(send, {"type": "http.response.body", "body": data, "more_body": more})

    async def _send(self, send: Send, message: dict[str, object]) -> None:
        async with asyncio.timeout(self._send_timeout_s):
            await send(message)
