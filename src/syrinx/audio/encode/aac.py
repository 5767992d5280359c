"""AAC-LC in ADTS: self-describing frames without any container around them."""

from __future__ import annotations

from .base import Container, ContainerInfo
from .libav import LibavEncoder, Recipe


class Aac(LibavEncoder):
    recipe = Recipe("adts", "aac", "fltp")


# ADTS has an index for these rates only (ISO 14496-3, table 1.18); more than 6144 bits a frame is clamped by the codec.
AAC = Container(
    ContainerInfo(
        "aac",
        "audio/aac",
        "aac",
        sample_rates=(8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
        bitrates=(8_000, 288_000),
        default_bitrate=64_000,
    ),
    Aac,
)
