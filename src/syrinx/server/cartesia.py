"""The HTTP routes of the Cartesia dialect; its socket is in ``dialects``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from syrinx.core.errors import SyrinxError, VoiceNotFound
from syrinx.core.types import EncodedAudio
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.cartesia.errors import error_body, http_status
from syrinx.protocols.cartesia.lists import ListedAs, voice_body, voices_body
from syrinx.protocols.cartesia.messages import Events
from syrinx.protocols.cartesia.speech import CartesiaCall, CartesiaPolicy, parse_bytes, parse_sse
from syrinx.protocols.frames import frame_s
from syrinx.protocols.openai.errors import http_error
from syrinx.server.answers import json_answer, request_id
from syrinx.server.auth import Keys, listed_for
from syrinx.server.bodies import parse_body
from syrinx.server.by_header import RouteByHeader
from syrinx.server.chatterbox import request_name
from syrinx.server.framed import framed
from syrinx.server.speech_stream import PLAIN, AnswerForm, SpeechStream

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

PROTOCOL = "cartesia"
HEADERS = (b"cartesia-version", b"x-api-key")
"""What the vendor's clients send, and those of Piper do not."""

Handler = Callable[[Request], Awaitable[Response | SpeechStream]]


@dataclass(frozen=True, slots=True)
class CartesiaRoutes:
    """What the routes share. They stand before those of other dialects, from which one is told by a header."""

    engine: Engine
    keys: Keys
    policy: CartesiaPolicy
    settings: Settings

    def routes(self) -> list[BaseRoute]:
        """All of them; every error leaves in the vendor's shape."""
        return [
            Route("/tts/bytes", self._answering(self.bytes), methods=["POST"]),
            Route("/tts/sse", self._answering(self.events), methods=["POST"]),
            RouteByHeader("/voices", self._answering(self.voices), HEADERS),
            Route("/voices/{voice:path}", self._answering(self.voice), methods=["GET"]),
        ]

    async def bytes(self, request: Request) -> SpeechStream:
        """``POST /tts/bytes``: audio in the format asked for, as it is made."""
        owner = self.keys.admit(request.scope)
        call = await parse_body(request, lambda body: parse_bytes(body, self.policy, self.engine.resolve))
        return self._stream(request, call, owner, PLAIN)

    async def events(self, request: Request) -> SpeechStream:
        """``POST /tts/sse``: the same as server-sent events, with the times of words."""
        owner = self.keys.admit(request.scope)
        call = await parse_body(request, lambda body: parse_sse(body, self.policy, self.engine.resolve))
        events = Events(call.text, call.context_id, request_id(request.scope), with_words=call.with_words)
        form = AnswerForm(_sse_headers, events.piece, events.note, events.end, events.broken)
        return self._stream(request, call, owner, form)

    def _stream(self, request: Request, call: CartesiaCall, owner: str, form: AnswerForm) -> SpeechStream:
        options = SessionOptions(PROTOCOL, owner=owner, marks=call.with_words)
        session = self.engine.session(framed(options, frame_s(request.query_params)))
        form = replace(form, refuse=lambda error: self._refusal(error, request))
        return SpeechStream(call, session, self.settings.http_send_timeout, form)

    async def voices(self, request: Request) -> Response:
        """``GET /voices``."""
        return json_answer(voices_body(self._listed(request), request.query_params))

    async def voice(self, request: Request) -> Response:
        """``GET /voices/{voice}``."""
        name = request.path_params["voice"]
        for listed in self._listed(request):
            if listed.voice_id == name:
                return json_answer(voice_body(listed))
        raise VoiceNotFound(f"There is no voice {name[:100]!r}.", param="voice")

    def _listed(self, request: Request) -> list[ListedAs]:
        """Of every loaded model, the default's first; cloned ones only with the key."""
        if not self.settings.public_lists:
            self.keys.admit(request.scope)
        voices = listed_for(self.keys, request.scope, self.engine.voices.listed())
        return [ListedAs(request_name(voice), voice.info, voice.stored is not None) for voice in voices]

    def _answering(self, handler: Handler) -> Handler:
        async def answering(request: Request) -> Response | SpeechStream:
            try:
                return await handler(request)
            except SyrinxError as error:
                return self._refusal(error, request)

        return answering

    def _refusal(self, error: SyrinxError, request: Request) -> Response:
        """An error in the vendor's shape. While draining, another server should be asked."""
        retry_s, status = http_error(error).retry_after_s, http_status(error)
        headers = {} if retry_s is None else {"retry-after": str(retry_s)}
        status = 503 if self.engine.draining and status == 429 else status
        return json_answer(error_body(error, request_id(request.scope)), status, headers)


def _sse_headers(_: EncodedAudio) -> dict[str, str]:
    return {"content-type": "text/event-stream"}
