"""The one mechanism of normalisation: a pattern, what to say for it, and a rewrite that keeps the map to the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from syrinx.core.types import Span
from syrinx.text.spans import Run, Spoken

BLANK = "\ufffc"
"""Stands, while rules run, for text that another rule has taken. Never in a source: it is removed before."""
DIGITS = frozenset("0123456789")

Say = Callable[[re.Match[str]], str | None]
"""Gives the words for a match; None: not this rule's business after all, leave it as it is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Say ``say(match)`` for every match of ``pattern`` in text that no earlier rule has taken.

    Patterns must be linear: no nested or adjacent unbounded repeats over the same characters.
    """

    name: str
    pattern: re.Pattern[str]
    say: Say
    needs: frozenset[str] = frozenset()
    """Characters of which at least one is in every match; the rule is skipped in texts without them. Empty: unknown."""
    keep: str = ""
    """Name of a group that stays as written and open to later rules; ``say`` then speaks for what stands before it and
    what stands behind it is dropped."""

    def edits(self, text: str) -> list[Edit]:
        """All replacements in ``text``, in order, non-overlapping."""
        found: list[Edit] = []
        for match in self.pattern.finditer(text):
            words = self.say(match)
            if words is None:
                continue
            if not self.keep:
                found.append(Edit(match.start(), match.end(), words))
                continue
            start, end = match.span(self.keep)
            found += [Edit(match.start(), start, words), Edit(end, match.end(), "")]
        return [edit for edit in found if edit.start < edit.end]


class Edit(NamedTuple):
    """Replace [start, end) by ``words``."""

    start: int
    end: int
    words: str


def rule(name: str, pattern: str, say: Say | str, needs: Iterable[str] = (), flags: int = 0, keep: str = "") -> Rule:
    """Build a rule. ``say`` may be plain words; ``needs`` a string of characters."""
    speak: Say = (lambda match: say) if isinstance(say, str) else say
    return Rule(name, re.compile(pattern, flags), speak, frozenset(needs), keep)


class Rewritten(NamedTuple):
    """What a pass over the rules gave, and where the text that must stay untouched is in it."""

    spoken: Spoken
    kept: list[Span]


def rewrite(text: str, rules: Sequence[Rule], kept: Sequence[Span] = ()) -> Rewritten:
    """Apply ``rules`` in order over ``text``; earlier rules take first, no rule sees another's words.

    ``kept`` spans (in order) are untouched. Linear in the text for each rule.
    """
    work = _blank(text, kept)
    chars = set(work)
    edits: list[Edit] = []
    for each in rules:
        if each.needs and each.needs.isdisjoint(chars):
            continue
        found = each.edits(work)
        if found:
            edits += found
            work = _blank(work, found)
    if not edits:
        return Rewritten(Spoken.unchanged(text), list(kept))
    edits.sort()
    spoken = _assemble(text, edits)
    return Rewritten(spoken, _moved(kept, spoken))


def _blank(text: str, spans: Sequence[Span | Edit]) -> str:
    if not spans:
        return text
    parts = []
    place = 0
    for span in spans:
        parts += [text[place : span.start], BLANK * (span.end - span.start)]
        place = span.end
    return "".join(parts) + text[place:]


def _assemble(text: str, edits: Sequence[Edit]) -> Spoken:
    parts: list[str] = []
    runs: list[Run] = []
    length = place = 0
    last = ""

    def add(words: str, start: int, end: int, exact: bool) -> None:
        nonlocal length, last
        if words:
            parts.append(words)
            runs.append(Run(length, length + len(words), start, end, exact))
            length += len(words)
            last = words[-1]

    for edit in edits:
        add(text[place : edit.start], place, edit.start, True)
        words = edit.words
        if words:
            before = " " if _clash(last, words[0]) else ""
            after = " " if _clash(words[-1], text[edit.end : edit.end + 1]) else ""
            words = before + words + after
        add(words, edit.start, edit.end, False)
        place = edit.end
    add(text[place:], place, len(text), True)
    return Spoken("".join(parts), tuple(runs))


def _clash(left: str, right: str) -> bool:
    """Whether two characters would run into one word (scripts without spaces excepted)."""
    return left.isalnum() and right.isalnum() and left < "\u2e80" and right < "\u2e80"


def _moved(kept: Sequence[Span], spoken: Spoken) -> list[Span]:
    """Where the kept spans of the source are in ``spoken``."""
    moved: list[Span] = []
    runs = iter(run for run in spoken.runs if run.exact)
    run = next(runs, None)
    for span in kept:
        while run is not None and run.source_end <= span.start:
            run = next(runs, None)
        if run is None:
            break
        shift = run.start - run.source_start
        moved.append(Span(span.start + shift, span.end + shift))
    return moved
