"""``POST /v1/synthesize`` of the Chatterbox dialect, and what its socket asks for; the socket is in ``dialects``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from syrinx.engine.policy import SessionOptions
from syrinx.protocols.chatterbox.codec import ChatterboxPolicy, parse_synthesize
from syrinx.protocols.chatterbox.messages import KnownVoice
from syrinx.protocols.chatterbox.voice import Registration
from syrinx.protocols.frames import frame_s
from syrinx.server.auth import Keys
from syrinx.server.bodies import parse_body
from syrinx.server.framed import framed
from syrinx.server.speech_stream import SpeechStream
from syrinx.voices.store import VoiceDraft

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine
    from syrinx.engine.voices import ListedVoice, VoiceBook

PROTOCOL = "chatterbox"


@dataclass(frozen=True, slots=True)
class ChatterboxRoutes:
    """What the route needs."""

    engine: Engine
    keys: Keys
    policy: ChatterboxPolicy
    settings: Settings

    def routes(self) -> list[BaseRoute]:
        return [Route("/v1/synthesize", self.synthesize, methods=["POST"])]

    async def synthesize(self, request: Request) -> SpeechStream:
        """``POST /v1/synthesize``: audio in the format asked for, as it is made."""
        owner = self.keys.admit(request.scope)
        call = await parse_body(request, lambda body: parse_synthesize(body, self.policy, self.engine.resolve))
        options = framed(SessionOptions(PROTOCOL, owner=owner), frame_s(request.query_params))
        session = self.engine.session(options)
        return SpeechStream(call, session, self.settings.http_send_timeout)


def known_voices(book: VoiceBook) -> Sequence[KnownVoice]:
    """Every voice of every loaded model."""
    return [KnownVoice(request_name(voice), voice.info.description or voice.info.name) for voice in book.listed()]


def request_name(voice: ListedVoice) -> str:
    """What a request calls a voice: a registered one by the id it was registered with."""
    return (voice.stored.draft.alias if voice.stored is not None else "") or voice.info.id


@dataclass(frozen=True, slots=True)
class Registrar:
    """Makes the voices that clients register."""

    book: VoiceBook

    async def __call__(self, question: object) -> object:
        """Keep a ``Registration``, in place of the one of that id. Raises ``SyrinxError``, and then that one stays."""
        assert isinstance(question, Registration)
        draft = VoiceDraft(
            name=question.voice_id,
            alias=question.voice_id,
            language=question.language,
            description=question.description,
            consent=question.consent,
            reference_text=question.reference_text,
        )
        return await self.book.clone(question.audio, draft, replace=True)
