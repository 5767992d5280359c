"""Sessions whose audio comes in messages of equal length, because the client asked for it (``protocols.frames``)."""

from __future__ import annotations

from dataclasses import replace

from syrinx.audio.framing import Framing
from syrinx.engine.policy import SessionOptions


def framed(options: SessionOptions, frame_s: float | None) -> SessionOptions:
    """The same options, with every audio message ``frame_s`` seconds long; None: unchanged."""
    if frame_s is None:
        return options
    return replace(options, framing=Framing(chunk_s=frame_s, exact=True))
