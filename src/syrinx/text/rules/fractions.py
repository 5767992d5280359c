"""Fractions in English, with a slash or as one sign, and the few slashed numbers that have names."""

from __future__ import annotations

import re

from .locale import Locale
from .rule import Rule, rule
from .spell import Speller

_FRACTIONS = dict(
    zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8".split(), strict=True)
)
_SAID = {"24/7": "twenty-four seven", "9/11": "nine eleven", "50/50": "fifty fifty"}
_DENOMINATORS = frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 32, 64, 100})


def rules(locale: Locale) -> tuple[Rule, ...]:
    """ "3 1/2", "½", "24/7"; other pairs are read with "slash"."""
    if locale.language != "en":
        return ()
    speller = locale.speller

    def sign(match: re.Match[str]) -> str:
        top, bottom = map(int, _FRACTIONS[match["sign"]].split("/"))
        return _mixed(speller, match["whole"], _fraction(speller, top, bottom))

    def slashed(match: re.Match[str]) -> str:
        return _mixed(speller, match["whole"], _fraction(speller, int(match["top"]), int(match["bottom"])))

    signs = "".join(_FRACTIONS)
    whole, top = "(?P<whole>[0-9]{1,3})", "(?P<top>[0-9]{1,3})"
    slash = rf"(?<![\w.,/-])(?:{whole}[ -])?{top}[/⁄](?P<bottom>[0-9]{{1,4}})(?![\w/]|[.,][0-9])"
    return (
        rule("fraction sign", rf"(?:(?<![\w.,]){whole}\s?)?(?P<sign>[{signs}])", sign, signs),
        rule("fraction", slash, slashed, "/⁄"),
    )


def _fraction(speller: Speller, top: int, bottom: int) -> str:
    said = _SAID.get(f"{top}/{bottom}")
    if said:
        return said
    if 0 < top < bottom and bottom in _DENOMINATORS:
        name = {2: "half", 4: "quarter"}.get(bottom) or speller.ordinal(bottom)
        return f"{speller.cardinal(top)} {name}{'' if top == 1 else 's'}"
    joint = "out of" if top == bottom and bottom in (5, 10, 100) else "slash"
    return f"{speller.cardinal(top)} {joint} {speller.cardinal(bottom)}"


def _mixed(speller: Speller, whole: str | None, words: str) -> str:
    """With a whole number before it, "one half" is "a half"."""
    if not whole:
        return words
    return f"{speller.cardinal(int(whole))} and {'a ' + words[4:] if words.startswith('one ') else words}"
