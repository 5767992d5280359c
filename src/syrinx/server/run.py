"""From settings to a listening process: bind first, answer while models load, drain on SIGTERM, leave with a status."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
import time
from collections.abc import Callable, Generator
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

import structlog
import uvicorn

from syrinx.config import Settings
from syrinx.core.errors import ConfigError
from syrinx.engine.record import Observer, Observers
from syrinx.server.app import build_app
from syrinx.server.auth import read_keys
from syrinx.server.keeping import Keeping
from syrinx.server.limits import host_name, is_loopback
from syrinx.server.log import configure_logging
from syrinx.server.memory import return_large_blocks
from syrinx.server.metrics_log import MetricsLog
from syrinx.server.observe import Metrics
from syrinx.server.run_file import announced
from syrinx.server.stream_address import read_address, unix_listener
from syrinx.server.transport import AbortableHttp
from syrinx.server.wyoming import check_wyoming, wyoming_served

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from syrinx.engine.engine import Engine
    from syrinx.store.cache import AudioCache


class EngineFactory(Protocol):
    """``wiring.build_engine``, or a test's own."""

    def __call__(self, settings: Settings, observer: Observer, *, cache: AudioCache | None) -> Engine: ...


PING_S = 20.0
"""Between WebSocket pings, and the longest wait for a pong (uvicorn's own default); clients answer while they play."""
CLOSE_S = 5
"""Longest wait for connections to close after the drain."""
POLL_S = 0.05
"""How often a drain looks for a second signal."""
SAME_SIGNAL_S = 0.5
"""Signals this close are one: ``timeout`` and some supervisors signal the process and then its whole group."""


def serve(settings: Settings, build: EngineFactory) -> int:
    """Serve until a signal. Returns the exit status. Raises ``ConfigError`` before anything is started."""
    check_exposure(settings)
    check_wyoming(settings)
    with bind(settings.host, settings.port) as listener, _wyoming_listener(settings) as wyoming:
        configure_logging(settings.log_level)
        return_large_blocks()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(settings, build, listener, wyoming))


def check_exposure(settings: Settings) -> None:
    """Refuse to be reachable from outside without a key. Raises ``ConfigError``."""
    keys = read_keys(settings.api_key, settings.api_key_file)
    if not keys.required and not is_loopback(host_name(_in_url(settings.host))):
        raise ConfigError(
            f"Listening on {settings.host} lets others in, and no key is set. Set SYRINX_API_KEY (or api_key_file), "
            "or listen on 127.0.0.1."
        )


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises ``ConfigError`` if it cannot."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)  # IPv4 where a name has both
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from None


def uvicorn_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How uvicorn is run, here and in tests."""
    return uvicorn.Config(
        app,
        http=AbortableHttp,
        ws="websockets-sansio",
        ws_max_size=settings.max_message_bytes,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=CLOSE_S,
    )


class DrainingServer(uvicorn.Server):
    """A uvicorn server that lets running speech end first. A second signal ends at once."""

    def __init__(self, config: uvicorn.Config, engine: Engine, drain_timeout_s: float) -> None:
        super().__init__(config)
        self._engine = engine
        self._drain_timeout_s = drain_timeout_s
        self._first_signal: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Unlike uvicorn's, does not raise the signal again after the end: a drained exit is a success."""
        now = time.monotonic()
        if self._first_signal is None:
            self._first_signal = now
        self.force_exit = now - self._first_signal > SAME_SIGNAL_S
        self.should_exit = True

    def end(self) -> None:
        """Drain and end, as a signal does."""
        self.should_exit = True

    def quit(self) -> None:
        """End, and break off what runs: a client asked for it."""
        self._drain_timeout_s = 0.0
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain while still listening, so that probes read 503 and not a refused connection; then end the rest."""
        draining = asyncio.create_task(self._engine.drain(self._drain_timeout_s))
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=POLL_S)
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        await self.lifespan.shutdown()  # stops the engine, which ends every session, so connections close by themselves
        self.force_exit = False
        await super().shutdown(sockets)


@contextlib.contextmanager
def _wyoming_listener(settings: Settings) -> Generator[socket.socket | None, None, None]:
    """A socket as the settings have it; none where Wyoming is not spoken. Raises ``ConfigError``."""
    if not settings.wyoming:
        yield None
        return
    address = read_address(settings.wyoming)
    opened = bind(address.host, address.port) if address.path is None else unix_listener(address.path)
    with opened as listener:
        yield listener


async def _serve(
    settings: Settings, build: EngineFactory, listener: socket.socket, wyoming: socket.socket | None
) -> int:
    url = f"http://{_in_url(_shown(settings.host))}:{listener.getsockname()[1]}"
    keeping = Keeping(settings)
    metrics = Metrics(MetricsLog(settings.data_dir / "logs" / "metrics.log"))
    metrics.registry.register(keeping.collector())
    engine = build(settings, Observers(metrics, keeping.observer), cache=keeping.cache)
    app = build_app(settings, engine, metrics, on_ready=lambda: _ready(engine), on_quit=lambda: server.quit())
    server = DrainingServer(uvicorn_config(app, settings), engine, settings.drain_timeout_s)
    spoken_too = contextlib.nullcontext() if wyoming is None else wyoming_served(wyoming, settings, engine, metrics)
    with announced(settings.data_dir, url, settings.drain_timeout_s):
        _say(f"Syrinx is listening on {url}")
        keeping.start(on_refused=server.end)
        try:
            async with spoken_too:
                await server.serve(sockets=[listener])
        finally:
            await keeping.close()
    if keeping.refused is not None:
        raise keeping.refused
    structlog.get_logger("syrinx.server").info("stopped")
    return 0


def _ready(engine: Engine) -> None:
    gc.collect()
    gc.freeze()  # a full collection walked 76,000 objects and held every stream up for 40 ms (measured)
    _say(f"Syrinx is ready: {_spoken(engine)}")


def _spoken(engine: Engine) -> str:
    return ", ".join(f"{model.name} ({model.reason})" for model in engine.models() if model.info is not None)


def _shown(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _loop_factory() -> Callable[[], Any] | None:
    try:
        import uvloop
    except ImportError:  # Windows
        return None
    return uvloop.new_event_loop
