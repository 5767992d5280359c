"""A WebSocket client of the Realtime-style protocol that costs next to nothing: picows below, msgspec above."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

MAX_FRAME_BYTES = 16 * 1024 * 1024


class Event(msgspec.Struct):
    """Any server event; fields it lacks keep their defaults."""

    type: str
    response: str = ""
    delta: str = ""
    code: str = ""

    @property
    def samples(self) -> int:
        """How many 16-bit samples ``delta`` (base64) holds, without decoding it."""
        return (len(self.delta) // 4 * 3 - self.delta.count("=", -2)) // 2


_decode = msgspec.json.Decoder(Event).decode
OnEvent = Callable[[Event], None]


class _Listener(WSListener):
    def __init__(self, on_event: OnEvent, on_closed: Callable[[], None]) -> None:
        self._on_event = on_event
        self._on_closed = on_closed

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._on_event(_decode(frame.get_payload_as_bytes()))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._on_closed()


class RealtimeClient:
    """One connection; events arrive by callback, on the loop that opened it."""

    def __init__(self, transport: WSTransport) -> None:
        self._transport = transport

    @classmethod
    async def connect(cls, url: str, on_event: OnEvent, on_closed: Callable[[], None] = lambda: None) -> RealtimeClient:
        """Open a connection. Raises ``OSError`` or ``picows.WSError``."""
        transport, _ = await ws_connect(
            lambda: _Listener(on_event, on_closed), url, max_frame_size=MAX_FRAME_BYTES, websocket_handshake_timeout=30
        )
        return cls(transport)

    def create(self, response_id: str, text: str) -> None:
        self._send({"type": "response.create", "response_id": response_id, "input": text})

    def cancel(self, response_id: str) -> None:
        self._send({"type": "response.cancel", "response_id": response_id})

    def pause_reading(self) -> None:
        """Take nothing from the socket any more, as a program that hangs does."""
        self._transport.underlying_transport.pause_reading()

    async def close(self) -> None:
        self._transport.disconnect(graceful=False)
        await asyncio.gather(self._transport.wait_disconnected(), return_exceptions=True)

    def _send(self, message: dict[str, str]) -> None:
        self._transport.send(WSMsgType.TEXT, json.dumps(message).encode())
