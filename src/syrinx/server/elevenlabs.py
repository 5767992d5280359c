"""The HTTP routes of the ElevenLabs dialect; its sockets are in ``dialects``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from syrinx.core.errors import SyrinxError, VoiceNotFound
from syrinx.core.types import EncodedAudio
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.base import Handshake
from syrinx.protocols.elevenlabs.errors import error_body, http_status
from syrinx.protocols.elevenlabs.lists import (
    ListedAs,
    models_body,
    search_body,
    subscription_body,
    user_body,
    voice_body,
    voices_body,
)
from syrinx.protocols.elevenlabs.messages import TimedChunks, TimedWhole
from syrinx.protocols.elevenlabs.speech import ElevenLabsPolicy, parse_speech
from syrinx.protocols.frames import frame_s
from syrinx.protocols.one_shot import OneShot
from syrinx.protocols.openai.errors import http_error
from syrinx.server.answers import json_answer
from syrinx.server.auth import Keys, listed_for
from syrinx.server.bodies import parse_body
from syrinx.server.by_header import RouteByHeader
from syrinx.server.chatterbox import request_name
from syrinx.server.framed import framed
from syrinx.server.speech_stream import AnswerForm, SpeechStream

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

PROTOCOL = "elevenlabs"
SPEECH = "/v1/text-to-speech/{voice}"
KEY_HEADERS = (b"xi-api-key",)
"""What the vendor's clients send their key in, and others do not."""

Form = Callable[[OneShot], AnswerForm]
Handler = Callable[[Request], Awaitable[Response | SpeechStream]]


@dataclass(frozen=True, slots=True)
class ElevenLabsRoutes:
    """What the routes share. They stand before those of other dialects, from which two are told by a header."""

    engine: Engine
    keys: Keys
    policy: ElevenLabsPolicy
    settings: Settings

    def routes(self) -> list[BaseRoute]:
        """All of them; every error leaves in the vendor's shape."""
        speech = {"": _plain, "/stream": _plain, "/with-timestamps": _whole, "/stream/with-timestamps": _chunks}
        return [
            *(
                Route(SPEECH + path, self._answering(self._speech(form)), methods=["POST"])
                for path, form in speech.items()
            ),
            RouteByHeader("/v1/voices", self._answering(self.voices), KEY_HEADERS),
            Route("/v1/voices/{voice}", self._answering(self.voice), methods=["GET"]),
            Route("/v2/voices", self._answering(self.search)),
            RouteByHeader("/v1/models", self._answering(self.models), KEY_HEADERS),
            Route("/v1/user", self._answering(self.user)),
            Route("/v1/user/subscription", self._answering(self.subscription)),
        ]

    def _speech(self, form: Form) -> Handler:
        async def speech(request: Request) -> SpeechStream:
            owner = self.keys.admit(request.scope)
            handshake = Handshake(request.path_params, request.query_params)
            resolve = self.engine.resolve
            call = await parse_body(request, lambda body: parse_speech(body, handshake, self.policy, resolve))
            shape = form(call)
            options = SessionOptions(PROTOCOL, owner=owner, marks=form is not _plain)
            session = self.engine.session(framed(options, frame_s(request.query_params)))
            return SpeechStream(call, session, self.settings.http_send_timeout, shape)

        return speech

    async def voices(self, request: Request) -> Response:
        """``GET /v1/voices``."""
        return json_answer(voices_body(self._listed(request)))

    async def voice(self, request: Request) -> Response:
        """``GET /v1/voices/{voice}``."""
        name = request.path_params["voice"]
        for listed in self._listed(request):
            if listed.voice_id == name:
                return json_answer(voice_body(listed))
        raise VoiceNotFound(f"There is no voice {name[:100]!r}.", param="voice_id")

    async def search(self, request: Request) -> Response:
        """``GET /v2/voices``: the same with ``?search=``."""
        return json_answer(search_body(self._listed(request), request.query_params))

    async def models(self, request: Request) -> Response:
        """``GET /v1/models``: those that are loaded."""
        self._admit_to_list(request)
        infos = [status.info for status in self.engine.models() if status.info is not None]
        return json_answer(models_body(infos, self.policy.max_chars))

    async def user(self, request: Request) -> Response:
        """``GET /v1/user``: whose key it is, as a fingerprint."""
        return json_answer(user_body(self.keys.admit(request.scope)))

    async def subscription(self, request: Request) -> Response:
        """``GET /v1/user/subscription``."""
        self.keys.admit(request.scope)
        return json_answer(subscription_body())

    def _listed(self, request: Request) -> list[ListedAs]:
        """Of every loaded model, the default's first; cloned ones only with the key."""
        self._admit_to_list(request)
        voices = listed_for(self.keys, request.scope, self.engine.voices.listed())
        return [ListedAs(request_name(voice), voice.info, voice.model, voice.stored is not None) for voice in voices]

    def _admit_to_list(self, request: Request) -> None:
        if not self.settings.public_lists:
            self.keys.admit(request.scope)

    def _answering(self, handler: Handler) -> Handler:
        async def answering(request: Request) -> Response | SpeechStream:
            try:
                return await handler(request)
            except SyrinxError as error:
                return self._refusal(error)

        return answering

    def _refusal(self, error: SyrinxError) -> Response:
        return _refusal(error, draining=self.engine.draining)


def _refusal(error: SyrinxError, *, draining: bool = False) -> Response:
    """An error in the vendor's shape. While draining, another server should be asked."""
    retry_s, status = http_error(error).retry_after_s, http_status(error)
    headers = {} if retry_s is None else {"retry-after": str(retry_s)}
    return json_answer(error_body(error), 503 if draining and status == 429 else status, headers)


def _json_lines(_: EncodedAudio) -> dict[str, str]:
    return {"content-type": "application/json"}


def _plain(call: OneShot) -> AnswerForm:
    return AnswerForm(refuse=_refusal)


def _timed(timed: TimedChunks) -> AnswerForm:
    return AnswerForm(
        headers=_json_lines,
        piece=timed.piece,
        note=timed.note,
        end=lambda call, finished: timed.end(),
        refuse=_refusal,
    )


def _chunks(call: OneShot) -> AnswerForm:
    return _timed(TimedChunks(call.text))


def _whole(call: OneShot) -> AnswerForm:
    return _timed(TimedWhole(call.text))
