"""Replies in the order of what they answer, for dialects whose requests are answered one after the other."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from syrinx.protocols.base import Close, Reply

MAX_WAITING = 256
"""Replies that may wait behind speech; those that come while so many do are sent at once."""


@dataclass(slots=True)
class _Turn:
    utterance_id: str
    behind: list[Reply | Close] = field(default_factory=list)
    """What is said when it has ended."""


class Turns:
    """The utterances of one connection that have not ended, and what is to be said between them."""

    def __init__(self) -> None:
        self._turns: deque[_Turn] = deque()
        self._waiting = 0

    def begin(self, utterance_id: str) -> None:
        """An utterance joins the line."""
        self._turns.append(_Turn(utterance_id))

    def say(self, replies: list[Reply | Close]) -> list[Reply | Close]:
        """Return what may be said now: all of it where nothing is being spoken, else nothing, until ``end``."""
        if not self._turns or self._waiting + len(replies) > MAX_WAITING:
            return replies
        self._turns[-1].behind += replies
        self._waiting += len(replies)
        return []

    def end(self, utterance_id: str) -> list[Reply | Close]:
        """The utterance is over: return what waited for it. Unknown ones are ignored."""
        for index, turn in enumerate(self._turns):
            if turn.utterance_id == utterance_id:
                del self._turns[index]
                return self._after(index, turn)
        return []

    def _after(self, index: int, turn: _Turn) -> list[Reply | Close]:
        if index:  # one that waited ended before its turn: what stands behind it waits for the one before
            self._turns[index - 1].behind += turn.behind
            return []
        self._waiting -= len(turn.behind)
        return turn.behind
