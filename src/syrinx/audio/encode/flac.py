"""FLAC in small frames (20 ms), so that it streams; lossless of 16 bits."""

from __future__ import annotations

from .base import Container, ContainerInfo
from .libav import LibavEncoder, Recipe

FRAME_S = 0.02
"""FFmpeg's own choice is 105 ms (4608 samples at 44.1 kHz), which would be the delay of the first sound."""


class Flac(LibavEncoder):
    # No padding block: FFmpeg's 8 kB of zeros are for tag editors, and a listener would wait for them.
    recipe = Recipe("flac", "flac", "s16", {"metadata_header_padding": "0"})

    def _codec_options(self) -> dict[str, str]:
        return {"frame_size": str(round(self.spec.sample_rate * FRAME_S))}


def seal(data: bytes, samples: int) -> bytes:
    """Write the true length into STREAMINFO: 36 bits that end at byte 26 (RFC 9639, 8.2); 0 means unknown."""
    if len(data) < 26 or samples >= 1 << 36:
        return data
    head = bytearray(data[:26])
    head[21] = (head[21] & 0xF0) | (samples >> 32)
    head[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(head) + data[26:]


FLAC = Container(ContainerInfo("flac", "audio/flac", "flac", lossless=True), Flac, seal)
