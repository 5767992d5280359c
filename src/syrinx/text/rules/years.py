"""Years and decades as they are said in English: "nineteen ninety-nine", "the nineties"."""

from __future__ import annotations

import re

from .locale import Locale
from .rule import DIGITS, Rule, rule

_TENTHS = {
    "20": "twenties", "30": "thirties", "40": "forties", "50": "fifties", "60": "sixties", "70": "seventies",
    "80": "eighties", "90": "nineties", "10": "tens", "00": "hundreds",
}  # fmt: skip


def decades(locale: Locale) -> tuple[Rule, ...]:
    """ "1990s", "the '90s", "his 30s"; before the units, for which "30s" is a time."""
    if locale.language != "en":
        return ()

    def decade(match: re.Match[str]) -> str:
        century, tens = match["century"], match["tens"]
        if not century:
            return _TENTHS[tens]
        if tens == "00":
            return locale.speller.year(int(century + "00")) + "s"
        return f"{locale.speller.cardinal(int(century))} {_TENTHS[tens]}"

    owner = "|".join(f"(?<={word}[ -])" for word in "the his her my your our their early mid late".split())
    return (
        rule("decade", r"(?<!\w)['’]?(?P<century>1[1-9]|20)(?P<tens>[0-9]0)['’]?s\b", decade, "0"),
        rule("short decade", rf"(?:(?<!\w)['’]|{owner})(?P<century>(?!))?(?P<tens>[2-9]0)['’]?s\b", decade, "0"),
    )


def rules(locale: Locale) -> tuple[Rule, ...]:
    """Spans of years and single ones; four digits from 1100 to 2099 are read so ("1500 people" too)."""
    if locale.language != "en":
        return ()
    speller = locale.speller

    def span(match: re.Match[str]) -> str:
        low, high = match["low"], match["high"]
        last = speller.year(int(high)) if len(high) == 4 else speller.cardinal(int(high))
        return f"{speller.year(int(low))} to {last}"

    year = "(?:1[1-9][0-9]{2}|20[0-9]{2})"
    between = rf"(?<![\w.,/-])(?P<low>{year})\s?[–—-]\s?(?P<high>{year}|[0-9]{{2}})(?![\w,/-]|\.[0-9])"
    alone = rf"(?<![\w.,$€£¥₹/:+=-]){year}(?![\w%/]|[.,:-][0-9]|\s?[+*×÷=<>])"
    return (
        rule("years", between, span, "-–—"),
        rule("year", alone, lambda match: speller.year(int(match[0])), DIGITS),
    )
