"""Names of audio formats as clients write them, and the containers they mean: one table for every dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from syrinx.core.errors import UnsupportedFormat
from syrinx.core.types import AudioFormat

SAMPLE_RATES = (8_000, 48_000)
"""Hertz, lowest and highest delivered (``AudioFormat.sample_rate``)."""

CONTAINER_OF: Mapping[str, str] = {
    "pcm": "pcm_s16le",
    "pcm_s16le": "pcm_s16le",
    "pcm_f32le": "pcm_f32le",
    "wav": "wav",
    "mp3": "mp3",
    "opus": "ogg_opus",
    "aac": "aac",
    "flac": "flac",
    "webm": "webm_opus",
    "mulaw": "mulaw",
    "alaw": "alaw",
}
"""Wire name to ``audio.encode`` container. The first six of OpenAI's (pcm wav mp3 opus aac flac) keep their meaning."""


def audio_format(name: str, sample_rate: int | None, *, param: str) -> AudioFormat:
    """Return the format that ``name`` means. Raises ``UnsupportedFormat`` for no such name or rate."""
    container = CONTAINER_OF.get(name)
    if container is None:
        known = ", ".join(CONTAINER_OF)
        raise UnsupportedFormat(f"There is no audio format {name[:40]!r}; there are {known}.", param=param)
    return AudioFormat(container, sample_rate)


def sample_rate_of(value: Any) -> int | None:
    """Read a sample rate in Hertz, also from ``"24000"`` or ``24000.0``; None for null.

    Raises ``UnsupportedFormat`` for anything but a whole number in ``SAMPLE_RATES``.
    """
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise UnsupportedFormat("The sample rate must be a whole number of Hertz.", param="sample_rate")
    low, high = SAMPLE_RATES
    if not low <= value <= high:
        raise UnsupportedFormat(f"The sample rate must be {low} to {high} Hz, not {value:g}.", param="sample_rate")
    return int(value)
