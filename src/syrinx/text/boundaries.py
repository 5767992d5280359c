"""Judges places where a text could be cut: sentence ends, line ends, clause ends. Pure functions of a bounded window.

Every answer depends on at most ``CONTEXT`` characters before the place and a fixed look-ahead after it, so the cuts are
the same however the text arrives, and the work is linear in its length.
"""

from __future__ import annotations

import re

from sentencex import segment  # pyright: ignore[reportAttributeAccessIssue]  (compiled, without stubs)

CONTEXT = 200
"""Characters before a possible sentence end that the splitter sees: enough for quotes and abbreviations."""

UNSPACED = "。！？｡．।॥؟۔።።။៖"
"""Full stops that need no space after them."""
TERMINATORS = ".!?…‼⁇⁈⁉" + UNSPACED
CLOSERS = "\"'”’»›)]}」』）】》〉*_`~"
"""May stand between a mark and the space after it (closing quotes, brackets, markdown emphasis)."""
WIDE_CLAUSES = {"，": ",", "、": ",", "；": ";", "：": ":", "،": ",", "؛": ";", "。": ".", "！": "!", "？": "?"}
"""Marks of other scripts by the Latin one that they stand for."""

_LIST_MARKER = re.compile(r"\s*\(?(?:\d{1,3}|[A-Za-z])[.)]", re.ASCII)
_NEXT_BLOCK = re.compile(
    r"[ \t\r]*(?:\n|[-*+•‣◦][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|```|~~~|\||(?:[-_=]{3,}|\*{3,})[ \t\r]*(?:\n|$))"
)
_OWN_LINE = re.compile(r"[ \t]*(?:#{1,6}[ \t]|\|)")
_DIGIT_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:vols?|secs?|pp?|chs?|arts?|eqs?|figs?|nos?|nrs?|approx|ca|para|tab|op|st|bd|abb)\.$",
    re.IGNORECASE,
)
_HINDI_ABBREVIATION = re.compile(r"(?:^|\s)(?:डॉ|प्रो|कु|श्री|रु|सं)\.$")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD_CHAR = re.compile(r"\w")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_CLAUSE = re.compile(r"[,;:،؛—–][\"'”’»)\]]{0,4}(?=\s)|[，、；：]")


def splitter_language(tag: str) -> str:
    """The language subtag of a BCP 47 tag, or English for what cannot be one; the splitter takes any ASCII word."""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return language if language.isascii() and language.isalpha() else "en"


def ends_sentence(text: str, start: int, at: int, look_ahead: int, language: str) -> bool:
    """Whether a sentence that began at ``start`` or later ends at ``at``, the end of a terminator and its closers.

    Asks sentencex about a window; the caller has made sure that ``look_ahead`` characters follow or the text is over.
    """
    if _is_no_end(text, start, at):
        return False
    begin = max(start, at - CONTEXT)
    window = text[begin : at + look_ahead]
    after = window[at - begin :]
    if not after.strip():
        return True
    space_end = len(window) - len(after.lstrip())
    place = 0
    for sentence in segment(language, _plain(window, at - begin)):
        place += len(sentence)
        if place >= at - begin:
            return place <= space_end
    return False


def _plain(window: str, at: int) -> str:
    """The window as the splitter should see it, of the same length: no surrogates, emphasis marks as spaces."""
    window = _SURROGATE.sub("\ufffd", window)
    head = len(window[:at].rstrip("*_`~"))
    return window[:head] + " " * (at - head) + window[at:].replace("*", " ").replace("`", " ")


def _is_no_end(text: str, start: int, at: int) -> bool:
    """Cases that the splitter is known to get wrong: list numbers, "Vol. 5", Hindi titles."""
    if text[at - 1] not in ".)*_`":
        return False
    line = max(text.rfind("\n", start, at) + 1, start)
    if at - line < 12 and _LIST_MARKER.fullmatch(text, line, at):
        return True
    tail = text[max(start, at - 12) : at]
    following = text[at : at + 2].lstrip()[:1]
    return bool((following.isdigit() and _DIGIT_ABBREVIATION.search(tail)) or _HINDI_ABBREVIATION.search(tail))


def ends_line(text: str, start: int, newline: int, look_ahead: int) -> bool:
    """Whether the newline at that index ends a block: a paragraph, list item, heading or table row."""
    line = max(text.rfind("\n", start, newline) + 1, start)
    if text[newline] == "\u2029" or _OWN_LINE.match(text, line, newline):
        return True
    return _NEXT_BLOCK.match(text[newline + 1 : newline + 1 + look_ahead]) is not None


def ends_clause(word: str, marks: str) -> bool:
    """Whether a clause ends with this word: one of ``marks`` is its last sign before closing quotes and brackets.

    A single full stop is left to ``ends_sentence`` ("Dr."); an ellipsis counts as one.
    """
    core = word.rstrip(CLOSERS)
    if not core or not _WORD_CHAR.search(core):
        return False
    last = WIDE_CLAUSES.get(core[-1], core[-1])
    if last == "…" or core.endswith(".."):
        return "." in marks
    return last in marks and last != "."


def count_words(word: str) -> int:
    """Words in a run without whitespace: one, or one for two characters where the script has no spaces."""
    wide = len(_CJK.findall(word))
    return max(wide // 2, 1) if wide or _WORD_CHAR.search(word) else 0


def last_clause(text: str, low: int, high: int) -> list[int]:
    """Places in (low, high] just after a clause mark and its space, the last first."""
    found = []
    for match in _CLAUSE.finditer(text, low, high):
        end = match.end()
        found.append(end + 1 if text[end : end + 1].isspace() else end)
    return [place for place in reversed(found) if place <= high]


def last_space(text: str, low: int, high: int) -> list[int]:
    """Places in (low, high] just after a whitespace character, the last first."""
    return [i + 1 for i in range(high - 1, low - 1, -1) if text[i].isspace()]
