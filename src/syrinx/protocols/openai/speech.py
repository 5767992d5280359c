"""OpenAI's speech API as plain values: a body becomes a ``SpeechCall``; lists and server-sent events become bytes.

Wire shapes: OpenAI API reference, audio/createSpeech, and what its SDKs, Pipecat, LiveKit and Open WebUI really send.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from syrinx.core.errors import InvalidRequest, SyrinxError
from syrinx.core.types import AudioFormat, ServiceClass, SpeechRequest
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.formats import audio_format, sample_rate_of
from syrinx.protocols.jsonwire import Fields, cache_of, kind, language_of, number, read_object, string
from syrinx.protocols.one_shot import OneShot, delivery_of, needed_text
from syrinx.protocols.openai.errors import error_body
from syrinx.protocols.options import with_options

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
    service_class: ServiceClass = ServiceClass.INTERACTIVE
    """Where a request names none."""


@dataclass(frozen=True, slots=True)
class SpeechCall(OneShot):
    """One request for speech."""

    stream_format: StreamFormat = StreamFormat.AUDIO
    instructions: str = ""


def parse_speech(body: bytes, policy: SpeechPolicy) -> SpeechCall:
    """Parse the body of ``POST /v1/audio/speech``. Unknown fields are ignored.

    Beside OpenAI's fields it takes ours: ``language``, ``pitch``, ``volume``, ``sample_rate``, ``service_class``,
    ``seed`` and ``cache``.

    Raises ``InvalidRequest`` or one of its kinds, with ``param`` naming the field, and nothing else.
    """
    fields = read_object(body)
    request = SpeechRequest(
        model=string(fields, "model"),
        voice=_voice(fields),
        language=language_of(fields),
        delivery=delivery_of(fields, policy.default_speed),
        audio=_audio(fields, policy),
        service_class=_service_class(fields, policy.service_class),
        seed=_seed(fields),
        cache=cache_of(fields),
    )
    return SpeechCall(
        text=needed_text(fields, "input", policy.max_chars),
        request=request,
        stream_format=_stream_format(fields),
        instructions=(string(fields, "instructions") or "").strip(),
    )


def with_instructions(call: SpeechCall, info: ModelInfo) -> SpeechCall:
    """Hand ``instructions`` to a model that takes them; else note that they were not applied."""
    if not call.instructions:
        return call
    request, left_out = with_options(call.request, {"instructions": call.instructions}, info)
    return replace(call, request=request, not_applied=(*call.not_applied, *left_out))


def _voice(fields: Fields) -> str | None:
    value = fields.get("voice")
    if isinstance(value, dict):
        value = value.get("id")
        if not isinstance(value, str):
            raise InvalidRequest("'voice' as an object needs a string 'id'.", param="voice")
    if value is None or isinstance(value, str):
        return value or None
    raise InvalidRequest(f"'voice' must be a string or an object with an 'id', not {kind(value)}.", param="voice")


def _service_class(fields: Fields, default: ServiceClass) -> ServiceClass:
    value = string(fields, "service_class") or default.value
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


def voices_body(voices: Sequence[tuple[str, VoiceInfo, bool]]) -> bytes:
    """``GET /v1/audio/voices`` from model name, voice, and whether it is cloned. Open WebUI needs objects with ``id``
    and ``name``."""
    entries = [
        {
            "id": voice.id,
            "name": voice.name,
            "model": model,
            "languages": voice.languages,
            "gender": voice.gender,
            "cloned": cloned,
        }
        for model, voice, cloned in voices
    ]
    return _encode({"voices": entries})


def voice_ids_body(ids: Sequence[str]) -> bytes:
    """``GET /v1/audio/voices?legacy=true``: for readers of the strings that Kokoro-FastAPI once listed."""
    return _encode({"voices": ids})
