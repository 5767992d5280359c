"""Which speech tokens are decoded together, as pure arithmetic: chunks with context before and look-ahead behind.

S3Gen hears tokens on both sides of each: 50 before (the context of the Chatterbox-vLLM service) and 3 after (the
look-ahead of its encoder, ``pre_lookahead_len`` in chatterbox-tts' ``flow.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

LOOKAHEAD = 3


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """In tokens."""

    first: int = 12
    chunk: int = 25
    context: int = 50


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open ranges of tokens of one utterance: decode [start, end + ahead), and keep [new, end)."""

    start: int
    new: int
    end: int
    ahead: int
    last: bool


class Windows:
    """Cuts the tokens of one utterance as they come."""

    def __init__(self, plan: WindowPlan) -> None:
        self._plan = plan
        self._done = 0

    def next(self, have: int) -> Window | None:
        """Return the next window if ``have`` tokens are enough for it; there will be more of them."""
        size = self._plan.chunk if self._done else self._plan.first
        end = self._done + size
        return self._take(end, last=False) if have > end + LOOKAHEAD else None

    def rest(self, have: int) -> Window:
        """Return the last window: all that is left of ``have`` tokens, more than ``LOOKAHEAD``-many chunks never."""
        return self._take(have, last=True)

    def _take(self, end: int, *, last: bool) -> Window:
        new, self._done = self._done, end
        return Window(max(0, new - self._plan.context), new, end, 0 if last else LOOKAHEAD, last)
