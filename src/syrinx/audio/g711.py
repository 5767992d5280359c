"""G.711 bytes back to 16-bit samples (``audio.encode.g711`` is the way there), by one table look-up per byte."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.int16]
"""int16, shape (256,): what each code stands for."""


@functools.cache
def mulaw_levels() -> Levels:
    """ITU-T G.711 mu-law: inverted; sign, 3 bits of segment, 4 of step; biased by 33 (132 at 16 bits)."""
    code = ~np.arange(256, dtype=np.int32)
    magnitude = ((((code & 0x0F) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@functools.cache
def alaw_levels() -> Levels:
    """ITU-T G.711 A-law: even bits inverted; sign, 3 bits of segment, 4 of step; the middle of each step."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = (code >> 4) & 7, ((code & 0x0F) << 4) + 8
    magnitude = np.where(segment == 0, step, (step + 256) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def decode_mulaw(codes: bytes) -> bytes:
    """16-bit little-endian samples of mu-law codes."""
    return mulaw_levels()[np.frombuffer(codes, np.uint8)].astype("<i2").tobytes()


def decode_alaw(codes: bytes) -> bytes:
    """16-bit little-endian samples of A-law codes."""
    return alaw_levels()[np.frombuffer(codes, np.uint8)].astype("<i2").tobytes()
