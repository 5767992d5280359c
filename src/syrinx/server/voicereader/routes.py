"""The routes of the desktop sidecar (VoiceReader): who may call, what they sent, and the envelope of every error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from syrinx import __version__
from syrinx.core.errors import SyrinxError
from syrinx.core.types import SpeechRequest
from syrinx.protocols.voicereader import requests as wire
from syrinx.protocols.voicereader.answers import (
    activated_body,
    canceled_body,
    health_body,
    small_body,
    voice_body,
    voices_body,
)
from syrinx.protocols.voicereader.errors import error_body, forbidden, retry_after, status_and_code
from syrinx.protocols.voicereader.text import TextChunks, cut
from syrinx.server.answers import json_answer
from syrinx.server.auth import Keys
from syrinx.server.bodies import parse_body
from syrinx.server.limits import is_loopback
from syrinx.server.voicereader.address import socket_url
from syrinx.server.voicereader.jobs import Jobs
from syrinx.server.voicereader.models import Models
from syrinx.server.voicereader.prefetch import Prefetcher
from syrinx.server.voicereader.voices import Voices

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

CLONE = "/v1/voices/clone"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""A proxy on this machine says by these that somebody elsewhere asks."""
CUT_INLINE_CHARS = 2_000
"""Longer texts are cut in a thread; one of this length takes 0.3 ms, and 3 ms at the worst."""

Handler = Callable[[Request, str], Awaitable[Response]]
"""Called with the request and the caller's name."""


def clone_body_bytes(settings: Settings) -> int:
    """Longest body of ``POST /v1/voices/clone``: a recording in base64, and what is said of it."""
    return settings.max_reference_bytes * 4 // 3 + 64_000


@dataclass(frozen=True, slots=True)
class VoiceReaderRoutes:
    """What the routes share."""

    engine: Engine
    keys: Keys
    settings: Settings
    jobs: Jobs
    models: Models
    voices: Voices
    prefetcher: Prefetcher
    on_quit: Callable[[], None] | None
    """Ends the process; None where that is not ours to do."""

    def routes(self) -> list[BaseRoute]:
        """All of them, each behind the key."""
        return [
            self._route("/v1/health", self.health, "GET"),
            self._route("/v1/voices", self.list_voices, "GET"),
            self._route(CLONE, self.clone, "POST"),
            self._route("/v1/voices/{voice_id}", self.voice, "PATCH", "DELETE"),
            self._route("/v1/speak", self.speak, "POST"),
            self._route("/v1/cancel", self.cancel, "POST"),
            self._route("/v1/jobs/{job_id}/playback", self.playback, "POST"),
            self._route("/v1/warmup", self.warmup, "POST"),
            self._route("/v1/models/activate", self.activate, "POST"),
            self._route("/v1/models/prefetch", self.prefetch, "POST"),
            self._route("/v1/quit", self.quit, "POST"),
        ]

    # --- speech ----------------------------------------------------------------------------------------------------

    async def speak(self, request: Request, owner: str) -> Response:
        """``POST /v1/speak``: begins a job, and ends the one that this caller has running."""
        most = self.settings.max_text_chars
        wanted = await parse_body(request, lambda body: wire.parse_speak(body, most))
        choice = self.voices.choose(wanted)
        asked = SpeechRequest(
            model=choice.model,
            voice=choice.voice,
            language=wanted.language or None,
            delivery=wanted.settings.delivery,
        )
        chunks = await cut_aside(wanted.text, wanted.settings.chunking.max_chars, wanted.language or choice.language)
        job = self.jobs.speak(owner, asked, chunks)
        url = socket_url(request.scope, f"/v1/stream/{job.id}")
        return json_answer(small_body(job_id=job.id, ws_url=url))

    async def cancel(self, request: Request, owner: str) -> Response:
        """``POST /v1/cancel``."""
        wanted = await parse_body(request, wire.parse_cancel)
        return json_answer(canceled_body(self.jobs.find(wanted.job_id, self._whose(owner)).cancel(wanted.played_s)))

    async def playback(self, request: Request, owner: str) -> Response:
        """``POST /v1/jobs/{id}/playback``: how the rest of a job is spoken."""
        change = await parse_body(request, wire.parse_playback)
        self.jobs.find(request.path_params["job_id"], self._whose(owner)).adjust(change)
        return json_answer(small_body(updated=True))

    # --- voices ----------------------------------------------------------------------------------------------------

    async def list_voices(self, request: Request, owner: str) -> Response:
        """``GET /v1/voices``."""
        return json_answer(voices_body(self.voices.all()))

    async def clone(self, request: Request, owner: str) -> Response:
        """``POST /v1/voices/clone``."""
        wanted = await parse_body(request, wire.parse_clone)
        return json_answer(voice_body(await self.voices.clone(wanted)))

    async def voice(self, request: Request, owner: str) -> Response:
        """``PATCH`` and ``DELETE /v1/voices/{id}``."""
        voice_id = request.path_params["voice_id"]
        if request.method == "DELETE":
            await self.voices.delete(voice_id)
            return json_answer(small_body(deleted=True))
        change = await parse_body(request, wire.parse_patch)
        return json_answer(voice_body(await self.voices.change(voice_id, change)))

    # --- the model and the process ---------------------------------------------------------------------------------

    async def health(self, request: Request, owner: str) -> Response:
        """``GET /v1/health``."""
        return json_answer(health_body(__version__, self.models.runtime()))

    async def warmup(self, request: Request, owner: str) -> Response:
        """``POST /v1/warmup``."""
        wanted = await parse_body(request, wire.parse_warmup)
        accepted = await self.engine.warmup.trigger(wanted.wait, wanted.force, wanted.reason or "api")
        return json_answer(small_body(accepted=accepted, warmup=self.models.runtime().warmup))

    async def activate(self, request: Request, owner: str) -> Response:
        """``POST /v1/models/activate``."""
        self._check_management(request)
        accepted = await self.models.activate(await parse_body(request, wire.parse_activate))
        return json_answer(activated_body(self.models.runtime(), accepted))

    async def prefetch(self, request: Request, owner: str) -> Response:
        """``POST /v1/models/prefetch``: answers once all is there."""
        self._check_management(request)
        wanted = await parse_body(request, wire.parse_prefetch)
        return json_answer(await self.prefetcher.fetch(wanted.mode))

    async def quit(self, request: Request, owner: str) -> Response:
        """``POST /v1/quit``: ends the process once this is answered."""
        self._check_management(request)
        if self.on_quit is None:
            raise forbidden("This server is part of another program, which ends it.")
        self.jobs.close()
        self.prefetcher.close()
        self.on_quit()
        return json_answer(small_body(quitting=True))

    # --- inside ----------------------------------------------------------------------------------------------------

    def _route(self, path: str, handler: Handler, *methods: str) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                return await handler(request, self.keys.admit(request.scope))
            except SyrinxError as error:
                return refusal(error)

        return Route(path, endpoint, methods=list(methods))

    def _whose(self, owner: str) -> str | None:
        """Whose jobs a caller may touch: its own; without keys everyone's, for then nobody is known."""
        return owner if self.keys.required else None

    def _check_management(self, request: Request) -> None:
        """Raises ``InvalidRequest`` (``forbidden``) where callers may not change the server itself."""
        allowed = self.settings.management
        local = is_loopback(self.settings.host) and not any(name in request.headers for name in FORWARDED)
        if allowed == "off" or (allowed == "auto" and not local):
            raise forbidden("Clients may not manage this server (setting: management).")


async def cut_aside(text: str, max_chars: int, language: str) -> TextChunks:
    """Cut a text, a long one in a thread."""
    if len(text) > CUT_INLINE_CHARS:
        return await asyncio.to_thread(cut, text, max_chars, language)
    return cut(text, max_chars, language)


def refusal(error: SyrinxError) -> Response:
    """One of our errors in the sidecar's envelope."""
    wait_s = retry_after(error)
    headers = {} if wait_s is None else {"retry-after": str(wait_s)}
    return json_answer(error_body(error), status_and_code(error)[0], headers)
