"""Words as a reader sees them: where one ends, also in scripts that put no space between them. Pure."""

from __future__ import annotations

import re
import unicodedata

from syrinx.core.types import Span

from .graphemes import MARKS, can_cut
from .rules.clean import SPEAKABLE

LONGEST_WORD = 100
"""Characters. What goes on for longer is nobody's word (the longest place name has 85) and may be torn."""

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Characters of scripts without spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, kana and Han."""

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
SYLLABIC = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
"""Kana and Hangul: a syllable a character."""

OPENING = frozenset({"Ps", "Pi"})
"""Categories of brackets and quotes that belong to what follows."""
_JOINERS = "'’-‑_.@"
"""Signs that stand inside a word where letters are on both sides: don't, well-known, example.com."""
_CLOSING = re.compile(r"[^\w\s]+(?=\s|\Z)")
"""What belongs to the word before it: marks up to the next white space."""
_CLOSING_MARKS = re.compile(r"[^\w\s*_`~#|]+(?=[\s*_`~#|]|\Z)")
"""Likewise without the signs of markdown, which a reader does not see."""
_TOKEN = re.compile(r"\S+")


def units(text: str) -> list[Span]:
    """The words of a text with the marks around them; where a script has no spaces, its characters as a reader sees
    them. In order; together they hold all that is no white space."""
    found: list[Span] = []
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        if UNSPACED.search(text, start, end) is None:
            found.append(Span(start, end))
        else:
            found.extend(_unspaced_units(text, start, end))
    return found


def _unspaced_units(text: str, start: int, end: int) -> list[Span]:
    """Cut before each character of such a script and behind the last, but not in front of marks that close."""
    cuts = [at for at in range(start + 1, end) if can_cut(text, at) and _parts(text, at)]
    return [Span(*ends) for ends in zip([start, *cuts], [*cuts, end], strict=True)]


def _parts(text: str, at: int) -> bool:
    """Whether a word begins there because a script without spaces does, or ends."""
    before, after = text[at - 1], text[at]
    if unicodedata.category(before) in OPENING:
        return False
    if unicodedata.category(after) in OPENING:
        return not _is_letter(before)
    return after.isalnum() and (UNSPACED.match(after) or UNSPACED.match(before)) is not None


def weight(text: str) -> int:
    """How long a text takes to say, in letters of an alphabet: a Han character is a syllable of Mandarin and as long as
    three, a kana or Hangul as two.

    Source: Pellegrino, Coupé and Marsico, Language 87 (2011): Mandarin has 5.18 syllables a second, Japanese 7.84; a
    letter lasts 0.065 s (``ModelInfo.seconds_per_char``)."""
    return len(text) + 2 * len(HAN.findall(text)) + len(SYLLABIC.findall(text))


def word_end(text: str, at: int) -> int:
    """Where the word is over that ``at`` stands in or behind: closing marks included, white space not. 0 where no word
    is before it; grows with ``at``. In scripts without spaces a word is a character as a reader sees it."""
    end = at = len(text[: max(0, at)].rstrip())
    if not end:
        return 0
    while end < len(text) and (not can_cut(text, end) or (_is_inside(text, end) and end - at < LONGEST_WORD)):
        end += 1
    closing = _CLOSING.match(text, end)
    return end if closing is None else closing.end()


def heard_end(text: str, at: int) -> int:
    """``word_end``, or the end of the text where nothing speakable is left behind a word."""
    end = word_end(text, at)
    return end if not end or SPEAKABLE.search(text, end) else len(text)


def closing_end(text: str, at: int) -> int:
    """Where the marks end that a reader sees behind the word that ends at ``at``."""
    closing = _CLOSING_MARKS.match(text, at)
    return at if closing is None else closing.end()


def _is_inside(text: str, at: int) -> bool:
    """Whether a word of a script with spaces goes on at ``at``, which is neither end of the text."""
    before, after = text[at - 1], text[at]
    if before in _JOINERS:
        return at >= 2 and _is_letter(text[at - 2]) and _is_letter(after)
    if after in _JOINERS:
        return _is_letter(before) and at + 1 < len(text) and _is_letter(text[at + 1])
    return _is_letter(before) and _is_letter(after)


def _is_letter(char: str) -> bool:
    """Whether it belongs to a word of a script with spaces: a letter, a digit, a mark upon one."""
    return (char.isalnum() or unicodedata.category(char) in MARKS) and UNSPACED.match(char) is None
