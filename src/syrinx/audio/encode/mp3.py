"""MPEG audio layer III as a bare run of frames: no Xing header (its length would be a lie) and no ID3 tag."""

from __future__ import annotations

from .base import Container, ContainerInfo
from .libav import LibavEncoder, Recipe


class Mp3(LibavEncoder):
    # Without the bit reservoir each frame stands alone: first bytes 20 ms sooner, and streams can be cut at frames.
    recipe = Recipe("mp3", "libmp3lame", "fltp", {"write_xing": "0", "id3v2_version": "0"}, {"reservoir": "0"})


# MPEG-1, 2 and 2.5 rates (ISO 11172-3, 13818-3); LAME takes the nearest legal bit rate of the rate's own table.
MP3 = Container(
    ContainerInfo(
        "mp3",
        "audio/mpeg",
        "mp3",
        sample_rates=(8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
        bitrates=(8_000, 320_000),
        default_bitrate=64_000,
    ),
    Mp3,
)
