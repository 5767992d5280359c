"""Opus in WebM with live clusters: what a browser's MediaSource takes."""

from __future__ import annotations

from .base import Container, ContainerInfo
from .libav import LibavEncoder, Recipe
from .opus import BITRATES, FRAME_MS, OPUS_RATES


class Webm(LibavEncoder):
    recipe = Recipe(
        "webm", "libopus", "flt", {"live": "1", "cluster_time_limit": "40"}, {"frame_duration": str(FRAME_MS)}
    )

    def _codec_options(self) -> dict[str, str]:
        return {**self.recipe.codec_options, "application": self.spec.opus_application}


WEBM = Container(
    ContainerInfo("webm", "audio/webm", "webm", sample_rates=OPUS_RATES, bitrates=BITRATES, default_bitrate=48_000),
    Webm,
)
