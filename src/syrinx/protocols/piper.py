"""Piper's HTTP API as plain values: a JSON body or plain text becomes one utterance; the list of voices becomes bytes.

Shapes: ``piper.http_server`` of piper1-gpl 1.x and its docs/API_HTTP.md, and what Pipecat's ``PiperHttpTTSService``
sends. ``docs/protocols/piper.md`` says where we differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from syrinx.core.errors import InvalidRequest, VoiceNotFound
from syrinx.core.types import Delivery, SpeechRequest
from syrinx.protocols.formats import audio_format, sample_rate_of
from syrinx.protocols.jsonwire import Fields, language_of, number, read_object, string
from syrinx.protocols.offered import Offered, is_marked, named, primary, speaking
from syrinx.protocols.one_shot import OneShot, delivery_of, needed_text
from syrinx.protocols.options import Resolve

PIPER_VOICE = re.compile(r"([a-z]{2,3}(?:_[A-Z]{2})?)(?:-[^-]+-(?:x_low|low|medium|high))?")
"""Piper's own names, such as ``en_US-lessac-medium`` (piper-voices, VOICES.md), and the language alone."""
JSON_OBJECT = re.compile(rb'(?:\xef\xbb\xbf)?\s*\[?\s*\{\s*["}]')
"""How JSON begins that is meant as a request. Nobody has such a text read out; what is wrong with it is told."""
LENGTH_SCALE = (0.25, 4.0)
"""Times longer; our speeds turned over."""
NOT_APPLIED = ("speaker", "speaker_id", "noise_scale", "noise_w_scale", "length_w_scale")
"""Fields of Piper's that only its own voices have a meaning for."""
NUMBERS = ("length_scale", "speed", "pitch", "volume")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class PiperPolicy:
    """What the operator set."""

    max_chars: int = 200_000
    default_speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Cast:
    """Who can speak."""

    resolve: Resolve
    voices: Callable[[], Sequence[Offered]]
    """Asked only where a voice is wanted by its language or in one of several."""


def parse_piper(body: bytes, query: Mapping[str, str], policy: PiperPolicy, cast: Cast) -> OneShot:
    """Parse the body of ``POST /``. One that does not begin as a JSON object is the text itself; ``query`` has the
    other fields then, and none of them counts beside JSON. Unknown fields are ignored.

    Raises ``InvalidRequest`` or one of its kinds, and ``ModelNotReady``.
    """
    fields = _fields(body, query)
    text = needed_text(fields, "text", policy.max_chars)
    request, told = _request(fields, cast)
    audio = audio_format("wav", sample_rate_of(fields.get("sample_rate")), param="sample_rate")
    request = replace(request, delivery=_delivery(fields, policy.default_speed), audio=audio)
    left_out = [name for name in NOT_APPLIED if fields.get(name) is not None]
    return OneShot(text, request, (*told, *left_out), "text")


def _fields(body: bytes, query: Mapping[str, str]) -> Fields:
    if JSON_OBJECT.match(body):
        return read_object(body)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("The text is not valid UTF-8.", code="bad_text", param="text") from None
    return {**query, **{name: _number(query[name], name) for name in NUMBERS if name in query}, "text": text}


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidRequest(f"{name!r} must be a number, not {text[:40]!r}.", param=name) from None


def _delivery(fields: Fields, default_speed: float) -> Delivery:
    length = number(fields, "length_scale", *LENGTH_SCALE)
    return delivery_of(fields, default_speed if length is None else 1 / length)


def _request(fields: Fields, cast: Cast) -> tuple[SpeechRequest, tuple[str, ...]]:
    """Model, voice and language, and what of the request could not be honoured."""
    voice, language = string(fields, "voice") or None, language_of(fields)
    model = string(fields, "model") or None
    found = None
    if voice is None and language is not None:
        found = speaking(cast.voices(), language)
        if found is None:
            raise VoiceNotFound(f"No voice here speaks {language!r}.", param="language")
    elif voice is not None and model is None and is_marked(voice):
        found = named(cast.voices(), voice)
    if found is not None:
        request = found.request()
        return (request if language is None else replace(request, language=language)), ()
    try:
        cast.resolve(model, voice)
    except VoiceNotFound:
        return _stand_in(voice or "", cast), ("voice",)
    return SpeechRequest(model=model, voice=voice, language=language), ()


def _stand_in(name: str, cast: Cast) -> SpeechRequest:
    """For one of Piper's voices, which its clients name in their settings, or just a language: a voice of it."""
    match = PIPER_VOICE.fullmatch(name)
    found = speaking(cast.voices(), match[1]) if match is not None else None
    if found is None:
        raise VoiceNotFound(f"There is no voice {name[:100]!r} here; GET /voices lists them.", param="voice")
    return found.request()


def voices_body(voices: Sequence[Offered]) -> bytes:
    """``GET /voices``: by name, of each the fields of Piper's voice files that are true of any model."""
    return _encode({offered.name: _voice(offered) for offered in voices})


def _voice(offered: Offered) -> dict[str, object]:
    language, _, region = offered.languages[0].partition("-")
    return {
        "audio": {"sample_rate": offered.model.sample_rate},
        "dataset": offered.voice.name,
        "language": {"code": "_".join(filter(None, (language, region))), "family": primary(language), "region": region},
        "num_speakers": 1,
        "speaker_id_map": {},
    }
