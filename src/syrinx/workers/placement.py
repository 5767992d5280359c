"""Which worker gets a job: the one that has its listener already, else the one with least to do. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from syrinx.models.base import ModelInfo

from .stream import Stream

MAX_TIMELINES = 4096
"""Listeners remembered; one that is forgotten may change the worker between two jobs."""


class Place(Protocol):
    """A worker that may be ready, and the jobs it has (``slot.Slot``)."""

    ready: bool
    streams: dict[str, Stream]


_Place = TypeVar("_Place", bound=Place)


def choose(
    homes: OrderedDict[str, _Place], places: Sequence[_Place], timeline: str, info: ModelInfo | None
) -> _Place | None:
    """Return the place for a job of ``timeline`` and remember it in ``homes``, so that one schedule sees its play-head.

    None: no place is ready.
    """
    home = homes.get(timeline)
    if home is None or not home.ready:
        ready = [place for place in places if place.ready]
        if not ready:
            return None
        home = ready[0] if len(ready) == 1 else min(ready, key=lambda place: work_s(place.streams.values(), info))
    homes[timeline] = home
    homes.move_to_end(timeline)
    if len(homes) > MAX_TIMELINES:
        homes.popitem(last=False)
    return home


def work_s(streams: Iterable[Stream], info: ModelInfo | None) -> float:
    """Return the seconds of audio that are still to be made of these jobs, as far as text tells."""
    if info is None:
        return 0.0
    pace, rate = info.seconds_per_char, info.sample_rate
    return sum(max(len(s.job.text) * pace / s.job.delivery.speed - s.progress.samples / rate, pace) for s in streams)
