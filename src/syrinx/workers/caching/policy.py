"""Which jobs the response cache is for, and who may listen to whose. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syrinx.core.types import ServiceClass
from syrinx.models.base import ModelInfo
from syrinx.workers.host import JobTerms

Mode = Literal["auto", "all", "off"]


def is_wanted(mode: Mode, info: ModelInfo, asked: bool | None) -> bool:
    """Whether a job's audio may come from the cache and go to it. ``asked``: by its request (``JobTerms.cache``).

    Where nobody asked, ``auto`` leaves out sampled models, with a seed or without: keeping their audio would freeze one
    of many performances.
    """
    if mode == "off":
        return False
    return asked if asked is not None else mode == "all" or not info.sampled


@dataclass(frozen=True, slots=True)
class Under:
    """A job that is being made."""

    terms: JobTerms
    begun: bool
    """Some of its audio is there."""
    blocked: bool
    """Its listener has a job before it that is not all made, and that the newcomer does not listen to: if nobody reads
    that one, this one is never begun."""


def may_listen(to: Under, terms: JobTerms) -> bool:
    """Whether a second listener is served as well by a job under way as by one of its own.

    Not by one that is made later (bulk work for a listener), that may pause further behind its play-head or is heard
    more slowly, or that has to wait for what the second listener did not ask for.
    """
    bulk = ServiceClass.BULK
    if to.terms.service_class is bulk and terms.service_class is not bulk:
        return False
    if to.terms.max_lead_s < terms.max_lead_s or to.terms.playback_rate < terms.playback_rate:
        return False
    return to.begun or not to.blocked
