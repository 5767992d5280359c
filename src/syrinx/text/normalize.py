"""Written text to words a voice can say: four passes of rules, each mapped back to the text as it was written."""

from __future__ import annotations

import re
from functools import cached_property

from syrinx.core.types import Span

from .rules import (
    abbreviations,
    cjk,
    clean,
    codes,
    dates,
    fractions,
    markup,
    money,
    numbers,
    symbols,
    units,
    web,
    years,
)
from .rules.locale import Locale
from .rules.rule import Rewritten, Rule, rewrite
from .spans import Spoken

FAST_CHARS = 250
"""Longer text may take more than a millisecond (measured: about 4 us a character with all rules at work)."""
_DIGIT = re.compile("[0-9]")


class Normalizer:
    """Normalises one language. Pure: the same text gives the same words, and no text raises.

    ``language`` is a BCP 47 tag; ``verbatim`` a regular expression of text that passes untouched (but for characters
    that have no sound at all, see ``rules.clean.INVISIBLE``) and must be linear on hostile text (``[^}]{0,99}``, not
    ``[^}]*``) if more than a piece at a time is normalised. Raises ``re.error`` for a bad expression.
    """

    def __init__(self, language: str, verbatim: str = "") -> None:
        self._language = language
        self._verbatim = re.compile(verbatim) if verbatim else None

    def normalize(self, text: str, *, in_code: bool = False) -> Spoken:
        """Say ``text``. ``in_code``: it is of a fenced block, whose opening line is announced, the rest is silent."""
        if in_code:
            return self._announce(text)
        first = rewrite(text, clean.CLEAN)
        spoken, kept = first.spoken, self._kept(first.spoken.text)
        for rules in (self._shape, self._words, clean.TIDY):
            step: Rewritten = rewrite(spoken.text, rules, kept)
            spoken, kept = step.spoken.after(spoken), step.kept
        return spoken

    def is_slow(self, text: str) -> bool:
        """Whether ``normalize`` may take more than 1 ms: long text, the first text, numbers that a library says."""
        if len(text) > FAST_CHARS or "_words" not in self.__dict__:
            return True
        return self._asks_library and _DIGIT.search(text) is not None

    def has_verbatim(self, text: str) -> bool:
        """Whether the text holds anything that passes untouched."""
        return bool(self._kept(text))

    def _kept(self, text: str) -> list[Span]:
        if self._verbatim is None:
            return []
        return [Span(*match.span()) for match in self._verbatim.finditer(text) if match.end() > match.start()]

    def _announce(self, text: str) -> Spoken:
        words = self._locale.words.code_block
        if not words or not text.lstrip().startswith(("```", "~~~")):
            return rewrite(text, (_EVERYTHING,)).spoken
        return rewrite(text, (Rule("code block", _EVERYTHING.pattern, lambda match: words),)).spoken

    @cached_property
    def _locale(self) -> Locale:
        return Locale.of(self._language)

    @cached_property
    def _asks_library(self) -> bool:
        locale = self._locale
        return cjk.is_available(locale.language) or (locale.counts and locale.language != "en")

    @cached_property
    def _shape(self) -> tuple[Rule, ...]:
        return (*markup.MARKUP, *clean.EMOJI)

    @cached_property
    def _words(self) -> tuple[Rule, ...]:
        """The order is the precedence: what has the most shape of its own comes first."""
        locale = self._locale
        if cjk.is_available(locale.language):
            return (*web.rules(locale), *cjk.rules(locale), *symbols.rules(locale))
        return (
            *web.rules(locale),
            *dates.rules(locale),
            *codes.rules(locale),
            *money.rules(locale),
            *abbreviations.rules(locale),
            *years.decades(locale),
            *units.rules(locale),
            *fractions.rules(locale),
            *years.rules(locale),
            *numbers.rules(locale),
            *symbols.rules(locale),
        )


_EVERYTHING = Rule("everything", re.compile(r"(?s)\A.+\Z"), lambda match: "")
