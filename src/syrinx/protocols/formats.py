"""Audio formats as clients ask for them, checked at once against what the containers can carry."""

from __future__ import annotations

import re
from typing import Any

from syrinx.audio.encode import container, output_rate
from syrinx.core.errors import UnsupportedFormat
from syrinx.core.types import AudioFormat

ANY_RATE = 24_000
"""Stands for a model's own rate while a format is checked; every container can convert to one of its own."""


def audio_format(name: str, sample_rate: int | None, *, param: str) -> AudioFormat:
    """Return the format that ``name`` (a container or an alias, any case) means, at ``sample_rate`` Hertz.

    Raises ``UnsupportedFormat``, with ``param`` for the name and ``"sample_rate"`` for the rate.
    """
    try:
        info = container(name)
    except UnsupportedFormat as error:
        raise UnsupportedFormat(error.message, param=param) from None
    chosen = AudioFormat(info.name, sample_rate)
    output_rate(chosen, ANY_RATE)
    return chosen


def sample_rate_of(value: Any) -> int | None:
    """Read a sample rate in Hertz, also from ``"24000"`` or ``24000.0``; None for null.

    Raises ``UnsupportedFormat`` for anything but a whole number.
    """
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise UnsupportedFormat("The sample rate must be a whole number of Hertz.", param="sample_rate")
    return int(value)
