"""One utterance over HTTP: the head waits for the first audio, a broken stream breaks off, a hang-up cancels."""

from __future__ import annotations

import asyncio

import structlog
from starlette.types import Receive, Scope, Send

from syrinx.core.errors import EmptyText, SyrinxError
from syrinx.core.types import Append, Audio, End, Failed, Finished, Open, Started
from syrinx.protocols.openai_speech import SpeechCall, StreamFormat, delta_event, done_event, error_event
from syrinx.server.answers import abort, error_answer, request_id
from syrinx.server.websocket import EventSession

_log = structlog.get_logger("syrinx.http")


class SpeechStream:
    """An ASGI answer that speaks ``call`` through ``session`` and closes it."""

    def __init__(self, call: SpeechCall, session: EventSession, send_timeout_s: float) -> None:
        self._call = call
        self._session = session
        self._send_timeout_s = send_timeout_s
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
            await error_answer(error)(scope, receive, send)
            return
        first = await self._next()
        if isinstance(first, Audio):
            await self._send(send, self._head(first))
            await self._stream(first, send)
        elif isinstance(first, Failed):
            await error_answer(first.error)(scope, receive, send)
        elif first is not None:
            await error_answer(EmptyText("'input' holds nothing to speak.", param="input"))(scope, receive, send)

    async def _next(self) -> Audio | Failed | Finished | None:
        """The next audio or the end; None when the client hung up."""
        while (event := await self._session.next()) is not None:
            if isinstance(event, Started):
                self._model = event.model
            if isinstance(event, Failed | Finished) or (isinstance(event, Audio) and event.audio.data):
                return event
        return None

    async def _stream(self, first: Audio, send: Send) -> None:
        sse = self._call.stream_format is StreamFormat.SSE
        event: Audio | Failed | Finished | None = first
        while isinstance(event, Audio):
            await self._body(send, delta_event(event.audio.data) if sse else event.audio.data)
            event = await self._next()
        if isinstance(event, Finished):
            await self._body(send, done_event(len(self._call.text), event.audio_s) if sse else b"", more=False)
        elif event is not None:
            _log.warning("speech_broken_off", code=event.error.code, error=str(event.error))
            if sse:
                await self._body(send, error_event(event.error))

    def _head(self, first: Audio) -> dict[str, object]:
        sse = self._call.stream_format is StreamFormat.SSE
        media_type = "text/event-stream" if sse else first.audio.media_type
        headers = {"content-type": media_type, "cache-control": "no-store", "x-accel-buffering": "no"}
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
