"""The HTTP routes of the Orpheus dialect; its socket is in ``dialects``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from syrinx.core.types import EncodedAudio
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.frames import frame_s
from syrinx.protocols.orpheus import OrpheusPolicy, Speaker, parse_stream, speakers_body
from syrinx.server.answers import json_answer
from syrinx.server.auth import Keys, listed_for
from syrinx.server.bodies import parse_body
from syrinx.server.chatterbox import request_name
from syrinx.server.framed import framed
from syrinx.server.speech_stream import AnswerForm, SpeechStream

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

PROTOCOL = "orpheus"


def _headers(audio: EncodedAudio) -> Mapping[str, str]:
    return {
        "content-type": audio.media_type,
        "x-audio-sample-rate": str(audio.sample_rate),
        "x-audio-channels": "1",
        "x-audio-format": "int16",
    }


FORM = AnswerForm(headers=_headers)


@dataclass(frozen=True, slots=True)
class OrpheusRoutes:
    """What the routes share."""

    engine: Engine
    keys: Keys
    policy: OrpheusPolicy
    settings: Settings

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/v1/audio/speech/stream", self.stream, methods=["POST"]),
            Route("/api/voices", self.voices),
        ]

    async def stream(self, request: Request) -> SpeechStream:
        """``POST /v1/audio/speech/stream``: raw 16-bit audio as it is made."""
        owner = self.keys.admit(request.scope)
        call = await parse_body(request, lambda body: parse_stream(body, self.policy, self.engine.resolve))
        options = framed(SessionOptions(PROTOCOL, owner=owner), frame_s(request.query_params))
        session = self.engine.session(options)
        return SpeechStream(call, session, self.settings.http_send_timeout, FORM)

    async def voices(self, request: Request) -> Response:
        """``GET /api/voices``: of every loaded model, the default's first."""
        if not self.settings.public_lists:
            self.keys.admit(request.scope)
        listed = listed_for(self.keys, request.scope, self.engine.voices.listed())
        speakers = [Speaker(request_name(voice), voice.info, voice.is_default) for voice in listed]
        return json_answer(speakers_body(speakers))
