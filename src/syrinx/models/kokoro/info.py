"""What Kokoro is, whichever library runs it. Pure."""

from __future__ import annotations

from typing import Any

from syrinx.models.base import ModelInfo, VoiceInfo

from .markup import VERBATIM
from .timing import SAMPLE_RATE

SOUND = 2
"""Counts up whenever this package makes the same network sound otherwise: where text is cut, what is trimmed, how words
are read. Audio in the response cache of another count is not played any more."""
MAX_SEGMENT_CHARS = 300
"""About 20 s of speech."""


def model_info(*, voices: tuple[VoiceInfo, ...], licence: str, revision: str, **other: Any) -> ModelInfo:
    """The model's description; ``other`` is what the library decides."""
    return ModelInfo(
        sample_rate=SAMPLE_RATE,
        voices=voices,
        default_voice=voices[0].id,
        licence=licence,
        revision=f"{revision}-{SOUND}",
        max_segment_chars=MAX_SEGMENT_CHARS,
        verbatim=VERBATIM,
        voice_blends=True,
        **other,
    )
