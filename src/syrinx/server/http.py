"""The routes of OpenAI's speech API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from syrinx.core.errors import ModelNotFound
from syrinx.core.types import EncodedAudio, Finished
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.frames import frame_s
from syrinx.protocols.one_shot import OneShot
from syrinx.protocols.openai.speech import (
    SpeechPolicy,
    StreamFormat,
    audio_models_body,
    delta_event,
    done_event,
    error_event,
    model_object,
    models_body,
    parse_speech,
    voice_ids_body,
    voices_body,
    with_instructions,
)
from syrinx.server.answers import json_answer
from syrinx.server.auth import Keys, listed_for
from syrinx.server.bodies import parse_body
from syrinx.server.framed import framed
from syrinx.server.speech_stream import PLAIN, AnswerForm, SpeechStream

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

PROTOCOL = "openai"


def _sse_headers(_: EncodedAudio) -> dict[str, str]:
    return {"content-type": "text/event-stream"}


def _sse_piece(audio: EncodedAudio) -> bytes:
    return delta_event(audio.data)


def _sse_end(call: OneShot, finished: Finished) -> bytes:
    return done_event(len(call.text), finished.audio_s)


SERVER_SENT_EVENTS = AnswerForm(headers=_sse_headers, piece=_sse_piece, end=_sse_end, broken=error_event)
"""``stream_format: sse``."""


@dataclass(frozen=True, slots=True)
class OpenAiRoutes:
    """What the routes share."""

    engine: Engine
    keys: Keys
    policy: SpeechPolicy
    settings: Settings

    def routes(self) -> list[BaseRoute]:
        """All of them; GET routes answer HEAD too."""
        return [
            Route("/v1/audio/speech", self.speech, methods=["POST"]),
            Route("/v1/audio/voices", self.voices),
            Route("/v1/audio/models", self.audio_models),
            Route("/v1/models", self.models),
            Route("/v1/models/{name:path}", self.model),
            Route("/v1", self.hello),
            Route("/v1/", self.hello),
        ]

    async def speech(self, request: Request) -> SpeechStream:
        """``POST /v1/audio/speech``."""
        owner = self.keys.admit(request.scope)
        call = await parse_body(request, lambda body: parse_speech(body, self.policy))
        if call.instructions:
            choice = self.engine.resolve(call.request.model, call.request.voice)
            call = with_instructions(call, choice.info)
        session = self.engine.session(framed(self.options(owner), frame_s(request.query_params)))
        form = SERVER_SENT_EVENTS if call.stream_format is StreamFormat.SSE else PLAIN
        return SpeechStream(call, session, self.settings.http_send_timeout, form)

    async def voices(self, request: Request) -> Response:
        """``GET /v1/audio/voices``: of every loaded model, the default's first and cloned ones after the model's own;
        ``?model=`` for one of them, ``?legacy=true`` for bare ids."""
        self._admit_to_list(request)
        found = self.engine.voices.listed(request.query_params.get("model") or None)
        voices = listed_for(self.keys, request.scope, found)
        if request.query_params.get("legacy") == "true":
            return json_answer(voice_ids_body([voice.info.id for voice in voices]))
        return json_answer(voices_body([(voice.model, voice.info, voice.stored is not None) for voice in voices]))

    async def audio_models(self, request: Request) -> Response:
        """``GET /v1/audio/models``."""
        self._admit_to_list(request)
        return json_answer(audio_models_body(self._names()))

    async def models(self, request: Request) -> Response:
        """``GET /v1/models``."""
        self._admit_to_list(request)
        return json_answer(models_body(self._names()))

    async def model(self, request: Request) -> Response:
        """``GET /v1/models/{name}``."""
        self._admit_to_list(request)
        name = request.path_params["name"]
        if name not in self._names():
            raise ModelNotFound(f"There is no model {name[:100]!r}.", param="model")
        return json_answer(msgspec.json.encode(model_object(name)))

    async def hello(self, request: Request) -> Response:
        """``GET /v1/``: LiveKit asks it to warm its connection up; any answer will do."""
        return json_answer(b'{"object":"service","name":"syrinx"}')

    def options(self, owner: str) -> SessionOptions:
        """One utterance, made as fast as it is read: whoever asks for a file does not wait for it to be played."""
        return SessionOptions(PROTOCOL, owner=owner)

    def _admit_to_list(self, request: Request) -> None:
        if not self.settings.public_lists:
            self.keys.admit(request.scope)

    def _names(self) -> list[str]:
        return [model.name for model in self.engine.models()]
