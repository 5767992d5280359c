"""What Cartesia's requests ask for, as plain values: over HTTP and, field by field, on its socket.

Wire shapes: the vendor's API reference (TTS) and what its SDKs, Pipecat and LiveKit really send;
``docs/protocols/cartesia.md`` has every field and where we differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from syrinx.audio.delivery import LIMITS
from syrinx.audio.encode import container
from syrinx.core.errors import InvalidRequest, UnsupportedFormat
from syrinx.core.types import AudioFormat, Delivery, ServiceClass, SpeechRequest
from syrinx.protocols.formats import audio_format, sample_rate_of
from syrinx.protocols.jsonwire import LANGUAGE_TAG, Fields, flag, kind, number, read_object, string
from syrinx.protocols.one_shot import OneShot, needed_text
from syrinx.protocols.options import Resolve, with_options, with_stand_in

ENCODINGS = {"pcm_s16le": "pcm_s16le", "pcm_f32le": "pcm_f32le", "pcm_mulaw": "mulaw", "pcm_alaw": "alaw"}
"""Of container ``raw``, and what each is called here."""
WAV_ENCODINGS = {"pcm_s16le": "wav", "pcm_f32le": "wav_f32le", "pcm_mulaw": "wav_mulaw", "pcm_alaw": "wav_alaw"}
"""Of container ``wav``."""
MODELS = "sonic"
"""Beginning of the vendor's model names: clients send them unasked, so they mean the default model."""
SPEEDS = {"slow": 0.8, "normal": 1.0, "fast": 1.25}
"""Of the field ``speed``; the vendor gives no figures for its words, these are ours."""
NOT_APPLIED = ("pronunciation_dict_id", "save", "use_normalized_timestamps")
"""Fields that are taken and change nothing here."""
MAX_CONTEXT_ID_CHARS = 256

STAND_INS = {
    **{"f786b574-daa5-4673-aa0c-cbe3e8534c02": "alloy", "6ccbfb76-1fc6-48f7-b71d-91ac6298247b": "coral"},
    **{"e07c00bc-4134-4eae-9ea4-1a55fb45746b": "marin", "694f9389-aac1-45b6-b726-9d9369183238": "nova"},
    **{"71a7ad14-091c-4e8e-a314-022ece01c121": "sage", "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4": "shimmer"},
    **{"86e30c1d-714b-4074-a1f2-1cb6b552fb49": "ash", "a0e99841-438c-4a64-b679-ae501e7d6091": "ballad"},
    **{"a167e0f3-df7e-4d52-a9c3-f949145efdab": "cedar"},
}
"""Voices of the vendor that clients and its own examples name unasked, and OpenAI's names of the same gender, of which
every model has a voice of its own: Katie (LiveKit's default), Tessa (the SDKs'), Brooke, Sarah, Charlotte, Skylar (the
SDKs' page since version 4); Carson (Pipecat's template), Greg (the API reference), Blake. Genders: lists of
``GET /voices`` that other projects keep."""


@dataclass(frozen=True, slots=True)
class CartesiaPolicy:
    """What the operator set."""

    max_chars: int = 200_000
    default_speed: float = 1.0
    http_class: ServiceClass = ServiceClass.INTERACTIVE
    """How work over HTTP is scheduled; somebody always listens to the socket."""
    max_contexts: int = 128
    """Contexts of one socket, those that are only being spoken included."""


@dataclass(frozen=True, slots=True)
class CartesiaCall(OneShot):
    """One request over HTTP."""

    context_id: str | None = None
    with_words: bool = False


def parse_bytes(body: bytes, policy: CartesiaPolicy, resolve: Resolve) -> CartesiaCall:
    """Parse the body of ``POST /tts/bytes``. Unknown fields are ignored.

    Raises ``InvalidRequest`` or one of its kinds, with ``param`` naming the field, and ``ModelNotReady``.
    """
    fields = read_object(body)
    return _call(fields, opening(fields, policy, any_container=True), policy, resolve)


def parse_sse(body: bytes, policy: CartesiaPolicy, resolve: Resolve) -> CartesiaCall:
    """Parse the body of ``POST /tts/sse``: raw audio only, and with word times where they are asked for.

    Raises as ``parse_bytes`` does."""
    fields = read_object(body)
    call = _call(fields, opening(fields, policy), policy, resolve)
    context_id = None if fields.get("context_id") is None else context_id_of(fields)
    return replace(call, context_id=context_id, with_words=word_times_of(fields))


def _call(fields: Fields, request: SpeechRequest, policy: CartesiaPolicy, resolve: Resolve) -> CartesiaCall:
    text = needed_text(fields, "transcript", policy.max_chars)
    request, left_out = resolved(replace(request, service_class=policy.http_class), fields, resolve)
    return CartesiaCall(text, request, (*left_out, *_not_applied(fields)), "transcript")


def opening(fields: Fields, policy: CartesiaPolicy, *, any_container: bool = False) -> SpeechRequest:
    """The request of a message. ``any_container``: not only raw audio.

    Raises ``UnsupportedFormat``, ``InvalidRequest``."""
    model = string(fields, "model_id") or None
    return SpeechRequest(
        model=None if model is None or model.startswith(MODELS) else model,
        voice=_voice(fields),
        language=_language(fields),
        delivery=delivery_of(fields, Delivery(speed=policy.default_speed)),
        audio=_audio(fields, any_container=any_container),
    )


def resolved(request: SpeechRequest, fields: Fields, resolve: Resolve) -> tuple[SpeechRequest, tuple[str, ...]]:
    """Find the voice, and hand the emotion to a model that takes one. Also returns what was not applied.

    Raises ``VoiceNotFound``, ``ModelNotFound``, ``ModelNotReady``, ``InvalidRequest``."""
    request, found = with_stand_in(request, resolve, STAND_INS)
    emotion = string(_config(fields), "emotion")
    return with_options(request, {"emotion": emotion} if emotion else {}, found.info)


def delivery_of(fields: Fields, default: Delivery) -> Delivery:
    """What ``generation_config`` (or ``speed``, its forerunner) asks for; our ranges are wider than the vendor's.

    Raises ``InvalidRequest``."""
    config = _config(fields)
    speed = number(config, "speed", *LIMITS["speed"])
    volume = number(config, "volume", *LIMITS["volume"])
    word = string(fields, "speed")
    if word is not None and word not in SPEEDS:
        raise InvalidRequest(f"'speed' must be one of {', '.join(SPEEDS)}, not {word[:40]!r}.", param="speed")
    if speed is None:
        speed = default.speed if word is None else SPEEDS[word]
    return Delivery(speed=speed, pitch=default.pitch, volume=default.volume if volume is None else volume)


def word_times_of(fields: Fields) -> bool:
    """Whether words' times are asked for. Raises ``InvalidRequest``, for phonemes' times too: no model has them."""
    if flag(fields, "add_phoneme_timestamps", default=False):
        raise InvalidRequest("There are no times of phonemes here.", param="add_phoneme_timestamps")
    return flag(fields, "add_timestamps", default=False)


def context_id_of(fields: Fields) -> str:
    """The context that a message is about. Raises ``InvalidRequest``."""
    value = fields.get("context_id")
    if isinstance(value, str) and 0 < len(value) <= MAX_CONTEXT_ID_CHARS:
        return value
    what = "one of another length" if isinstance(value, str) else kind(value)
    raise InvalidRequest(
        f"'context_id' must be a string of 1 to {MAX_CONTEXT_ID_CHARS} characters, not {what}.", param="context_id"
    )


def _voice(fields: Fields) -> str | None:
    """An id, or an object that holds one; None where it holds null, as Pipecat sends it unasked."""
    value = fields.get("voice")
    if not isinstance(value, dict):
        return string(fields, "voice") or None
    voice: Mapping[str, Any] = value
    if voice.get("mode") not in (None, "id"):
        raise InvalidRequest("A voice is named by its id here; embeddings are not taken.", param="voice")
    return string(voice, "id") or None


def _language(fields: Fields) -> str | None:
    """``language``, or ``locale``, its newer name."""
    for name in ("language", "locale"):
        tag = string(fields, name)
        if tag and not LANGUAGE_TAG.fullmatch(tag):
            raise InvalidRequest(f"{name!r} must be a tag such as 'en', not {tag[:40]!r}.", param=name)
        if tag:
            return tag
    return None


def _config(fields: Fields) -> Fields:
    config = fields.get("generation_config")
    if config is None or isinstance(config, dict):
        return config or {}
    raise InvalidRequest(f"'generation_config' must be an object, not {kind(config)}.", param="generation_config")


def _audio(fields: Fields, *, any_container: bool) -> AudioFormat:
    wanted = fields.get("output_format")
    if not isinstance(wanted, dict):
        said = "is missing" if wanted is None else f"must be an object, not {kind(wanted)}"
        raise InvalidRequest(f"'output_format' {said}.", param="output_format")
    name = _container(wanted, any_container=any_container)
    rate = sample_rate_of(wanted.get("sample_rate"))
    if rate is None:
        raise UnsupportedFormat("'output_format' needs a 'sample_rate'.", param="sample_rate")
    audio = audio_format(name, rate, param="output_format")
    return replace(audio, bitrate=_bit_rate(wanted)) if name == "mp3" else audio


def _container(wanted: Fields, *, any_container: bool) -> str:
    name, encoding = string(wanted, "container"), string(wanted, "encoding")
    if name == "mp3" and any_container:
        return "mp3"
    encodings = {"raw": ENCODINGS, "wav": WAV_ENCODINGS if any_container else {}}.get(name or "", {})
    if not encodings:
        known = "raw, wav or mp3" if any_container else "raw"
        raise UnsupportedFormat(f"The 'container' must be {known}, not {str(name)[:40]!r}.", param="container")
    if encoding not in encodings:
        raise UnsupportedFormat(
            f"The 'encoding' must be one of {', '.join(encodings)}, not {str(encoding)[:40]!r}.", param="encoding"
        )
    return encodings[encoding]


def _bit_rate(wanted: Fields) -> int | None:
    limits = container("mp3").bitrates
    assert limits is not None, "MP3 has bit rates"
    asked = number(wanted, "bit_rate", *limits)
    return None if asked is None else int(asked)


def _not_applied(fields: Fields) -> tuple[str, ...]:
    """Of what was asked, what is not done; ``normalization`` only where it is to be other than automatic."""
    named = tuple(name for name in NOT_APPLIED if fields.get(name))
    return named if fields.get("normalization") in (None, "auto") else (*named, "normalization")
