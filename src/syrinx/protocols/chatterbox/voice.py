"""What a Chatterbox client sends to have a voice made: a name that is safe as one, and a recording as base64."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from syrinx.core.errors import InvalidRequest
from syrinx.protocols.jsonwire import Fields, language_of, string

VOICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Also what the voice store takes as an alias."""
DEFAULT = "default"
"""Means the server's own default voice, so no voice can be registered by that name."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A voice to make, or to make anew."""

    voice_id: str
    audio: bytes
    """Any container; whether it is speech that can be cloned is for the voice store to say."""
    description: str = ""
    language: str = ""
    reference_text: str = ""
    consent: str = ""


def registration_of(fields: Fields, max_bytes: int) -> Registration:
    """Read a ``register_voice``. Raises ``InvalidRequest`` naming the field that is wrong."""
    return Registration(
        voice_id=_voice_id(fields),
        audio=_audio(fields, max_bytes),
        description=string(fields, "description") or "",
        language=language_of(fields) or "",
        reference_text=string(fields, "reference_text") or "",
        consent=string(fields, "consent") or "",
    )


def _voice_id(fields: Fields) -> str:
    value = string(fields, "voice_id") or ""
    if not VOICE_ID.fullmatch(value) or value.lower() == DEFAULT:
        raise InvalidRequest(
            "'voice_id' must have 1 to 64 letters, digits, '-' and '_', and be another than 'default'.",
            code="bad_voice_id",
            param="voice_id",
        )
    return value


def _audio(fields: Fields, max_bytes: int) -> bytes:
    value = string(fields, "reference_audio") or ""
    if len(value) > max_bytes * 3 // 2:  # base64 of it has a third more, and some break its lines
        raise InvalidRequest(
            f"The recording is longer than {max_bytes} bytes.", code="audio_too_long", param="reference_audio"
        )
    try:
        audio = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(
            "'reference_audio' must be a recording as base64.", code="bad_audio", param="reference_audio"
        ) from None
    if not audio:
        raise InvalidRequest("'reference_audio' is missing or empty.", code="bad_audio", param="reference_audio")
    return audio
