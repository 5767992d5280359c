"""When a listener's first audio goes out, where the model makes it slower than it is heard. Pure.

A stream that begins at once with a model at 0.8 of real time falls silent again and again. Held back until so much of
it is there that the rest comes in time, it is heard in one piece, and ends when it would have ended anyway.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .meter import Speed

ROUNDING = 1e-6
"""Quotients of floats that are whole numbers differ from them by less than this."""


@dataclass(frozen=True, slots=True)
class HeadStartPolicy:
    """How long a first audio may be held, and what is doubted of the estimates."""

    longest_s: float = 5.0
    """Longest wait for a head start (as ``SchedulePolicy.patience_s``). Where it takes longer, gaps cannot be helped
    and the stream begins at once."""
    length_doubt: float = 1.5
    """Speech lasts up to this many times what was expected, until more is known of the model (``lengths``): speaking
    rates of 100 to 200 words a minute around 150."""
    speed_doubt: float = 0.95
    """The speed measured is believed to this share: steps vary by some percent, and streams that join cost a step."""


@dataclass(frozen=True, slots=True)
class Held:
    """A stream of which nothing went out yet. All in seconds of the listener's time."""

    made_s: float
    """Audio that is there."""
    expected_s: float
    """Usual length of the utterance, or of what is still known of it; ``inf``: its end is not known."""
    waited_s: float
    """Since the first of its audio was there."""
    chunk_s: float
    """Audio that came with the last step: what comes next comes as a whole, when all of it is made."""
    fresh: bool = False
    """It came with this very step: what the listener's side wrote meanwhile, the end perhaps, is not read yet."""


def may_start(held: Held, speed: Speed, policy: HeadStartPolicy) -> bool:
    """Whether the stream goes out now: there is enough of it, or no wait that is bearable would make it so.

    ``speed``: what it gets of each second. While that is not measured, a stream that may be too slow waits to know.
    """
    if held.made_s >= lead_s(held, speed.least, policy):
        return True
    unread = held.fresh and math.isinf(held.expected_s)
    return not unread and not _in_time(held, speed.most, policy)


def lead_s(held: Held, speed: float, policy: HeadStartPolicy) -> float:
    """Audio that must be there for the rest to come in time: while ``rest`` is made, in ``rest / speed`` seconds, the
    listener hears ``lead + rest`` but the last chunk."""
    rest_s = _in_chunks(max(0.0, held.expected_s * policy.length_doubt - held.made_s), held.chunk_s)
    believed = speed * policy.speed_doubt
    if believed >= 1:
        return 0.0
    return rest_s * (1 / believed - 1) + held.chunk_s if believed > 0 else math.inf


def _in_chunks(rest_s: float, chunk_s: float) -> float:
    """As much as is made of it: the last chunk is a whole one."""
    if chunk_s <= 0 or not math.isfinite(rest_s):
        return rest_s
    return math.ceil(rest_s / chunk_s - ROUNDING) * chunk_s


def _in_time(held: Held, speed: float, policy: HeadStartPolicy) -> bool:
    """Whether the head start is there within the longest wait."""
    lacking_s = max(0.0, lead_s(held, speed, policy) - held.made_s)
    still_s = lacking_s * policy.speed_doubt  # what is made meanwhile leaves so much less to come
    return held.waited_s + still_s <= policy.longest_s
