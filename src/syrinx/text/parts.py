"""Cuts spoken text that grew past a model's limit: digits and signs say more than they show."""

from __future__ import annotations

from collections.abc import Iterator

from syrinx.core.types import Span

from .boundaries import last_clause, last_space
from .graphemes import can_cut
from .spans import Spoken
from .verbatim import Guard

SHORTEST_PART = 3
"""A part has at least one in so many of the allowed characters, unless the text ends."""


def parts(spoken: Spoken, max_chars: int, guard: Guard) -> Iterator[Spoken]:
    """Yield ``spoken`` in parts of at most ``max_chars``, cut after a clause, else at a space, else anywhere legal.

    Joined they are the whole text; each maps back as the whole did.
    """
    start, length = 0, len(spoken.text)
    while length - start > max_chars:
        end = _cut(spoken.text, start, start + max_chars, guard)
        yield spoken.part(Span(start, end))
        start = end
    if start < length:
        yield spoken.part(Span(start, length))


def _cut(text: str, start: int, limit: int, guard: Guard) -> int:
    low = start + max(1, (limit - start) // SHORTEST_PART)
    places = last_clause(text, low, limit) + last_space(text, low, limit) + list(range(limit, start, -1))
    return next((at for at in places if can_cut(text, at) and not guard.holds(text, start, at)), limit)
