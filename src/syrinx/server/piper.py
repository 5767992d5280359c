"""The HTTP routes of Piper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from syrinx.engine.policy import SessionOptions
from syrinx.protocols.piper import Cast, PiperPolicy, parse_piper, voices_body
from syrinx.server.answers import json_answer
from syrinx.server.auth import Keys, listed_for
from syrinx.server.bodies import parse_body
from syrinx.server.offered import offered_voices
from syrinx.server.speech_stream import SpeechStream

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

PROTOCOL = "piper"


@dataclass(frozen=True, slots=True)
class PiperRoutes:
    """What the routes share. ``GET /`` is the page's."""

    engine: Engine
    keys: Keys
    settings: Settings

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.speech, methods=["POST"]),
            Route("/synthesize", self.speech, methods=["POST"]),
            Route("/voices", self.voices),
        ]

    async def speech(self, request: Request) -> SpeechStream:
        """``POST /`` (and ``/synthesize``, its newer name): a WAV, as it is made."""
        owner = self.keys.admit(request.scope)
        policy = PiperPolicy(self.settings.max_text_chars, self.settings.default_speed)
        cast = Cast(self.engine.resolve, lambda: offered_voices(self.engine))
        query = {name: value for name, value in request.query_params.items() if value}
        call = await parse_body(request, lambda body: parse_piper(body, query, policy, cast))
        session = self.engine.session(SessionOptions(PROTOCOL, owner=owner))
        return SpeechStream(call, session, self.settings.http_send_timeout)

    async def voices(self, request: Request) -> Response:
        """``GET /voices``: of every loaded model, the default's first."""
        if not self.settings.public_lists:
            self.keys.admit(request.scope)
        listed = listed_for(self.keys, request.scope, self.engine.voices.listed())
        return json_answer(voices_body(offered_voices(self.engine, listed)))
