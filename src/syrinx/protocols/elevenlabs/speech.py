"""ElevenLabs' text to speech over HTTP as plain values, and what its sockets share with it: formats, voices, settings.

Wire shapes: the vendor's API reference (text-to-speech) and what its SDKs, Pipecat and LiveKit really send;
``docs/protocols/elevenlabs.md`` has every field and where we differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import cycle

from syrinx.audio.delivery import LIMITS
from syrinx.audio.encode import container
from syrinx.core.errors import InvalidRequest, UnsupportedFormat
from syrinx.core.types import AudioFormat, Delivery, ServiceClass, SpeechRequest
from syrinx.protocols.base import Handshake
from syrinx.protocols.formats import audio_format
from syrinx.protocols.jsonwire import LANGUAGE_TAG, Fields, kind, number, read_object, string
from syrinx.protocols.one_shot import OneShot, needed_text
from syrinx.protocols.options import Found, Resolve, with_options, with_stand_in

DEFAULT_FORMAT = "mp3_44100_128"
"""Where none is named (API reference, text-to-speech)."""
CONTAINERS = {"mp3": "mp3", "pcm": "pcm_s16le", "wav": "wav", "opus": "opus", "ulaw": "mulaw", "alaw": "alaw"}
"""The first part of an ``output_format`` and what it is called here."""
_FORMAT = re.compile(r"([a-z]+3?)_([0-9]{4,6})(?:_([0-9]{1,3}))?")

MODELS = "eleven_"
"""Beginning of the vendor's model names: clients send them unasked, so they mean the default model."""
SETTINGS = ("stability", "similarity_boost", "style", "use_speaker_boost")
"""Of ``voice_settings``, beside ``speed``: given to models that have such options."""
NOT_APPLIED = (
    *("previous_text", "next_text", "previous_request_ids", "next_request_ids", "pronunciation_dictionary_locators"),
    *("apply_language_text_normalization", "use_pvc_as_ivc", "audio_effects"),
)
"""Fields of a body that are taken and change nothing here."""
MAX_SEED = 2**32 - 1
"""API reference, text-to-speech."""

WOMEN = (
    *"21m00Tcm4TlvDq8ikWAM EXAVITQu4vr4xnSDxMaL FGY2WhTYpPnrIDTdsKH5 9BWtsMINqrJLrRacOk9x".split(),
    *"XB0fDUnXU5powFXDhCwa Xb7hH8MSUJpSbSDYk0k2 XrExE9yKIg1WjnnlVkGX cgSgspJ2msm6clMCkdW9".split(),
    *"pFZP5JQG7iQjIQuC4Bku hpp4J3VqNfWAUOO0d1Us SAz9YHcvj6GT2YYXdXww AZnzlk1XvdvUeBnXmlld".split(),
    *"MF3mGyEYCl7XYWbV9V6O LcfcDJNUP1GQjkzn1xUU ThT5KcBeYPX3keUQqHPh jBpfuIE2acCO8z3wKNLl".split(),
    *"jsCqWAovK2LkecY7zXl4 oWAxZDx7w5VEj9dCyTzz pMsXgVXv3BLzUgSXRplE piTKgcLEGmPE4e6mEKli".split(),
    *"z9fAnlkpzviPz146aGWa zrHiDhphv9ZnVXBqCLjz".split(),
)
MEN = (
    *"pNInz6obpgDQGcFmaJgB CwhRBWXzGAHq8TQ4Fs17 IKne3meq5aSn9XLyUdCD JBFqnCBsd6RMkjVDRZzb".split(),
    *"N2lVS1w4EtoT3dr4eOWO TX3LPaxmHKxFdv7VOQHJ bIHbv24MWmeRgasZH58o cjVigY5qzO86Huf0OWal".split(),
    *"iP95p4xoKVk53GoZ742B nPczCjzI2devNBz1zQrb onwK4e9ZLuTAKqWW03F9 pqHfZKP75CvOlQylNhV4".split(),
    *"SOYHLrjzK2X1ezoPC6cr ErXwobaYiN019PkySvjV TxGEqnHWrfWFTfGW9XjX VR6AewLTigWG4xSOukaG".split(),
    *"yoZ06aMxZJJ28mfd3POQ 29vD33N1CtxCmqQRPOHJ 2EiwWnXFnvU5JabPnv8n 5Q0t7uMcjvnagumLfvZi".split(),
    *"CYw3kZ02Hs0563khs1Fj D38z5RcWu1voky8WS1ja GBv7mTt0atIp3Br8iCZE ODq5zmih8GrVes37Dizd".split(),
    *"ZQe5CZNOzWyzPSCn5a3c Zlb1dXrM653N07WRdFW3 bVMeCyTHy58xNoL34h3p flq6f7yk4E4fJM5XTYuZ".split(),
    *"g5CIjZEefAph4nQFvHAz t0jbNlBVZ17f02VDIeMI zcAOhNBS3c14rBihAFp1".split(),
)
PREMADE = {
    **dict(zip(WOMEN, cycle(("alloy", "coral", "marin", "nova", "sage", "shimmer")))),
    **dict(zip(MEN, cycle(("ash", "ballad", "cedar", "echo", "fable", "onyx", "verse")))),
}
"""The vendor's premade ("default") voices by id, which clients and examples name unasked, and OpenAI's names of that
gender, of which every model has a voice of its own. First those of 2025 and 2026 (its 21 defaults, which it means to
retire at the end of 2026, and Rachel, Aria and Charlotte, which no longer are among them), then those of 2023 that
clients still name (Domi to Mimi, Antoni to Giovanni). Ids and genders: lists of ``GET /v1/voices`` that other projects
keep. The vendor calls River neutral; here it speaks with a woman's voice."""


@dataclass(frozen=True, slots=True)
class ElevenLabsPolicy:
    """What the operator set."""

    max_chars: int = 200_000
    default_speed: float = 1.0
    http_class: ServiceClass = ServiceClass.INTERACTIVE
    """How work over HTTP is scheduled; somebody always listens to the sockets."""
    max_contexts: int = 128
    """Contexts of one socket, those that are closing included."""


def parse_speech(body: bytes, handshake: Handshake, policy: ElevenLabsPolicy, resolve: Resolve) -> OneShot:
    """Parse the body of ``POST /v1/text-to-speech/{voice}`` and its variants. Unknown fields are ignored.

    Raises ``InvalidRequest`` or one of its kinds, with ``param`` naming the field, and ``ModelNotReady``.
    """
    fields = read_object(body)
    request = replace(
        opening({**handshake.query, **_strings(fields, "model_id", "language_code")}, handshake.path, policy),
        service_class=policy.http_class,
        seed=_seed(fields),
    )
    settings = settings_of(fields)
    delivery = Delivery(speed=speed_of(settings, policy.default_speed))
    text = needed_text(fields, "text", policy.max_chars)
    request, found = resolved(request, resolve)
    wanted = {name: settings[name] for name in SETTINGS if settings.get(name) is not None}
    request, left_out = with_options(replace(request, delivery=delivery), wanted, found.info)
    return OneShot(text, request, (*left_out, *_not_applied(fields)), "text")


def opening(asked: Mapping[str, str], path: Mapping[str, str], policy: ElevenLabsPolicy) -> SpeechRequest:
    """The request of an address: voice of the path; model, language and format of the query.

    Raises ``UnsupportedFormat``, ``InvalidRequest``."""
    model = asked.get("model_id") or None
    return SpeechRequest(
        model=None if model is None or model.startswith(MODELS) else model,
        voice=path.get("voice") or None,
        language=_language(asked.get("language_code")),
        delivery=Delivery(speed=policy.default_speed),
        audio=output_format(asked.get("output_format") or DEFAULT_FORMAT),
    )


def resolved(request: SpeechRequest, resolve: Resolve) -> tuple[SpeechRequest, Found]:
    """Find the voice; one of the vendor's premade voices has a stand-in where the model does not know it.

    Raises ``VoiceNotFound``, ``ModelNotFound``, ``ModelNotReady``."""
    return with_stand_in(request, resolve, PREMADE)


def output_format(name: str) -> AudioFormat:
    """Read an ``output_format`` such as ``mp3_44100_128``, ``pcm_16000``, ``ulaw_8000``.

    Raises ``UnsupportedFormat``."""
    match = _FORMAT.fullmatch(name)
    if match is None or match[1] not in CONTAINERS:
        raise UnsupportedFormat(
            f"There is no output_format {name[:40]!r}; it is one of {', '.join(CONTAINERS)}, a rate in Hertz and, for "
            "mp3 and opus, kilobits a second: mp3_44100_128, pcm_16000, opus_48000_64, ulaw_8000.",
            param="output_format",
        )
    try:
        audio = audio_format(CONTAINERS[match[1]], int(match[2]), param="output_format")
    except UnsupportedFormat as error:
        raise UnsupportedFormat(error.message, param="output_format") from None
    return audio if match[3] is None else replace(audio, bitrate=_bitrate(match[1], int(match[3]) * 1000))


def _bitrate(name: str, asked: int) -> int:
    limits = container(CONTAINERS[name]).bitrates
    if limits is None or not limits[0] <= asked <= limits[1]:
        has = "none to choose" if limits is None else f"{limits[0] // 1000} to {limits[1] // 1000} kbit/s"
        raise UnsupportedFormat(f"{name} has {has}, not {asked // 1000} kbit/s.", param="output_format")
    return asked


def settings_of(fields: Fields) -> Fields:
    """Return ``voice_settings``, empty where there are none. Raises ``InvalidRequest``."""
    settings = fields.get("voice_settings")
    if settings is None or isinstance(settings, dict):
        return settings or {}
    raise InvalidRequest(f"'voice_settings' must be an object, not {kind(settings)}.", param="voice_settings")


def speed_of(settings: Fields, default: float) -> float:
    """Return ``voice_settings.speed``. Raises ``InvalidRequest`` where it is out of our range, which is wider than the
    vendor's."""
    speed = number(settings, "speed", *LIMITS["speed"])
    return default if speed is None else speed


def _language(tag: str | None) -> str | None:
    if not tag or LANGUAGE_TAG.fullmatch(tag):
        return tag or None
    raise InvalidRequest(f"'language_code' must be a tag such as 'en', not {tag[:40]!r}.", param="language_code")


def _strings(fields: Fields, *names: str) -> dict[str, str]:
    found = {name: string(fields, name) for name in names}
    return {name: value for name, value in found.items() if value}


def _seed(fields: Fields) -> int | None:
    value = number(fields, "seed", 0, MAX_SEED)
    if value is not None and not value.is_integer():
        raise InvalidRequest(f"'seed' must be a whole number, not {value:g}.", param="seed")
    return None if value is None else int(value)


def _not_applied(fields: Fields) -> tuple[str, ...]:
    """Of what was asked, what is not done; ``apply_text_normalization`` only where it is to be off."""
    named = tuple(name for name in NOT_APPLIED if fields.get(name))
    return (*named, "apply_text_normalization") if fields.get("apply_text_normalization") == "off" else named
