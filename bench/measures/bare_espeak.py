"""The yardstick of first audio: espeak-ng called directly in this process, with nothing around it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.harness import has_audible, percentile
from syrinx.models.espeak.binding import EspeakLibrary, Utterance, WordEvent

VOICE = "gmw/en-US"
NORMAL_WPM = 175
"""espeak-ng's own default rate (speak_lib.h, espeakRATE)."""

TEXTS = (
    "Good morning, how did you sleep?",
    "The train leaves in ten minutes from platform four.",
    "Yes, I have found three flights for you.",
    "Please hold the line, somebody will be with you soon.",
    "It will rain in the afternoon, so take an umbrella.",
    "Turn left at the next corner, then go straight on.",
)


@dataclass(frozen=True, slots=True)
class BareTimes:
    """Medians for one text, in seconds from the call."""

    first_s: float
    """To the first callback with samples."""
    audible_s: float
    """To the first callback with a sample above -60 dBFS."""


def bare_times(rounds: int) -> dict[str, BareTimes]:
    """Speak each of ``TEXTS`` ``rounds`` times and take the medians. The first round warms up and is not counted."""
    import espeakng_loader

    library = EspeakLibrary(Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path()))
    try:
        return {text: _times(library, text, rounds) for text in TEXTS}
    finally:
        library.close()


def _times(library: EspeakLibrary, text: str, rounds: int) -> BareTimes:
    runs = [_one(library, text) for _ in range(rounds + 1)][1:]
    return BareTimes(percentile([r.first_s for r in runs], 50), percentile([r.audible_s for r in runs], 50))


def _one(library: EspeakLibrary, text: str) -> BareTimes:
    first_s = audible_s = 0.0
    began = time.perf_counter()

    def sink(pcm: bytes, _: list[WordEvent]) -> bool:
        nonlocal first_s, audible_s
        first_s = first_s or (time.perf_counter() - began if pcm else 0.0)
        if has_audible(pcm):
            audible_s = time.perf_counter() - began
        return audible_s > 0

    library.speak(Utterance(text, VOICE, NORMAL_WPM), sink)
    return BareTimes(first_s, audible_s)
