"""Words as a reader sees them: where one ends, also in scripts that put no space between them. Pure."""

from __future__ import annotations

import re
import unicodedata

from .graphemes import MARKS, can_cut
from .rules.clean import SPEAKABLE

LONGEST_WORD = 100
"""Characters. What goes on for longer is nobody's word (the longest place name has 85) and may be torn."""

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Characters of scripts without spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, kana and Han."""

_JOINERS = "'’-‑_.@"
"""Signs that stand inside a word where letters are on both sides: don't, well-known, example.com."""
_CLOSING = re.compile(r"[^\w\s]+(?=\s|\Z)")
"""What belongs to the word before it: marks up to the next white space."""


def word_end(text: str, at: int) -> int:
    """Where the word is over that ``at`` stands in or behind: closing marks included, white space not, and all that is
    left of the text where nothing speakable is. 0 where no word is before it; grows with ``at``. In scripts without
    spaces a word is a character as a reader sees it."""
    end = at = len(text[: max(0, at)].rstrip())
    if not end:
        return 0
    while end < len(text) and (not can_cut(text, end) or (_is_inside(text, end) and end - at < LONGEST_WORD)):
        end += 1
    closing = _CLOSING.match(text, end)
    if closing is not None:
        end = closing.end()
    return end if SPEAKABLE.search(text, end) else len(text)


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
