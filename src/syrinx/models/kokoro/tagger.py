"""Parts of speech of English words by rule, for where spaCy's trained tagger is not installed. Pure.

It gives what misaki's dictionary asks for: verb or noun of words that sound differently (record, live, use), tense of
"read", and which small words are determiners. Tags are those of the Penn Treebank.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIGNS = {
    **dict.fromkeys(".!?", "."),
    ",": ",",
    **dict.fromkeys((":", ";", "-", "—", "–", "…", "..."), ":"),
    **dict.fromkeys("([{", "-LRB-"),
    **dict.fromkeys(")]}", "-RRB-"),
    **dict.fromkeys('"“', "``"),
    **dict.fromkeys("”'’", "''"),
    **dict.fromkeys("$£€", "$"),
    "#": "#",
    "&": "CC",
}
_CLOSED = {
    "DT": "a an the this these those each every some any no another both either neither",
    "CC": "and or but nor yet",
    "IN": "of in on at by for from with about into over under after before between through during without within "
    "against among across behind beyond near since until upon toward towards if because while although though unless "
    "whether as than like vs",
    "PRP": "i you he she it we they me him us them myself yourself himself herself itself ourselves themselves",
    "PRP$": "my your his her its our their",
    "MD": "can could will would shall should may might must 'll ll 'd cannot",
    "BE": "is are was were be been being am 's 're 'm isn't aren't wasn't weren't",
    "HAVE": "have has had having 've haven't hasn't hadn't",
    "DO": "do does did don't doesn't didn't",
    "WP": "who whom which what whoever",
    "WRB": "when where why how",
    "RB": "not n't never always often also just very too here there now then soon already still only even again really "
    "quite almost perhaps maybe please",
    "TO": "to",
}
_TAG_OF = {word: tag for tag, words in _CLOSED.items() for word in words.split()}
_AUXILIARIES = {"BE": "VBZ", "HAVE": "VBP", "DO": "VBP"}
_PAST_OF_OWN = frozenset(
    "read wound used put set cut let hit cost hurt shut made said gone done been seen taken given".split()
)
"""Participles that do not end like one."""
_SINGULAR = frozenset("he she it".split())
_PLURAL = frozenset("people men women children".split())
_NUMBER = re.compile(r"[\d.,]*\d(st|nd|rd|th|s)?", re.IGNORECASE)
_SHOUT = 5
"""A word in capitals of fewer letters than this is an abbreviation."""


def tags(words: Sequence[str], spaced: Sequence[bool]) -> list[str]:
    """The tag of each word or sign of a text; ``spaced``: whether a space follows it."""
    kinds = [_kind(word) for word in words]
    quotes = [n for n, word in enumerate(words) if word == '"']
    for n in quotes[1::2]:
        kinds[n] = "''"
    for n, word in enumerate(words):
        if word == "-" and n and not spaced[n] and not spaced[n - 1]:
            kinds[n] = "HYPH"
    found: list[str] = []
    for n in range(len(words)):
        found.append(kinds[n] or _open_class(words, kinds, found, n))
    return [
        _that(found, n) if words[n].lower() == "that" else _AUXILIARIES.get(tag, tag) for n, tag in enumerate(found)
    ]


def _kind(word: str) -> str:
    """What the word alone tells; empty: it takes its neighbours to know."""
    if word in _SIGNS:
        return _SIGNS[word]
    if _NUMBER.fullmatch(word):
        return "CD"
    lower = word.lower().replace("’", "'")
    if lower == "that":
        return "IN"
    if word.isupper() and 1 < len(word) < _SHOUT and lower not in _TAG_OF:
        return "NNP"
    return _TAG_OF.get(lower, "")


def _open_class(words: Sequence[str], kinds: Sequence[str], found: Sequence[str], n: int) -> str:
    """Verb, noun, adjective or adverb, from the word before it (adverbs are looked through) and the one after."""
    word = words[n].lower()
    back = n - 1
    while back >= 0 and found[back].startswith("RB") and words[back].lower() != "please":
        back -= 1
    before = found[back] if back >= 0 else ""
    after = kinds[n + 1] if n + 1 < len(words) else ""
    if word.endswith("ly") and len(word) > 4:
        return "RB"
    if before == "HAVE" or (before == "BE" and _is_past(word)):
        return "VBN"
    if before == "BE":
        return "VBG" if word.endswith("ing") else "JJ"
    if before in ("TO", "MD", "DO") or (back >= 0 and words[back].lower() == "please"):
        return "VB"
    if before in ("PRP", "WP"):
        return _verb(word, singular=words[back].lower() in _SINGULAR)
    if before in ("DT", "PRP$", "IN", "CD", "JJ"):
        return "NN"
    if word.endswith("ed"):
        return "VBD"
    return _elsewhere(words[n], before, after)


def _verb(word: str, *, singular: bool) -> str:
    if word.endswith("ed") or (singular and word in _PAST_OF_OWN):
        return "VBD"
    return "VBZ" if word.endswith("s") else "VBP"


def _elsewhere(word: str, before: str, after: str) -> str:
    """After a noun, a sign, or at the start: a verb where a determiner or pronoun follows."""
    starts = before in ("", ".", ":", "``", ",", "CC")
    if after in ("DT", "PRP", "PRP$"):
        return "VB" if starts else "VBP"
    if word[:1].isupper() and not starts:
        return "NNP"
    if before == "NNS" and after in ("IN", "TO", "RB") and not word.endswith("s"):
        return "VBP"
    if word.lower() in _PLURAL:
        return "NNS"
    return "NNS" if word.endswith("s") and not word.endswith("ss") else "NN"


def _is_past(word: str) -> bool:
    return word.endswith(("ed", "en")) or word in _PAST_OF_OWN


def _that(found: Sequence[str], n: int) -> str:
    """A determiner where it stands for a thing ("that is", "like that.") or points ("that book."), else it joins."""
    before = found[n - 1] if n else ""
    after = found[n + 1] if n + 1 < len(found) else "."
    alone = after in ("BE", "MD", "DO", "HAVE", ".", ",", "CC")
    beyond = found[n + 2] if n + 2 < len(found) else "."
    points = after in ("NN", "JJ") and beyond in (".", ",", ":", "CC", "IN")
    return "DT" if alone or points or before in ("", ".", ",", "IN", "CC", "TO") else "IN"
