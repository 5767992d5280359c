"""Which speech tokens are decoded together, as pure arithmetic: chunks with context before and look-ahead behind.

S3Gen hears tokens on both sides of each: 50 before (the context of the Chatterbox-vLLM service) and 3 after (the
look-ahead of its encoder, ``pre_lookahead_len`` in chatterbox-tts' ``flow.py``). Each window costs those again, and the
voice's recording too. So chunks are small only as long as somebody waits for sound: each is twice the one before, up to
a bound, and a model that makes two seconds of tokens a second never falls behind its listener by that.
"""

from __future__ import annotations

from dataclasses import dataclass

LOOKAHEAD = 3
GROWTH = 2
"""How many times the chunk before."""


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """In tokens."""

    first: int = 12
    chunk: int = 25
    """The second one; the others grow from it."""
    most: int = 100
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
        self._size = plan.first
        self._then = plan.chunk

    def next(self, have: int) -> Window | None:
        """Return the next window if ``have`` tokens are enough for it; there will be more of them."""
        end = self._done + self._size
        if have <= end + LOOKAHEAD:
            return None
        self._size, self._then = self._then, max(self._then, min(self._then * GROWTH, self._plan.most))
        return self._take(end, last=False)

    def rest(self, have: int) -> Window:
        """Return the last window: all that is left of ``have`` tokens, more than ``LOOKAHEAD``-many chunks never."""
        return self._take(have, last=True)

    def _take(self, end: int, *, last: bool) -> Window:
        new, self._done = self._done, end
        return Window(max(0, new - self._plan.context), new, end, 0 if last else LOOKAHEAD, last)
