"""How long a job may speak before it is taken for a runaway. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from syrinx.core.types import SynthesisJob


@dataclass(frozen=True, slots=True)
class RunawayPolicy:
    """A job may make ``base_s + factor * expected`` seconds of audio."""

    base_s: float = 4.0
    """Room for pauses, numbers and abbreviations that are much longer spoken than written."""
    factor: float = 4.0
    """Scripts of few long-sounding signs (Chinese: about 4 signs a second against 15 letters) and slow voices fit."""
    max_silent_s: float = 60.0
    """Computing for this long without any audio is the other way never to end."""


def usual_s(job: SynthesisJob, expected_s: float | None, seconds_per_char: float) -> float:
    """Return how long ``job`` usually takes to say, in seconds of audio.

    ``expected_s`` is the backend's own estimate; where it has none (or one that is no positive number) the text length
    at ``seconds_per_char`` (seconds, at speed 1) stands in.
    """
    if expected_s is None or not math.isfinite(expected_s) or expected_s <= 0:
        return len(job.text) * seconds_per_char / job.delivery.speed
    return expected_s


def budget_s(expected_s: float, policy: RunawayPolicy) -> float:
    """Return the most seconds of audio that a job of which ``expected_s`` are expected may make."""
    return policy.base_s + policy.factor * expected_s
