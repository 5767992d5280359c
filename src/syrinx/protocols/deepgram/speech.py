"""Deepgram's ``/v1/speak`` as plain values: what an address asks for, and the body of a request.

Wire shapes: the vendor's API reference (speak, request and streaming), its guide to media output settings, its SDK for
Python, and what Pipecat and LiveKit really send; ``docs/protocols/deepgram.md`` has every field and where we differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from syrinx.audio.delivery import LIMITS
from syrinx.audio.encode import container
from syrinx.core.errors import InvalidRequest, UnsupportedFormat
from syrinx.core.types import AudioFormat, Delivery, ServiceClass, SpeechRequest
from syrinx.protocols.deepgram.voices import Chosen, choose
from syrinx.protocols.formats import audio_format
from syrinx.protocols.jsonwire import number, read_object
from syrinx.protocols.one_shot import OneShot, needed_text
from syrinx.protocols.options import Resolve


@dataclass(frozen=True, slots=True)
class Encoding:
    """An ``encoding`` of the vendor's."""

    containers: Mapping[str, str]
    """By its ``container``, what we call it; the first is the default."""
    sample_rate: int
    """Hertz where none is asked for."""
    bit_rate: int | None = None
    """Bits a second where none are asked for; None: it has none to choose."""


ENCODINGS: Mapping[str, Encoding] = {
    "linear16": Encoding({"wav": "wav", "none": "pcm_s16le"}, 24_000),
    "mulaw": Encoding({"wav": "wav_mulaw", "none": "mulaw"}, 8000),
    "alaw": Encoding({"wav": "wav_alaw", "none": "alaw"}, 8000),
    "mp3": Encoding({"none": "mp3"}, 22_050, 48_000),
    "opus": Encoding({"ogg": "opus"}, 48_000, 12_000),
    "flac": Encoding({"none": "flac"}, 24_000),
    "aac": Encoding({"none": "aac"}, 22_050, 48_000),
}
"""Guide to media output settings, table of audio format combinations. It names no rate for FLAC (the API reference has
24000 for all) and another bit rate for Opus than the API reference, which has 48000 for all."""
SOCKET_ENCODINGS = ("linear16", "mulaw", "alaw")
"""The socket has raw samples only (same guide)."""
HTTP_ENCODING, SOCKET_ENCODING = "mp3", "linear16"
"""Where none is named: API reference (MP3 over HTTP, as its page on encodings says; that on sample rates says WAV)."""
BIT_RATES = (4_000, 650_000)
"""Bits a second that the vendor takes for one encoding or another; ours begin later and end earlier for some."""
PARAMETERS = ("model", "encoding", "container", "sample_rate", "bit_rate")
"""What tells a request of this dialect from others at its path, beside ``Authorization: Token``."""
NOT_ON_SOCKETS = ("container", "bit_rate")
"""Parameters that change nothing there."""
_NUMBER = re.compile(r"([0-9]{1,9})(?:\.0+)?")


@dataclass(frozen=True, slots=True)
class DeepgramPolicy:
    """What the operator set."""

    max_chars: int = 200_000
    default_speed: float = 1.0
    http_class: ServiceClass = ServiceClass.INTERACTIVE
    """How work over HTTP is scheduled; somebody always listens to the socket."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for."""

    request: SpeechRequest
    chosen: Chosen
    not_applied: tuple[str, ...] = ()
    """Parameters that were understood and not honoured."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request over HTTP."""

    speech: OneShot
    model_name: str
    """For the answer's ``dg-model-name``."""


def parse_speech(
    body: bytes, content_type: str, query: Mapping[str, str], policy: DeepgramPolicy, resolve: Resolve
) -> Call:
    """Parse ``POST /v1/speak``: JSON with ``text``, or the text itself as ``text/plain``. Unknown fields are ignored.

    Raises ``InvalidRequest`` or one of its kinds, with ``param`` naming the field or parameter, and ``ModelNotReady``.
    """
    if query.get("callback"):
        raise InvalidRequest(
            "'callback' is not offered: this server sends audio to who asked for it.", param="callback"
        )
    asked = asked_over_http(query, policy, resolve)
    fields = {"text": _plain(body)} if _is_plain(content_type) else read_object(body)
    text = needed_text(fields, "text", policy.max_chars)
    return Call(OneShot(text, asked.request, asked.not_applied, "text"), asked.chosen.name)


def asked_over_http(query: Mapping[str, str], policy: DeepgramPolicy, resolve: Resolve) -> Asked:
    """Read the parameters of a ``POST``. Raises as ``parse_speech``."""
    name, encoding = _encoding(query, HTTP_ENCODING, tuple(ENCODINGS))
    wrapped = (query.get("container") or next(iter(encoding.containers))).lower()
    if wrapped not in encoding.containers:
        has = " or ".join(encoding.containers)
        raise UnsupportedFormat(f"{name} comes in container={has}, not {wrapped[:40]!r}.", param="container")
    audio, bit_rate_kept = _bit_rate(_format(encoding, encoding.containers[wrapped], query), encoding, query)
    asked = _asked(query, audio, policy, resolve)
    left_out = (*asked.not_applied, *(() if bit_rate_kept else ("bit_rate",)))
    return replace(asked, request=replace(asked.request, service_class=policy.http_class), not_applied=left_out)


def asked_on_socket(query: Mapping[str, str], policy: DeepgramPolicy, resolve: Resolve) -> Asked:
    """Read the parameters of the socket's address. Raises as ``parse_speech``."""
    _, encoding = _encoding(query, SOCKET_ENCODING, SOCKET_ENCODINGS)
    asked = _asked(query, _format(encoding, encoding.containers["none"], query), policy, resolve)
    ignored = tuple(name for name in NOT_ON_SOCKETS if query.get(name) not in (None, "", "none"))
    return replace(asked, not_applied=(*asked.not_applied, *ignored))


def _asked(query: Mapping[str, str], audio: AudioFormat, policy: DeepgramPolicy, resolve: Resolve) -> Asked:
    speed = _speed(query, policy.default_speed)
    chosen = choose(query.get("model"), resolve)
    request = SpeechRequest(chosen.model, chosen.voice, chosen.language, Delivery(speed=speed), audio=audio)
    return Asked(request, chosen, () if chosen.speaks else ("model",))


def _encoding(query: Mapping[str, str], default: str, names: tuple[str, ...]) -> tuple[str, Encoding]:
    name = (query.get("encoding") or default).lower()
    if name not in names:
        raise UnsupportedFormat(
            f"There is no encoding {name[:40]!r} here; choose one of {', '.join(names)}.", param="encoding"
        )
    return name, ENCODINGS[name]


def _format(encoding: Encoding, name: str, query: Mapping[str, str]) -> AudioFormat:
    return audio_format(name, _whole(query, "sample_rate") or encoding.sample_rate, param="encoding")


def _bit_rate(audio: AudioFormat, encoding: Encoding, query: Mapping[str, str]) -> tuple[AudioFormat, bool]:
    """The format with its bit rate, and whether that is the one asked for."""
    limits, asked = container(audio.container).bitrates, _whole(query, "bit_rate")
    if asked is None:
        return replace(audio, bitrate=encoding.bit_rate), True
    low, high = BIT_RATES
    if limits is None or not low <= asked <= high:
        said = "has none to choose" if limits is None else f"takes {low} to {high}"
        raise UnsupportedFormat(f"A bit_rate of {asked} is not possible: {audio.container} {said}.", param="bit_rate")
    kept = min(max(asked, limits[0]), limits[1])
    return replace(audio, bitrate=kept), kept == asked


def _whole(query: Mapping[str, str], name: str) -> int | None:
    """A parameter that is a whole number, also as ``24000.0``, which the vendor's SDK sends for a float."""
    asked = query.get(name)
    if not asked:
        return None
    match = _NUMBER.fullmatch(asked)
    if match is None:
        raise UnsupportedFormat(f"{name!r} must be a whole number, not {asked[:40]!r}.", param=name)
    return int(match[1])


def _speed(query: Mapping[str, str], default: float) -> float:
    asked = query.get("speed")
    if not asked:
        return default
    try:
        value = float(asked) if len(asked) < 40 else float("nan")
    except ValueError:
        value = float("nan")
    speed = number({"speed": value}, "speed", *LIMITS["speed"])
    return default if speed is None else speed


def _is_plain(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "text/plain"


def _plain(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("This text is not UTF-8.", code="bad_text", param="text") from None
