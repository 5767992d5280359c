"""What holds for a Realtime session: the ``session`` object that clients update, and as it is told to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from syrinx.audio.delivery import LIMITS
from syrinx.core.errors import InvalidRequest, ModelNotReady, UnsupportedFormat
from syrinx.core.types import AudioFormat, Delivery, SpeechRequest
from syrinx.ears.settings import EarSettings
from syrinx.protocols.formats import audio_format, sample_rate_of
from syrinx.protocols.jsonwire import Fields, flag, kind, number, string
from syrinx.protocols.openai_realtime.messages import inner, whole_number, within
from syrinx.protocols.options import Found, Resolve, with_options

MODELS = ("gpt-realtime", "gpt-4o-realtime", "gpt-4o-mini-realtime", "gpt-audio")
"""Beginnings of OpenAI's model names for this API: clients send them unasked, so they mean the default model."""
PCM_RATE = 24_000
"""Hertz of ``audio/pcm`` where none is named, and the only one that OpenAI has."""
G711_RATE = 8000
"""Hertz of ``audio/pcmu`` and ``audio/pcma`` (ITU-T G.711)."""

CONTAINERS = {"audio/pcm": "pcm_s16le", "audio/pcmu": "mulaw", "audio/pcma": "alaw"}
_NAMES = {container: name for name, container in CONTAINERS.items()}

_SESSION = (
    *("type", "id", "object", "model", "audio", "instructions", "output_modalities", "expires_at"),
    *("include", "max_output_tokens", "parallel_tool_calls", "prompt", "reasoning", "tool_choice", "tools"),
    *("tracing", "truncation"),
)
"""Of which those of a language model are taken and change nothing; what is in force is told."""
_AUDIO = ("input", "output")
OUTPUT = ("format", "voice", "speed")
"""Fields of ``audio.output``."""
_INPUT = ("format", "turn_detection", "noise_reduction", "transcription")
_FORMAT = ("type", "rate")
_TURNS = (
    *("type", "threshold", "prefix_padding_ms", "silence_duration_ms", "interrupt_response", "create_response"),
    *("idle_timeout_ms", "eagerness"),
)
PCM_24K = AudioFormat("pcm_s16le", PCM_RATE)


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """When the listener is taken to speak, and what comes of it."""

    ear: EarSettings
    interrupt_response: bool
    """Stop speaking when the listener begins to."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The defaults of a session's responses, and how it listens."""

    request: SpeechRequest
    model_name: str
    """As the client called it."""
    instructions: str = ""
    heard: AudioFormat = PCM_24K
    """What the client sends."""
    turn_detection: TurnDetection | None = None


def opening(model: str | None, default_speed: float) -> SessionSettings:
    """The settings of a new session for the ``model`` of its address."""
    request = SpeechRequest(model=model_of(model), delivery=Delivery(speed=default_speed), audio=PCM_24K)
    return SessionSettings(request, model or "default")


def model_of(name: str | None) -> str | None:
    """The model that a client means; None: the server's default."""
    return None if name is None or name.startswith(MODELS) else name


def updated(now: SessionSettings, fields: Fields, resolve: Resolve) -> SessionSettings:
    """Return ``now`` with what the ``session`` of a ``session.update`` says.

    Raises ``InvalidRequest`` or one of its kinds, with ``param`` naming the field; nothing holds then.
    """
    session = inner(fields, "session", _SESSION)
    if session is None:
        raise InvalidRequest("'session' is missing.", code="missing_required_parameter", param="session")
    with within("session"):
        _check_type(session)
        check_modalities(session)
        name = string(session, "model")
        instructions = string(session, "instructions")
        request = now.request if name is None else replace(now.request, model=model_of(name))
        audio = inner(session, "audio", _AUDIO) or {}
        with within("audio"):
            request = spoken_as(request, inner(audio, "output", OUTPUT) or {})
            now = _heard_as(now, inner(audio, "input", _INPUT) or {})
        checked(request, resolve)
    return replace(
        now,
        request=request,
        model_name=now.model_name if name is None else name,
        instructions=now.instructions if instructions is None else instructions,
    )


def spoken_as(request: SpeechRequest, output: Fields) -> SpeechRequest:
    """Return ``request`` with what ``audio.output`` says. Raises ``InvalidRequest`` or one of its kinds."""
    with within("output"):
        voice, speed = voice_of(output), number(output, "speed", *LIMITS["speed"])
        return replace(
            request,
            voice=voice or request.voice,
            audio=format_of(output) or request.audio,
            delivery=request.delivery if speed is None else replace(request.delivery, speed=speed),
        )


def checked(request: SpeechRequest, resolve: Resolve) -> Found | None:
    """Refuse an unknown model or voice at once; a model that is not loaded yet (None) says so when it is to speak."""
    try:
        return resolve(request.model, request.voice)
    except ModelNotReady:
        return None
    except InvalidRequest as error:
        if error.param == "voice":
            error.param = "audio.output.voice"
        raise


def instructed(request: SpeechRequest, instructions: str, resolve: Resolve) -> SpeechRequest:
    """Hand the instructions to a model that takes them. Raises as ``checked``."""
    found = checked(request, resolve)
    if found is None or not instructions.strip():
        return request
    return with_options(request, {"instructions": instructions.strip()}, found.info)[0]


def check_modalities(fields: Fields) -> None:
    """Refuse anything but speech. Raises ``InvalidRequest``."""
    value = fields.get("output_modalities")
    if value is not None and value != ["audio"]:
        raise InvalidRequest(
            "This server speaks: 'output_modalities' can only be [\"audio\"].",
            code="invalid_value",
            param="output_modalities",
        )


def voice_of(output: Fields) -> str | None:
    """The voice asked for, by its name or as an object with its ``id``. Raises ``InvalidRequest``."""
    value = output.get("voice")
    if isinstance(value, dict):
        value = value.get("id")
    if value is None or isinstance(value, str):
        return value or None
    raise InvalidRequest(f"'voice' must be a string or an object with an 'id', not {kind(value)}.", param="voice")


def format_of(fields: Fields) -> AudioFormat | None:
    """The ``format`` of what is spoken or heard; None if absent or null. Raises ``UnsupportedFormat``."""
    given = inner(fields, "format", _FORMAT)
    if given is None:
        return None
    name = given.get("type")
    container = CONTAINERS.get(name) if isinstance(name, str) else None
    with within("format"):
        if container is None:
            raise UnsupportedFormat("'type' must be audio/pcm, audio/pcmu or audio/pcma.", param="type")
        try:
            rate = sample_rate_of(given.get("rate")) or (PCM_RATE if container == "pcm_s16le" else G711_RATE)
            return audio_format(container, rate, param="type")
        except UnsupportedFormat as error:
            raise UnsupportedFormat(error.message, param="rate") from None


def told(now: SessionSettings, session_id: str) -> dict[str, Any]:
    """The session as ``session.created`` and ``session.updated`` tell it: what is in force."""
    speech = now.request
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": now.model_name,
        "output_modalities": ["audio"],
        "instructions": now.instructions,
        "tools": [],
        "tool_choice": "none",
        "max_output_tokens": "inf",
        "tracing": None,
        "prompt": None,
        "include": None,
        "audio": {
            "input": {
                "format": format_told(now.heard),
                "noise_reduction": None,
                "transcription": None,
                "turn_detection": _turns_told(now.turn_detection),
            },
            "output": {**output_told(speech), "speed": speech.delivery.speed},
        },
    }


def output_told(request: SpeechRequest) -> dict[str, Any]:
    """How a response is spoken, as it tells itself."""
    return {"format": format_told(request.audio), "voice": request.voice or "default"}


def format_told(audio: AudioFormat) -> Mapping[str, Any]:
    """A format in the vendor's words: G.711 has no rate but its own there."""
    rate = {} if audio.container != "pcm_s16le" and audio.sample_rate == G711_RATE else {"rate": audio.sample_rate}
    return {"type": _NAMES[audio.container], **rate}


def _check_type(session: Fields) -> None:
    value = session.get("type")
    if value is None:
        raise InvalidRequest("'type' is missing.", code="missing_required_parameter", param="type")
    if value != "realtime":
        raise InvalidRequest("'type' can only be \"realtime\".", code="invalid_value", param="type")


def _heard_as(now: SessionSettings, given: Fields) -> SessionSettings:
    with within("input"):
        now = replace(now, heard=format_of(given) or now.heard)
        if "turn_detection" not in given:
            return now
        return replace(now, turn_detection=_turns_of(given))


def _turns_of(given: Fields) -> TurnDetection | None:
    turns = inner(given, "turn_detection", _TURNS)
    if turns is None:
        return None
    with within("turn_detection"):
        if turns.get("type") != "server_vad":
            raise InvalidRequest("'type' can only be \"server_vad\".", code="invalid_value", param="type")
        flag(turns, "create_response", default=False)
        asked = {
            "threshold": number(turns, "threshold", 0.0, 1.0),
            "prefix_padding_ms": whole_number(turns, "prefix_padding_ms"),
            "silence_duration_ms": whole_number(turns, "silence_duration_ms"),
        }
        ear = EarSettings(**{name: value for name, value in asked.items() if value is not None})
        return TurnDetection(ear, flag(turns, "interrupt_response", default=True))


def _turns_told(turns: TurnDetection | None) -> Mapping[str, Any] | None:
    """A language model would answer what was heard; here nothing does."""
    if turns is None:
        return None
    return {
        "type": "server_vad",
        "threshold": turns.ear.threshold,
        "prefix_padding_ms": turns.ear.prefix_padding_ms,
        "silence_duration_ms": turns.ear.silence_duration_ms,
        "idle_timeout_ms": None,
        "create_response": False,
        "interrupt_response": turns.interrupt_response,
    }
