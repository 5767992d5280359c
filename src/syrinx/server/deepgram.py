"""``POST /v1/speak`` of the Deepgram dialect; its socket is in ``dialects``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from syrinx.core.errors import SyrinxError
from syrinx.core.types import EncodedAudio
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.deepgram.errors import error_body, http_status
from syrinx.protocols.deepgram.messages import as_uuid
from syrinx.protocols.deepgram.speech import PARAMETERS, Call, DeepgramPolicy, parse_speech
from syrinx.protocols.frames import frame_s
from syrinx.protocols.openai.errors import http_error
from syrinx.server.answers import json_answer, request_id
from syrinx.server.auth import Keys
from syrinx.server.bodies import parse_body
from syrinx.server.framed import framed
from syrinx.server.speech_stream import AnswerForm, SpeechStream

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

PROTOCOL = "deepgram"
SCHEME = "token "
"""Of ``Authorization``, as the vendor's clients send their key."""


class _OursByAddress(Route):
    """A path that VoiceReader has too, whose clients send neither that scheme nor a query."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if scope["type"] == "http" and is_ours(scope) else (Match.NONE, {})


def is_ours(scope: Scope) -> bool:
    """Whether a request at ``/v1/speak`` is of this dialect: by ``Authorization: Token`` or one of its parameters."""
    if Headers(scope=scope).get("authorization", "").lower().startswith(SCHEME):
        return True
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return any(name in query for name in PARAMETERS)


@dataclass(frozen=True, slots=True)
class DeepgramRoutes:
    """What the route needs. It stands before VoiceReader's of the same path."""

    engine: Engine
    keys: Keys
    policy: DeepgramPolicy
    settings: Settings

    def routes(self) -> list[BaseRoute]:
        return [_OursByAddress("/v1/speak", self.speak, methods=["POST"])]

    async def speak(self, request: Request) -> Response | SpeechStream:
        """``POST /v1/speak``: audio in the format asked for, as it is made; errors in the vendor's shape."""
        refuse = self._refusal(as_uuid(request_id(request.scope)))
        try:
            owner = self.keys.admit(request.scope)
            kind, query = request.headers.get("content-type", ""), request.query_params
            options = framed(SessionOptions(PROTOCOL, owner=owner), frame_s(query))
            resolve = self.engine.resolve
            call = await parse_body(request, lambda body: parse_speech(body, kind, query, self.policy, resolve))
            session = self.engine.session(options)
        except SyrinxError as error:
            return refuse(error)
        form = AnswerForm(_headers(call, as_uuid(request_id(request.scope))), refuse=refuse)
        return SpeechStream(call.speech, session, self.settings.http_send_timeout, form)

    def _refusal(self, request_uuid: str) -> Callable[[SyrinxError], Response]:
        """An error in the vendor's shape. While draining, another server should be asked."""

        def refusal(error: SyrinxError) -> Response:
            retry_s, status = http_error(error).retry_after_s, http_status(error)
            headers = {"dg-request-id": request_uuid, **({} if retry_s is None else {"retry-after": str(retry_s)})}
            status = 503 if self.engine.draining and status == 429 else status
            return json_answer(error_body(error, request_uuid), status, headers)

        return refusal


def _headers(call: Call, request_uuid: str) -> Callable[[EncodedAudio], Mapping[str, str]]:
    """What the vendor's answers say of themselves (its SDK for Rust lists what a real one has)."""

    named = {"dg-model-name": call.model_name} if call.model_name.isascii() else {}

    def headers(audio: EncodedAudio) -> Mapping[str, str]:
        return {
            "content-type": audio.media_type,
            "dg-request-id": request_uuid,
            **named,
            "dg-model-uuid": as_uuid(call.model_name),
            "dg-char-count": str(len(call.speech.text)),
        }

    return headers
