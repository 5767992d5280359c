"""The Wyoming server: its connections, each a codec behind the same pump as a WebSocket, and who may connect.

The protocol has no keys, so it listens where only this machine comes, or to networks that the settings name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import structlog

from syrinx import __version__
from syrinx.audio.framing import Framing
from syrinx.core.errors import ConfigError, Overloaded, SyrinxError, Unauthorized
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.offered import Offered
from syrinx.protocols.wyoming.codec import WyomingCodec, WyomingPolicy
from syrinx.protocols.wyoming.frames import EventReader, write_event
from syrinx.server.byte_stream import ByteStream
from syrinx.server.limits import SocketCap
from syrinx.server.offered import offered_voices
from syrinx.server.sockets import with_owner
from syrinx.server.stream_address import is_within, read_address, read_networks
from syrinx.server.websocket import Pump, PumpPolicy
from syrinx.server.wyoming_announce import check_announcement, wyoming_announced

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine
    from syrinx.server.observe import Metrics

_log = structlog.get_logger("syrinx.wyoming")

PROTOCOL = "wyoming"
INTERNET = (socket.AF_INET, socket.AF_INET6)
IDLE_S = 600.0
"""A client that says nothing for so long, and to which nothing is being said, is dropped; they connect anew for each
request (Home Assistant), or keep a connection and use it."""
STOP_S = 5.0
"""Longest wait for connections to end when the server has drained."""


def check_wyoming(settings: Settings) -> None:
    """Refuse an address that makes no sense, and one that others reach where none are named. Raises ``ConfigError``."""
    check_announcement(settings)
    networks = read_networks(settings.wyoming_clients)
    if settings.wyoming and not read_address(settings.wyoming).is_local and not networks:
        raise ConfigError(
            f"{settings.wyoming} lets others in, and Wyoming has no keys. Name the networks that may connect in "
            "SYRINX_WYOMING_CLIENTS (192.168.1.0/24, say), or listen on tcp://127.0.0.1:10200."
        )


@asynccontextmanager
async def wyoming_served(
    listener: socket.socket, settings: Settings, engine: Engine, metrics: Metrics
) -> AsyncGenerator[None, None]:
    """Serve on ``listener`` until the block ends; connections then have ``STOP_S`` to end by themselves."""
    connections = Connections(settings, engine, metrics)
    unix = listener.family not in INTERNET
    server = await (asyncio.start_unix_server if unix else asyncio.start_server)(connections.run, sock=listener)
    told = wyoming_announced(listener, lambda: engine.ready) if settings.wyoming_announce else nullcontext()
    try:
        async with told:
            yield
    finally:
        server.close()
        await connections.end()


class Connections:
    """Every open one. ``Engine.drain`` and ``Engine.stop`` end them, by their sessions."""

    def __init__(self, settings: Settings, engine: Engine, metrics: Metrics) -> None:
        self._engine = engine
        self._metrics = metrics
        self._networks = read_networks(settings.wyoming_clients)
        self._cap = SocketCap(settings.max_connections)
        self._pump = PumpPolicy(settings.ws_send_timeout, settings.ws_long_send_log_ms / 1000)
        self._policy = WyomingPolicy(
            settings.max_text_chars, settings.max_message_bytes, settings.default_speed, __version__
        )
        self._options = _options(settings)
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        task = asyncio.current_task()
        assert task is not None, "a server runs this in a task"
        self._tasks.add(task)
        codec = WyomingCodec(self._policy, self._voices)
        cutter = EventReader(self._policy.max_bytes)
        stream = ByteStream(reader, writer, cutter, IDLE_S, lambda: codec.speaking)
        try:
            with self._cap.slot():
                await self._pump_through(stream, codec, self._admit(writer))
        except (Overloaded, Unauthorized) as error:
            writer.write(_error(error))
        except Exception:  # noqa: BLE001 - one connection must not end in asyncio's own log
            _log.exception("connection_failed")
        finally:
            self._tasks.discard(task)
            await stream.close()

    async def end(self) -> None:
        """Wait until all have ended; break off those that do not."""
        tasks = set(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _pump_through(self, stream: ByteStream, codec: WyomingCodec, owner: str) -> None:
        session = self._engine.session(with_owner(self._options, owner))
        try:
            with self._metrics.sockets.labels(PROTOCOL).track_inprogress():
                await Pump(stream, codec, session, self._pump).run()
        finally:
            session.close()

    def _admit(self, writer: asyncio.StreamWriter) -> str:
        """The peer's name for fairness. Raises ``Unauthorized`` for one that is not let in."""
        connection = writer.get_extra_info("socket")
        if connection.family not in INTERNET:
            return "unix"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        host = writer.get_extra_info("peername")[0]
        if not is_within(host, self._networks):
            raise Unauthorized("This address may not connect (setting: wyoming_clients).")
        return host

    def _voices(self) -> Sequence[Offered]:
        """None before the default model can speak: a client that asked now would never ask for the others."""
        return offered_voices(self._engine) if self._engine.ready else []


def _options(settings: Settings) -> SessionOptions:
    """Made as fast as it is read: Home Assistant makes files of it, and does not say when they are heard."""
    return SessionOptions(
        PROTOCOL,
        framing=Framing(
            chunk_s=settings.stream_chunk_seconds,
            first_immediate=settings.ws_first_chunk_immediate,
            buffer_bytes=settings.ws_buffer_bytes,
            flush_every=settings.ws_flush_every,
        ),
        max_latency_s=settings.ws_max_latency_ms / 1000,
        max_pending=settings.max_pending_per_connection,
    )


def _error(error: SyrinxError) -> bytes:
    return write_event("error", {"text": error.message, "code": error.code})
