"""The WebSocket routes: a dialect's codec for each path, behind the key and the connection cap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from syrinx.audio.framing import Framing
from syrinx.core.errors import Overloaded, SyrinxError, Unauthorized
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.base import SocketCodec
from syrinx.protocols.realtime_speech import RealtimeCodec, RealtimePolicy
from syrinx.server.answers import POLICY_VIOLATION, TRY_AGAIN_LATER, refuse_socket
from syrinx.server.auth import Keys, subprotocol
from syrinx.server.limits import SocketCap
from syrinx.server.observe import Metrics
from syrinx.server.websocket import Pump, PumpPolicy
from syrinx.wiring import max_lead_s

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Dialect:
    """A path, what is spoken there, and how its session is run."""

    path: str
    codec: Callable[[], SocketCodec]
    options: SessionOptions


@dataclass(frozen=True, slots=True)
class SocketRoutes:
    """What the routes share."""

    engine: Engine
    keys: Keys
    cap: SocketCap
    metrics: Metrics
    policy: PumpPolicy

    def routes(self, dialects: list[Dialect]) -> list[BaseRoute]:
        """One per dialect, and a last one that tells that there is nothing at a path."""
        known: list[BaseRoute] = [WebSocketRoute(dialect.path, self._endpoint(dialect)) for dialect in dialects]
        return [*known, WebSocketRoute("/{path:path}", _nothing_here)]

    def _endpoint(self, dialect: Dialect) -> Callable[[WebSocket], object]:
        async def endpoint(websocket: WebSocket) -> None:
            try:
                owner = self.keys.admit(websocket.scope)
                with self.cap.slot():
                    await self._run(websocket, dialect, owner)
            except Unauthorized as error:
                await _refuse(websocket, POLICY_VIOLATION, error)
            except Overloaded as error:
                await _refuse(websocket, TRY_AGAIN_LATER, error)

        return endpoint

    async def _run(self, websocket: WebSocket, dialect: Dialect, owner: str) -> None:
        session = self.engine.session(with_owner(dialect.options, owner))
        open_sockets = self.metrics.sockets.labels(dialect.options.protocol)
        open_sockets.inc()
        try:
            await websocket.accept(subprotocol(websocket.scope.get("subprotocols", [])))
            await Pump(websocket, dialect.codec(), session, self.policy).run()
        finally:
            session.close()
            open_sockets.dec()


async def _refuse(websocket: WebSocket, code: int, error: SyrinxError) -> None:
    offered = subprotocol(websocket.scope.get("subprotocols", []))
    await refuse_socket(websocket.receive, websocket.send, code, error.message, offered)


async def _nothing_here(websocket: WebSocket) -> None:
    await refuse_socket(websocket.receive, websocket.send, POLICY_VIOLATION, "There is no WebSocket at this path.")


def with_owner(options: SessionOptions, owner: str) -> SessionOptions:
    """The same options for one caller."""
    return replace(options, owner=owner)


def realtime(settings: Settings, engine: Engine) -> Dialect:
    """The Realtime-style dialect as the settings have it."""
    policy = RealtimePolicy(
        max_words=settings.max_utterance_words,
        max_chars=settings.max_text_chars,
        max_pending=settings.max_pending_per_connection,
        default_speed=settings.default_speed,
        prime_bytes=settings.prime_bytes if settings.prime_stream else 0,
        opus_bitrate=bits_per_second(settings.opus_bitrate),
    )
    options = SessionOptions(
        "realtime",
        framing=Framing(
            chunk_s=settings.stream_chunk_seconds,
            first_immediate=settings.ws_first_chunk_immediate,
            buffer_bytes=settings.ws_buffer_bytes,
            flush_every=settings.ws_flush_every,
        ),
        max_latency_s=settings.ws_max_latency_ms / 1000,
        max_pending=settings.max_pending_per_connection,
        idle_flush_s=settings.flush_idle_ms / 1000 or None,
        max_lead_s=max_lead_s(settings),
    )
    return Dialect("/v1/audio/speech/stream/ws", lambda: RealtimeCodec(policy, engine.resolve), options)


def bits_per_second(text: str) -> int:
    """Read ``"48k"`` or ``"48000"``."""
    return int(text.removesuffix("k")) * (1000 if text.endswith("k") else 1)
