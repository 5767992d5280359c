"""Finds text that must reach a model untouched, also while its end has not arrived yet."""

from __future__ import annotations

import re
from functools import lru_cache

from syrinx.core.types import Span

REACH = 128
"""Longest verbatim text that is protected from a cut, in characters."""
MAX_TRIES = 8
"""Closing brackets tried before a bracket is taken for ordinary text."""
PAIRS = {"{": "}", "[": "]", "<": ">", "(": ")"}


@lru_cache(maxsize=32)
def guard_of(verbatim: str) -> Guard:
    """The guard of that pattern, shared: nothing in it changes."""
    return Guard(verbatim)


class Guard:
    """Knows a model's verbatim pattern. Matches should begin with a bracket and be at most ``REACH`` long."""

    def __init__(self, verbatim: str) -> None:
        self._pattern = re.compile(verbatim) if verbatim else None
        openers = "".join(c for c in PAIRS if re.search(r"(?<!\[)\\?" + re.escape(c), verbatim))
        self._openers = re.compile("[" + re.escape(openers) + "]") if openers else None
        self.reach = REACH if self._pattern else 0

    def around(self, text: str, start: int, at: int, final: bool) -> Span | None:
        """The verbatim span that holds ``at`` inside, or an empty span at ``at``; None: more text is needed to tell."""
        free = Span(at, at)
        if self._pattern is None or self._openers is None:
            return free
        last = self._open_before(text, max(start, at - REACH), at)
        if last < 0:
            return free
        tries = 0
        for place in range(at, min(len(text), last + REACH)):
            if text[place] in PAIRS.values():
                tries += 1
                found = self._spanning(text, start, at, place + 1)
                if found is not None or tries == MAX_TRIES:
                    return found or free
        return free if final or len(text) >= last + REACH else None

    def holds(self, text: str, start: int, at: int) -> bool:
        """Whether ``at`` is inside verbatim text, judged by what is there."""
        return self.span(text, start, at) is not None

    def span(self, text: str, start: int, at: int) -> Span | None:
        """The verbatim span with ``at`` inside it, judged by what is there."""
        return self._spanning(text, start, at, min(len(text), at + REACH)) if self._pattern else None

    def _open_before(self, text: str, low: int, at: int) -> int:
        """Place of the last bracket before ``at`` that is still open there; -1 if none is."""
        assert self._openers is not None
        for match in reversed(list(self._openers.finditer(text, low, at))):
            if text.find(PAIRS[match[0]], match.end(), at) < 0:
                return match.start()
        return -1

    def _spanning(self, text: str, start: int, at: int, end: int) -> Span | None:
        assert self._pattern is not None
        low = max(start, at - REACH)
        for match in self._pattern.finditer(text, low, end):
            if match.start() < at < match.end():
                return Span(match.start(), match.end())
            if match.start() >= at:
                return None
        return None
