"""Wiring only: settings and an engine become an ASGI app. Everything it does lives in the modules it imports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

import syrinx.web
from syrinx.core.errors import SyrinxError
from syrinx.protocols.openai.errors import envelope
from syrinx.protocols.openai.speech import SpeechPolicy
from syrinx.server.answers import error_answer, json_answer, plain_error
from syrinx.server.auth import read_keys
from syrinx.server.cartesia import CartesiaRoutes
from syrinx.server.chatterbox import ChatterboxRoutes
from syrinx.server.deepgram import DeepgramRoutes
from syrinx.server.dialects import (
    DIALECTS,
    bits_per_second,
    cartesia_policy,
    chatterbox_policy,
    deepgram_policy,
    elevenlabs_policy,
    orpheus_policy,
    service_class,
)
from syrinx.server.elevenlabs import ElevenLabsRoutes
from syrinx.server.health import HealthRoutes
from syrinx.server.http import OpenAiRoutes
from syrinx.server.limits import BodyLimit, OriginGuard, SocketCap
from syrinx.server.log import RequestLog
from syrinx.server.observe import Metrics
from syrinx.server.orpheus import OrpheusRoutes
from syrinx.server.page import page_routes
from syrinx.server.piper import PiperRoutes
from syrinx.server.sockets import SocketRoutes
from syrinx.server.voicereader.build import VoiceReader
from syrinx.server.voicereader.routes import CLONE, clone_body_bytes
from syrinx.server.websocket import PumpPolicy

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

_log = structlog.get_logger("syrinx.server")


def build_app(
    settings: Settings,
    engine: Engine,
    metrics: Metrics | None = None,
    on_ready: Callable[[], None] | None = None,
    on_quit: Callable[[], None] | None = None,
) -> Starlette:
    """Return the app. Its lifespan loads the models while it already answers, and stops the engine at the end.

    ``metrics`` should be the engine's observer. ``on_ready`` is called once, when the default model can speak.
    ``on_quit`` ends the process for a client that asks for it; None: none may.
    """
    metrics = metrics or Metrics()
    metrics.watch_models(engine.models)
    keys = read_keys(settings.api_key, settings.api_key_file)
    cap = SocketCap(settings.max_connections)
    voicereader = VoiceReader(engine, keys, settings, (cap, metrics), on_quit)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        loading = asyncio.create_task(_load(engine, on_ready), name="load models")
        yield
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await engine.stop()
        metrics.close()

    app = Starlette(lifespan=lifespan)
    app.router.redirect_slashes = False
    app.router.routes.extend(
        [
            *SocketRoutes(engine, keys, cap, metrics, _pump_policy(settings)).routes(
                [dialect(settings, engine) for dialect in DIALECTS], voicereader.sockets()
            ),
            *ElevenLabsRoutes(engine, keys, elevenlabs_policy(settings), settings).routes(),
            *CartesiaRoutes(engine, keys, cartesia_policy(settings), settings).routes(),
            *DeepgramRoutes(engine, keys, deepgram_policy(settings), settings).routes(),
            *OpenAiRoutes(engine, keys, _speech_policy(settings), settings).routes(),
            *OrpheusRoutes(engine, keys, orpheus_policy(settings), settings).routes(),
            *ChatterboxRoutes(engine, keys, chatterbox_policy(settings), settings).routes(),
            *PiperRoutes(engine, keys, settings).routes(),
            *voicereader.routes(),
            *HealthRoutes(engine, keys, metrics, settings, cap).routes(),
            *page_routes(Path(syrinx.web.__path__[0])),
        ]
    )
    _answer_errors(app, engine)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, longer={CLONE: clone_body_bytes(settings)})
    app.add_middleware(OriginGuard, hosts=(settings.host, *settings.allowed_hosts), origins=settings.cors_origins)
    app.add_middleware(RequestLog)
    return app


async def _load(engine: Engine, on_ready: Callable[[], None] | None) -> None:
    try:
        await engine.start()
    except SyrinxError as error:
        _log.error("models_not_ready", error=str(error))
        return
    except Exception:  # noqa: BLE001 - a bug must not pass in silence; the server answers on, /readyz with 503
        _log.exception("engine_start_failed")
        return
    if on_ready is not None:
        on_ready()


def _speech_policy(settings: Settings) -> SpeechPolicy:
    return SpeechPolicy(
        max_chars=settings.max_text_chars,
        default_speed=settings.default_speed,
        opus_bitrate=bits_per_second(settings.opus_bitrate),
        service_class=service_class(settings),
    )


def _pump_policy(settings: Settings) -> PumpPolicy:
    return PumpPolicy(settings.ws_send_timeout, settings.ws_long_send_log_ms / 1000)


def _answer_errors(app: Starlette, engine: Engine) -> None:
    """Every error leaves in the envelope."""

    async def ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, SyrinxError)
        return error_answer(error, draining=engine.draining)

    async def routing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = plain_error(error.status_code, _routing_message(request, error.status_code), "invalid_route")
        answer.headers.update(error.headers or {})
        return answer

    async def hung_up(_: Request, __: Exception) -> Response:
        return Response(status_code=400)  # nobody reads it

    async def bug(_: Request, __: Exception) -> Response:
        return json_answer(envelope("The server failed; its log says why.", "server_error", "internal_error"), 500)

    app.add_exception_handler(SyrinxError, ours)
    app.add_exception_handler(HTTPException, routing)
    app.add_exception_handler(ClientDisconnect, hung_up)
    app.add_exception_handler(Exception, bug)


def _routing_message(request: Request, status: int) -> str:
    path = request.scope["path"][:200]
    if status == 405:
        return f"{path} does not answer to {request.method}."
    return f"There is nothing at {path}." if status == 404 else f"The request for {path} failed."
