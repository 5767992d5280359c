"""OpenAI's speech API as plain values: a body becomes a ``SpeechCall``; lists and server-sent events become bytes.

Wire shapes: OpenAI API reference, audio/createSpeech, and what its SDKs, Pipecat, LiveKit and Open WebUI really send.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from syrinx.audio.delivery import LIMITS
from syrinx.core.errors import EmptyText, InvalidRequest, SyrinxError, TextTooLong
from syrinx.core.types import AudioFormat, Delivery, ServiceClass, SpeechRequest
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.formats import audio_format, sample_rate_of
from syrinx.protocols.jsonwire import Fields, kind, language_of, number, read_object, string
from syrinx.protocols.openai_errors import error_body

MAX_SEED = 2**32 - 1
"""Seeds that every random generator takes."""
PCM_RATE = 24_000
"""Hertz of ``response_format: pcm``; clients read it without asking (same source)."""
MP3 = "mp3"
"""The format where none is named (same source)."""
TOKENS_PER_AUDIO_S = 1250 / 60
"""OpenAI's prices for gpt-4o-mini-tts ($0.60 of audio tokens per 50,000, $0.015 a minute) come to 1,250 a minute."""
CHARS_PER_TOKEN = 4
"""OpenAI's rule of thumb for English text."""


class StreamFormat(enum.Enum):
    AUDIO = "audio"
    SSE = "sse"


@dataclass(frozen=True, slots=True)
class SpeechPolicy:
    """What the server allows and assumes."""

    max_chars: int = 200_000
    default_speed: float = 1.0
    opus_bitrate: int | None = None


@dataclass(frozen=True, slots=True)
class SpeechCall:
    """One request for speech."""

    text: str
    request: SpeechRequest
    stream_format: StreamFormat = StreamFormat.AUDIO
    instructions: str = ""
    not_applied: tuple[str, ...] = field(default=())
    """Fields that were understood but could not be honoured; told in a response header."""


def parse_speech(body: bytes, policy: SpeechPolicy) -> SpeechCall:
    """Parse the body of ``POST /v1/audio/speech``. Unknown fields are ignored.

    Beside OpenAI's fields it takes ours: ``language``, ``pitch``, ``volume``, ``sample_rate``, ``service_class`` and
    ``seed``.

    Raises ``InvalidRequest`` or one of its kinds, with ``param`` naming the field, and nothing else.
    """
    fields = read_object(body)
    request = SpeechRequest(
        model=string(fields, "model"),
        voice=_voice(fields),
        language=language_of(fields),
        delivery=_delivery(fields, policy),
        audio=_audio(fields, policy),
        service_class=_service_class(fields),
        seed=_seed(fields),
    )
    return SpeechCall(
        text=_text(fields, policy.max_chars),
        request=request,
        stream_format=_stream_format(fields),
        instructions=(string(fields, "instructions") or "").strip(),
    )


def with_instructions(call: SpeechCall, info: ModelInfo) -> SpeechCall:
    """Hand ``instructions`` to a model that takes them; else note that they were not applied."""
    if not call.instructions:
        return call
    if "instructions" in info.options_schema.get("properties", {}):
        options = {**call.request.options, "instructions": call.instructions}
        return replace(call, request=replace(call.request, options=options))
    return replace(call, not_applied=(*call.not_applied, "instructions"))


def _text(fields: Fields, max_chars: int) -> str:
    value = fields.get("input")
    if not isinstance(value, str):
        said = "is missing" if value is None else f"must be a string, not {kind(value)}"
        raise InvalidRequest(f"'input' {said}.", param="input")
    if len(value) > max_chars:
        raise TextTooLong(max_chars, len(value), param="input")
    if not value.strip():
        raise EmptyText("'input' holds nothing to speak.", param="input")
    return value


def _voice(fields: Fields) -> str | None:
    value = fields.get("voice")
    if isinstance(value, dict):
        value = value.get("id")
        if not isinstance(value, str):
            raise InvalidRequest("'voice' as an object needs a string 'id'.", param="voice")
    if value is None or isinstance(value, str):
        return value or None
    raise InvalidRequest(f"'voice' must be a string or an object with an 'id', not {kind(value)}.", param="voice")


def _delivery(fields: Fields, policy: SpeechPolicy) -> Delivery:
    asked = {name: number(fields, name, *LIMITS[name]) for name in ("speed", "pitch", "volume")}
    given = {name: value for name, value in asked.items() if value is not None}
    return Delivery(**{"speed": policy.default_speed, **given})


def _service_class(fields: Fields) -> ServiceClass:
    value = string(fields, "service_class") or ServiceClass.INTERACTIVE.value
    try:
        return ServiceClass(value)
    except ValueError:
        raise InvalidRequest(
            f"'service_class' must be 'interactive' or 'bulk', not {value[:100]!r}.", param="service_class"
        ) from None


def _seed(fields: Fields) -> int | None:
    value = number(fields, "seed", 0, MAX_SEED)
    if value is not None and not value.is_integer():
        raise InvalidRequest(f"'seed' must be a whole number, not {value:g}.", param="seed")
    return None if value is None else int(value)


def _audio(fields: Fields, policy: SpeechPolicy) -> AudioFormat:
    name = string(fields, "response_format") or MP3
    rate = sample_rate_of(fields.get("sample_rate"))
    if rate is None and name == "pcm":
        rate = PCM_RATE
    audio = audio_format(name, rate, param="response_format")
    return replace(audio, bitrate=policy.opus_bitrate) if name == "opus" else audio


def _stream_format(fields: Fields) -> StreamFormat:
    value = string(fields, "stream_format") or StreamFormat.AUDIO.value
    try:
        return StreamFormat(value)
    except ValueError:
        raise InvalidRequest(
            f"'stream_format' must be 'audio' or 'sse', not {value[:100]!r}.", param="stream_format"
        ) from None


# --- server-sent events --------------------------------------------------------------------------------------------


class _Delta(msgspec.Struct, tag="speech.audio.delta", tag_field="type"):
    audio: bytes
    """Base64 on the wire."""


class _Usage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class _Done(msgspec.Struct, tag="speech.audio.done", tag_field="type"):
    usage: _Usage


_encode = msgspec.json.Encoder().encode


def delta_event(data: bytes) -> bytes:
    """Render a piece of the encoded stream as ``speech.audio.delta``."""
    return _line(_encode(_Delta(data)))


def done_event(chars: int, audio_s: float) -> bytes:
    """Render ``speech.audio.done``. The usage is an estimate: a local model counts no tokens of OpenAI's kind."""
    heard, spoken = math.ceil(chars / CHARS_PER_TOKEN), math.ceil(audio_s * TOKENS_PER_AUDIO_S)
    return _line(_encode(_Done(_Usage(heard, spoken, heard + spoken))))


def error_event(error: SyrinxError) -> bytes:
    """Render an error that came after the first byte; the stream breaks off behind it."""
    return _line(b'{"type":"error",' + error_body(error)[1:])


def _line(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


# --- lists ---------------------------------------------------------------------------------------------------------


def model_object(name: str) -> dict[str, object]:
    """One entry of ``GET /v1/models``. ``created`` is 0: a served model has no such date."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "syrinx"}


def models_body(names: Sequence[str]) -> bytes:
    """``GET /v1/models``."""
    return _encode({"object": "list", "data": [model_object(name) for name in names]})


def audio_models_body(names: Sequence[str]) -> bytes:
    """``GET /v1/audio/models``, which Open WebUI reads."""
    return _encode({"models": [{"id": name} for name in names]})


def voices_body(voices: Sequence[tuple[str, VoiceInfo]]) -> bytes:
    """``GET /v1/audio/voices`` from (model name, voice) pairs. Open WebUI needs objects with ``id`` and ``name``."""
    entries = [
        {"id": voice.id, "name": voice.name, "model": model, "languages": voice.languages, "gender": voice.gender}
        for model, voice in voices
    ]
    return _encode({"voices": entries})
