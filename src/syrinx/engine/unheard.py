"""Utterances that ended by themselves and may still be heard, because most are made faster than that. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syrinx.core.types import Barge, Interrupted
from syrinx.engine.ledger import Ledger
from syrinx.text.words import heard_end

MOST_KEPT = 16
"""Ended utterances of a session that are remembered with their text."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an utterance was to say, and the book of what its listener got of it."""

    utterance_id: str
    text: str
    ledger: Ledger

    def until(self, played_s: float | None = None) -> int:
        """How much of the text was heard: 0, or up to the end of a word. ``played_s``: see ``core.types.Cancel``."""
        return heard_end(self.text, self.ledger.heard_until(played_s))


class Unheard:
    """Of one session, in the order in which they ended."""

    def __init__(self) -> None:
        self._said: dict[str, Said] = {}

    @property
    def names(self) -> Sequence[str]:
        """Their ids."""
        return list(self._said)

    def add(self, said: Said) -> None:
        """Remember one that has ended now; of the others those that were not all heard by the clock."""
        kept = [old for name, old in self._said.items() if name != said.utterance_id and not old.ledger.is_heard]
        self._said = {each.utterance_id: each for each in [*kept, said][-MOST_KEPT:]}

    def forget(self, utterance_id: str) -> None:
        """Its name is another's now."""
        self._said.pop(utterance_id, None)

    def clear(self) -> None:
        self._said.clear()

    def stop(self, utterance_id: str, played_s: float | None) -> Interrupted | None:
        """The listener throws away what they did not hear of it; None: it is not remembered."""
        said = self._said.pop(utterance_id, None)
        if said is None:
            return None
        interrupted = Interrupted(said.utterance_id, said.until(played_s), said.text)
        said.ledger.dropped()
        return interrupted

    def stop_all(self, played_s: Mapping[str, float | None]) -> list[Interrupted]:
        """Likewise all of them; returns those that were not all heard. ``played_s``: of each, see ``play_heads``."""
        told = [self.stop(name, played_s[name]) for name in self.names]
        return [each for each in told if each is not None and each.remaining]


def play_heads(names: Sequence[str], barge: Barge, *, ordered: bool) -> dict[str, float | None]:
    """What the listener says to have heard of each utterance, in seconds, as ``Cancel.played_s``. ``names``: in the
    order in which they are heard, which in an ordered session tells of those that are not named."""
    if barge.utterance_id not in names or barge.played_s is None:
        return dict.fromkeys(names)
    at = names.index(barge.utterance_id)
    before, behind = (math.inf, 0.0) if ordered else (None, None)
    return {
        name: barge.played_s if place == at else before if place < at else behind for place, name in enumerate(names)
    }
