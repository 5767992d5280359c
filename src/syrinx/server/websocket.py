"""The pump between a WebSocket, a dialect's codec and a session: one task reads, one writes, and neither waits on the
other, so that a cancel is heard while a slow client holds up its own audio."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from syrinx.core.errors import InvalidRequest, Overloaded, SyrinxError
from syrinx.core.types import Cancel, ClientEvent, ServerEvent
from syrinx.protocols.base import Action, Ask, Close, Drain, Reply, SocketCodec
from syrinx.server.answers import GOING_AWAY, INTERNAL_ERROR, abort, close_reason

_log = structlog.get_logger("syrinx.websocket")

MAX_REPLIES = 256
"""Direct replies that may wait to be sent; then the client is not read until it reads."""
MAX_REPLY_BYTES = 262_144
"""Of all of them together; the last one may be longer. A list of espeak's voices has 33,000, so 256 have 8 MB."""
INLINE_BYTES = 32_768
"""Longer messages are parsed in a thread; one of this length takes about 0.5 ms."""

SLOWEST_READER = 256_000
"""Bytes a second. A long message may take its length at this rate more: a 32-bit stream as it is heard has 96,000."""
FAIR_SENDS = 16
"""Sending to a client that reads does not wait; after so many messages the others get their turn."""


class EventSession(Protocol):
    """What the server needs of ``engine.session.Session``."""

    @property
    def wake(self) -> asyncio.Event: ...
    @property
    def over(self) -> bool: ...
    def send(self, event: ClientEvent) -> None: ...
    def take(self) -> ServerEvent | None: ...
    async def next(self) -> ServerEvent | None: ...
    def drain(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PumpPolicy:
    """Bounds on one socket."""

    send_timeout_s: float = 3.0
    """A reader that takes nothing for this long is dropped."""
    long_send_s: float = 0.25
    """Sends that take longer are logged."""


class Wire(Protocol):
    """What the pump needs of a ``WebSocket``; ``byte_stream.ByteStream`` has it too."""

    @property
    def scope(self) -> MutableMapping[str, Any]: ...
    async def receive(self) -> Message: ...
    async def send(self, message: Message) -> None: ...


Answer = Callable[[object], Awaitable[object]]
"""Does what a codec's ``Ask`` asks for. Raises ``SyrinxError``."""


class _Dropped(Exception):
    """The client stopped reading."""


class Pump:
    """Runs one accepted WebSocket to its end."""

    def __init__(
        self,
        websocket: Wire,
        codec: SocketCodec,
        session: EventSession,
        policy: PumpPolicy,
        answer: Answer | None = None,
    ) -> None:
        """``answer``: where the codec asks for things."""
        self._websocket = websocket
        self._codec = codec
        self._session = session
        self._policy = policy
        self._answer = answer
        self._asking: asyncio.Task[None] | None = None
        self._outbox: deque[Reply | Close] = deque()
        self._outbox_bytes = 0
        self._wake = session.wake
        self._room = asyncio.Event()
        self._parsing = asyncio.Lock()
        self._drained = False
        self._gone = False
        self._loop = asyncio.get_running_loop()
        self._writer = _this_task()
        self._sending_since: float | None = None
        """From when on a send counts as late: later for a long message."""
        self._stalled = False
        self._watchdog: asyncio.TimerHandle | None = None

    async def run(self, first: Message | None = None) -> None:
        """Return when the connection has ended, for whatever reason. The session is closed then.

        ``first``: an ASGI message that was received already."""
        self._watch()
        reader = asyncio.create_task(self._read(first), name="websocket reader")
        try:
            self._perform(self._codec.opened())
            await self._write()
        except _Dropped:
            _log.warning("slow_reader_dropped", timeout_s=self._policy.send_timeout_s)
            abort(self._websocket.scope)
        except WebSocketDisconnect:
            pass  # it went while we wrote
        except Exception:  # noqa: BLE001 - a bug is logged and told by its close code, not shown as a broken network
            _log.exception("socket_failed")
            await self._send(Close(INTERNAL_ERROR, "The server failed."))
        finally:
            if self._watchdog is not None:
                self._watchdog.cancel()
            self._session.close()
            tasks = [reader] if self._asking is None else [reader, self._asking]
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    _log.error("reader_failed", exc_info=outcome)

    # --- in --------------------------------------------------------------------------------------------------------

    async def _read(self, first: Message | None) -> None:
        try:
            message = first or await self._websocket.receive()
            while message["type"] == "websocket.receive":
                await self._take(content(message))
                while len(self._outbox) > MAX_REPLIES or self._outbox_bytes > MAX_REPLY_BYTES:
                    self._room.clear()
                    await self._room.wait()
                message = await self._websocket.receive()
        finally:
            self._gone = True
            self._session.close()
            self._wake.set()

    async def _take(self, message: str | bytes) -> None:
        try:
            self._perform(await self._parse(message))
        except SyrinxError as error:
            self._perform_quietly(self._codec.refuse(error))

    async def _parse(self, message: str | bytes) -> list[Action]:
        if len(message) <= INLINE_BYTES:
            return self._codec.receive(message)
        async with self._parsing:  # the codec is not thread-safe: nothing is rendered meanwhile
            return await asyncio.to_thread(self._codec.receive, message)

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Reply | Close):
                self._outbox.append(action)
                self._outbox_bytes += _length(action)
                self._wake.set()
            elif isinstance(action, Drain):
                self._drained = True
                self._session.drain()
            elif isinstance(action, Cancel):
                self._cancel(action)
            elif isinstance(action, Ask):
                self._ask(action)
            else:
                self._session.send(action)

    def _perform_quietly(self, actions: Iterable[Action]) -> None:
        """Perform what there is nobody to refuse it to: a refusal's actions undo what was begun, and what they cannot
        undo was never begun; an answer's come when its question is over."""
        for action in actions:
            try:
                self._perform([action])
            except SyrinxError as error:
                _log.debug("action_refused", error=str(error))

    def _ask(self, ask: Ask) -> None:
        assert self._answer is not None, "a dialect that asks has somebody to answer"
        if self._asking is not None:
            raise Overloaded("This connection waits for another answer of that kind.", retry_after_s=1.0)
        self._asking = asyncio.create_task(self._find_out(ask, self._answer), name="answer to a codec")

    async def _find_out(self, ask: Ask, answer: Answer) -> None:
        try:
            outcome = await answer(ask.question)
        except SyrinxError as error:
            outcome = error
        except Exception:  # noqa: BLE001 - a bug must not leave the client waiting
            _log.exception("answer_failed")
            outcome = SyrinxError("The server failed; its log says why.")
        async with self._parsing:  # the codec is not thread-safe
            actions = ask.then(outcome)
        self._asking = None
        self._perform_quietly(actions)
        self._wake.set()

    def _cancel(self, action: Cancel) -> None:
        try:
            self._session.send(action)
        except InvalidRequest:
            pass  # it ended by itself just now, and its end is on its way to the client

    # --- out -------------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        """Send replies and events in turn, replies first, until the connection has had its last message."""
        sent = 0
        while not self._gone:
            sent += 1
            if sent % FAIR_SENDS == 0:
                await asyncio.sleep(0)
            if self._outbox:
                if await self._send(self._next_reply()):
                    return
                self._room.set()
            elif (event := self._session.take()) is not None:
                if await self._send_event(event):
                    return
            elif self._session.over and self._asking is None:
                await self._finish()
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _send_event(self, event: ServerEvent) -> bool:
        if self._parsing.locked():
            async with self._parsing:
                pass
        for item in self._codec.render(event):
            if await self._send(item):
                return True
        return False

    async def _finish(self) -> None:
        """The session has given its last event: say what is still to be said and close."""
        if self._gone:
            return
        while self._outbox:
            if await self._send(self._next_reply()):
                return
        await self._send(Close() if self._drained else Close(GOING_AWAY, "The server is shutting down."))

    def _next_reply(self) -> Reply | Close:
        item = self._outbox.popleft()
        self._outbox_bytes -= _length(item)
        return item

    async def _send(self, item: Reply | Close) -> bool:
        """Send one message; True if it was the last. Raises ``_Dropped`` when the client takes nothing."""
        began = self._loop.time()
        self._sending_since = began + _length(item) / SLOWEST_READER
        try:
            await self._websocket.send(_frame(item))
        except asyncio.CancelledError:
            if not self._stalled:
                raise
            self._writer.uncancel()
            raise _Dropped from None
        self._sending_since = None
        took_s = self._loop.time() - began
        if took_s > self._policy.long_send_s:
            _log.info("slow_send", took_ms=round(took_s * 1000))
        return isinstance(item, Close)

    def _watch(self) -> None:
        """End a send that takes too long. One timer per socket: one per message cost as much as the message."""
        late_s = 0.0 if self._sending_since is None else max(0.0, self._loop.time() - self._sending_since)
        if late_s >= self._policy.send_timeout_s:
            self._stalled = True
            self._writer.cancel()
        else:
            self._watchdog = self._loop.call_later(self._policy.send_timeout_s - late_s, self._watch)


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None, "a pump is made and run in one task"
    return task


def content(message: Message) -> str | bytes:
    """What the client said, of a ``websocket.receive`` message."""
    text = message.get("text")
    return text if text is not None else message.get("bytes") or b""


def _length(item: Reply | Close) -> int:
    return len(item.message) if isinstance(item, Reply) else 0


def _frame(item: Reply | Close) -> Message:
    if isinstance(item, Close):
        return {"type": "websocket.close", "code": item.code, "reason": close_reason(item.reason)}
    if isinstance(item.message, str):
        return {"type": "websocket.send", "text": item.message}
    return {"type": "websocket.send", "bytes": item.message}
