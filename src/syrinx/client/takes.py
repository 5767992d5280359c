"""What speaking a text came to: how soon, how much, how fast. Times are seconds from the moment it was asked for."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from syrinx.core.clock import Clock
from syrinx.core.errors import ModelFailed, Overloaded, SyrinxError

from .speakers import RATE, Pcm, Sound, Speaker, Total

AUDIBLE = 33
"""Of int16: the first whole step above -60 dBFS (32768 / 1000 = 32.8)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One piece of sound."""

    at_s: float
    samples: int
    silent: bool
    """Not one sample of it differs from zero."""
    audible: bool
    """It has a sample above -60 dBFS."""


@dataclass(frozen=True, slots=True)
class Take:
    """One transaction: a text, or its sentences one after the other."""

    wall_s: float
    ttfb_s: float | None = None
    """To the first sound that is no primer; of several sentences their mean; None: there was none."""
    audible_s: float | None = None
    """Likewise to the first sound above -60 dBFS."""
    audio_s: float = 0.0
    """The primer not counted."""
    chunks: int = 0
    """Messages of sound, the primer not counted."""
    error: SyrinxError | None = None
    """Why it ended early."""

    @property
    def rejected(self) -> bool:
        """The server was too busy, and said so before it began."""
        return isinstance(self.error, Overloaded)


async def take(speaker: Speaker, texts: Sequence[str], clock: Clock, hear: Callable[[Pcm], None] | None = None) -> Take:
    """Have a connected ``speaker`` speak every one of ``texts`` (at least one) and tell what that came to.

    ``hear`` is given all sound, primers too. A ``SyrinxError`` of the server ends it and is told in the take.
    """
    began = clock.now()
    parts: list[Take] = []
    for text in texts:
        parts.append(await _part(speaker, text, clock, hear))
        if parts[-1].error is not None:
            break
    return Take(
        wall_s=clock.now() - began,
        ttfb_s=mean([part.ttfb_s for part in parts if part.ttfb_s is not None]),
        audible_s=mean([part.audible_s for part in parts if part.audible_s is not None]),
        audio_s=sum(part.audio_s for part in parts),
        chunks=sum(part.chunks for part in parts),
        error=parts[-1].error,
    )


async def _part(speaker: Speaker, text: str, clock: Clock, hear: Callable[[Pcm], None] | None) -> Take:
    began = clock.now()
    arrivals: list[Arrival] = []
    total: int | None = None
    error: SyrinxError | None = None
    try:
        async with contextlib.aclosing(speaker.speak(text)) as events:
            async for event in events:
                if isinstance(event, Total):
                    total = event.samples
                elif len(event.samples):
                    arrivals.append(_arrival(event, clock.now() - began))
                    if hear is not None:
                        hear(event.samples)
    except SyrinxError as raised:
        error = raised
    return told(arrivals, total, clock.now() - began, error)


def told(arrivals: Sequence[Arrival], total: int | None, wall_s: float, error: SyrinxError | None) -> Take:
    """The take of one text. ``total``: its samples by the server's count, where it tells."""
    speech = without_primer(arrivals, total)
    if error is None and not speech:
        error = ModelFailed("The server sent no sound.")
    return Take(
        wall_s=wall_s,
        ttfb_s=speech[0].at_s if speech else None,
        audible_s=next((arrival.at_s for arrival in speech if arrival.audible), None),
        audio_s=sum(arrival.samples for arrival in speech) / RATE,
        chunks=len(speech),
        error=error,
    )


def without_primer(arrivals: Sequence[Arrival], total: int | None) -> Sequence[Arrival]:
    """All but a silent first piece that the server did not count as speech."""
    if not arrivals or not arrivals[0].silent or total is None:
        return arrivals
    return arrivals[1:] if sum(arrival.samples for arrival in arrivals) > total else arrivals


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The linearly interpolated percentile (0 to 100); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def mean(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return sum(values) / len(values) if values else None


def _arrival(sound: Sound, at_s: float) -> Arrival:
    loudest = int(np.abs(sound.samples.astype(np.int32)).max())
    return Arrival(at_s, len(sound.samples), silent=loudest == 0, audible=loudest >= AUDIBLE)
