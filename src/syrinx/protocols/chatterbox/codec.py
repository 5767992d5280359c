"""The Chatterbox WebSocket dialect (``/v1/stream/tts``) and the body of ``POST /v1/synthesize``, as pure codecs.

Shapes follow the Chatterbox-vLLM service; ``docs/protocols/chatterbox.md`` has every message and says where we differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from syrinx.core.errors import EmptyText, InvalidRequest, SyrinxError, VoiceNotFound
from syrinx.core.types import (
    Append,
    Audio,
    AudioFormat,
    Cancel,
    End,
    Failed,
    Finished,
    FinishReason,
    Open,
    ServerEvent,
    ServiceClass,
    SpeechRequest,
)
from syrinx.protocols.base import Action, Ask, Close, Drain, Reply, Timing
from syrinx.protocols.chatterbox.frames import TOKEN_BYTES, Frames
from syrinx.protocols.chatterbox.messages import (
    KnownVoice,
    RequestId,
    complete_reply,
    error_reply,
    registered_reply,
    voices_reply,
)
from syrinx.protocols.chatterbox.voice import registration_of
from syrinx.protocols.formats import audio_format, sample_rate_of
from syrinx.protocols.interruption import heard_fields, played_of
from syrinx.protocols.jsonwire import Fields, cache_of, flag, kind, language_of, number, read_object, string
from syrinx.protocols.one_shot import OneShot, delivery_of, needed_text
from syrinx.protocols.options import Resolve, with_options
from syrinx.protocols.turns import Turns

F32_24K = AudioFormat("pcm_f32le", 24_000)
"""What the service sends."""
PCM_RATE = 24_000
"""Hertz of ``format: pcm``, as on the socket."""
EXPRESSION = {"exaggeration": (0.0, 2.0), "cfg_weight": (0.0, 3.0)}
"""Chatterbox's demo offers an exaggeration of 0.25 to 2 and the service's document 0 to 1; a weight of 0 to 1, and the
service's configuration 3."""
MAX_CHUNK_TOKENS = 1000
"""As the setting ``chunk_tokens``."""
MAX_REQUEST_ID_CHARS = 256


@dataclass(frozen=True, slots=True)
class ChatterboxPolicy:
    """What the operator set."""

    max_chars: int = 200_000
    default_speed: float = 1.0
    chunk_tokens: int = 25
    """Length of a frame in tokens of 40 ms, where a request names none."""
    early: bool = True
    """The first frames are short, so that the first sound comes at once."""
    frame_s: float | None = None
    """Length of every frame, whatever a request says; None: as it says."""
    service_class: ServiceClass = ServiceClass.INTERACTIVE
    max_reference_bytes: int = 16_000_000
    opus_bitrate: int | None = None


@dataclass(slots=True)
class _Request:
    """What must be remembered of a ``synthesize`` until it has ended."""

    request_id: RequestId
    not_applied: tuple[str, ...]
    frames: Frames
    sent: int = 0
    """Frames."""
    timing: Timing | None = None


class ChatterboxCodec:
    """One connection. ``voices`` and ``resolve`` answer from what is loaded; they must not block."""

    ordered = True

    def __init__(self, policy: ChatterboxPolicy, resolve: Resolve, voices: Callable[[], Sequence[KnownVoice]]) -> None:
        self._policy = policy
        self._resolve = resolve
        self._voices = voices
        self._live: dict[str, _Request] = {}
        self._turns = Turns()
        self._opened: str | None = None
        self._about: RequestId = None
        self._count = 0
        self._ending = False

    def opened(self) -> list[Action]:
        """The dialect has no greeting."""
        return []

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest``, to be answered with ``refuse``."""
        self._opened = self._about = None
        if isinstance(message, bytes):
            raise InvalidRequest("This protocol takes JSON text messages only.", code="unexpected_binary")
        fields = read_object(message)
        self._about = _request_id(fields)
        name = fields.get("type")
        handler = self._HANDLERS.get(name) if isinstance(name, str) else None
        if handler is None:
            got = repr(name[:100]) if isinstance(name, str) else kind(name)
            known = ", ".join(self._HANDLERS)
            raise InvalidRequest(f"There is no message type {got}; there are: {known}.", code="unknown_type")
        return handler(self, fields)

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Answer ``error``; a request that the refused message opened is taken back."""
        actions: list[Action] = []
        if self._opened is not None:
            self._live.pop(self._opened, None)
            actions = [Cancel(self._opened), *self._turns.end(self._opened)]
        return [*actions, *self._turns.say([error_reply(error, self._about)])]

    def note_timing(self, utterance_id: str, timing: Timing) -> None:
        """Take how long an utterance took, just before its last event is rendered."""
        if (request := self._live.get(utterance_id)) is not None:
            request.timing = timing

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn an engine event into messages; events of requests taken back give none."""
        request = self._live.get(event.utterance_id)
        if request is None:
            return []
        if isinstance(event, Audio):
            return _sent(request, request.frames.push(event.audio.data))
        if isinstance(event, Finished | Failed):
            del self._live[event.utterance_id]
            return [*_ended(event, request), *self._turns.end(event.utterance_id)]
        return []

    # --- messages --------------------------------------------------------------------------------------------------

    def _synthesize(self, fields: Fields) -> list[Action]:
        if self._ending:
            raise InvalidRequest("The session has ended; it takes no more text.", code="session_ended")
        request = _Request(self._about, (), _frames(fields, self._policy))
        call = _call(fields, self._policy, self._resolve, F32_24K)
        request.not_applied = call.not_applied
        self._count += 1
        self._opened = utterance_id = str(self._count)
        self._live[utterance_id] = request
        self._turns.begin(utterance_id)
        return [Open(utterance_id, call.request), Append(utterance_id, call.text), End(utterance_id)]

    def _cancel(self, fields: Fields) -> list[Action]:
        """Stop the requests of that id, or all; those that wait go first, so that none of them starts. The first of
        them is the one that the client says to have played for so long."""
        played_s = played_of(fields)
        named = [name for name, live in self._live.items() if self._about in (None, live.request_id)]
        if not named and self._about is not None:
            raise InvalidRequest("No such request is being spoken; it may have ended.", code="unknown_request")
        return [Cancel(name, played_s if name == named[0] else None) for name in reversed(named)]

    def _register_voice(self, fields: Fields) -> list[Action]:
        registration = registration_of(fields, self._policy.max_reference_bytes)
        about = self._about

        def answered(outcome: object) -> list[Reply | Close]:
            if isinstance(outcome, SyrinxError):
                return [error_reply(outcome, about)]
            return [registered_reply(registration.voice_id, about)]

        return [Ask(registration, answered)]

    def _list_voices(self, _: Fields) -> list[Action]:
        return [voices_reply(self._voices(), self._about)]

    def _close(self, _: Fields) -> list[Action]:
        self._ending = True
        return [Drain()]

    _HANDLERS: ClassVar[dict[str, Callable[[ChatterboxCodec, Fields], list[Action]]]] = {
        "synthesize": _synthesize,
        "cancel": _cancel,
        "register_voice": _register_voice,
        "list_voices": _list_voices,
        "close": _close,
    }


def parse_synthesize(body: bytes, policy: ChatterboxPolicy, resolve: Resolve) -> OneShot:
    """Parse the body of ``POST /v1/synthesize``. Unknown fields are ignored.

    Raises ``InvalidRequest`` or one of its kinds, and ``ModelNotReady``.
    """
    fields = read_object(body)
    return _call(fields, policy, resolve, _format(fields, policy))


def _call(fields: Fields, policy: ChatterboxPolicy, resolve: Resolve, audio: AudioFormat) -> OneShot:
    request = SpeechRequest(
        model=string(fields, "model") or None,
        voice=string(fields, "voice_id") or None,
        language=language_of(fields),
        delivery=delivery_of(fields, policy.default_speed),
        audio=audio,
        service_class=policy.service_class,
        cache=cache_of(fields),
    )
    asked = {name: number(fields, name, *limits) for name, limits in EXPRESSION.items()}
    wanted = {name: value for name, value in asked.items() if value is not None}
    text = _text(fields, policy.max_chars)
    try:
        found = resolve(request.model, request.voice)
    except VoiceNotFound as error:
        raise VoiceNotFound(error.message, param="voice_id") from None
    request, left_out = with_options(request, wanted, found.info)
    return OneShot(text, request, left_out, "text")


def _text(fields: Fields, max_chars: int) -> str:
    try:
        return needed_text(fields, "text", max_chars)
    except EmptyText:
        raise EmptyText("Empty text", param="text") from None


def _format(fields: Fields, policy: ChatterboxPolicy) -> AudioFormat:
    name = string(fields, "format") or "wav"
    chosen = audio_format(name, sample_rate_of(fields.get("sample_rate")), param="format")
    if chosen.container.startswith("pcm_") and chosen.sample_rate is None:
        return replace(chosen, sample_rate=PCM_RATE)
    return replace(chosen, bitrate=policy.opus_bitrate) if chosen.container == "opus" else chosen


def _frames(fields: Fields, policy: ChatterboxPolicy) -> Frames:
    tokens = number(fields, "chunk_size", 1, MAX_CHUNK_TOKENS)
    if policy.frame_s is not None:
        exact = Frames.length(policy.frame_s)
        return Frames(exact, exact)
    if not flag(fields, "streaming", default=True):
        return Frames.whole()
    frame = int(tokens or policy.chunk_tokens) * TOKEN_BYTES
    return Frames(frame, first=TOKEN_BYTES if policy.early else frame)


def _request_id(fields: Fields) -> RequestId:
    value = fields.get("request_id")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) <= MAX_REQUEST_ID_CHARS:
        return value
    raise InvalidRequest(
        f"'request_id' must be a number or a string of at most {MAX_REQUEST_ID_CHARS} characters.", param="request_id"
    )


def _sent(request: _Request, frames: list[bytes]) -> list[Reply | Close]:
    request.sent += len(frames)
    return [Reply(frame) for frame in frames]


def _ended(event: Finished | Failed, request: _Request) -> list[Reply | Close]:
    """What is still to be heard, and the last word. Of a canceled request nothing more is heard."""
    if isinstance(event, Failed):
        return [*_sent(request, request.frames.rest()), error_reply(event.error, request.request_id)]
    told: dict[str, Any] = {"not_applied": request.not_applied} if request.not_applied else {}
    if event.reason is FinishReason.CANCELED:
        return [complete_reply(request.sent, request.request_id, {"canceled": True, **heard_fields(event), **told})]
    last = _sent(request, request.frames.rest())
    if request.timing is not None:
        told["metrics"] = _metrics(request.timing, event.audio_s, request.sent)
    return [*last, complete_reply(request.sent, request.request_id, told)]


def _metrics(timing: Timing, audio_s: float, chunks: int) -> dict[str, Any]:
    return {
        "ttfb_ms": None if timing.ttfa_s is None else round(timing.ttfa_s * 1000, 3),
        "total_ms": round(timing.wall_s * 1000, 3),
        "rtf": round(timing.wall_s / audio_s, 4) if audio_s else None,
        "chunks": chunks,
    }
