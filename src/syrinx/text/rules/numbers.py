"""Bare numbers: ranges, fractions, ordinals, decades, years, percent, decimals, cardinals, and digits inside words."""

from __future__ import annotations

import re

from .locale import Locale
from .rule import Rule, Say, rule

D = "0123456789"
_FRACTIONS = dict(
    zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8".split(), strict=True)
)
_SAID = {"24/7": "twenty-four seven", "9/11": "nine eleven", "50/50": "fifty fifty"}
_DENOMINATORS = frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 32, 64, 100})
_TENTHS = {"20": "twenties", "30": "thirties", "40": "forties", "50": "fifties", "60": "sixties", "70": "seventies",
           "80": "eighties", "90": "nineties", "10": "tens", "00": "hundreds"}  # fmt: skip


def number_pattern(locale: Locale) -> str:
    """A number without sign as this language writes it; bounded, so that it stays linear."""
    decimal, group = re.escape(locale.words.decimal), re.escape(locale.words.group)
    if locale.words.group in "\u202f\u00a0":
        group = "[\u202f\u00a0 ]"
    return rf"(?:[0-9]{{1,3}}(?:{group}[0-9]{{2,3}}){{0,6}}{group}[0-9]{{3}}|[0-9]{{1,40}})(?:{decimal}[0-9]{{1,20}})?(?![0-9])"


def amount_pattern(locale: Locale) -> str:
    """A number or a range of two, with an optional minus."""
    number = number_pattern(locale)
    return rf"(?:(?<![\w)\].%-])[-−])?(?:(?<![0-9]){number}|(?<![\w.])\.[0-9]{{1,20}}(?![0-9]))(?:\s?[–—-]\s?{number})?"


def rules(locale: Locale) -> tuple[Rule, ...]:
    """Percent first, then what has a shape of its own, then plain numbers."""
    amount = amount_pattern(locale)
    number = number_pattern(locale)

    def percent(match: re.Match[str]) -> str | None:
        words = locale.amount(match["n"])
        return words and f"{words} {locale.words.percent}"

    def plain(match: re.Match[str]) -> str | None:
        return locale.number(match[0])

    shared = (
        rule("percent", rf"(?P<n>{amount})[\s\u00a0]?%", percent, "%"),
        rule("number", rf"(?:(?<![\w)\].%-])[-−])?(?<![0-9]){number}|(?<![\w.])\.[0-9]{{1,20}}(?![0-9])", plain, D),
    )
    if locale.language != "en":
        return shared
    return (shared[0], *_english(locale, number), shared[1])


def _english(locale: Locale, number: str) -> tuple[Rule, ...]:
    speller = locale.speller

    def spoken_fraction(top: int, bottom: int) -> str | None:
        if not 0 < top < bottom or bottom not in _DENOMINATORS:
            return None
        name = {2: "half", 4: "quarter"}.get(bottom) or speller.ordinal(bottom)
        plural = "" if top == 1 else "s"
        return f"{speller.cardinal(top)} {name}{plural}"

    def fraction(match: re.Match[str]) -> str | None:
        whole, top, bottom = match["whole"], int(match["top"]), int(match["bottom"])
        text = f"{top}/{bottom}"
        words = _SAID.get(text) or spoken_fraction(top, bottom)
        if words is None and top == bottom and bottom in (5, 10, 100):
            words = f"{speller.cardinal(top)} out of {speller.cardinal(bottom)}"
        if words is None:
            words = f"{speller.cardinal(top)} slash {speller.cardinal(bottom)}"
        return f"{speller.cardinal(int(whole))} and {_a(words)}" if whole else words

    def sign_fraction(match: re.Match[str]) -> str | None:
        top, bottom = map(int, _FRACTIONS[match["sign"]].split("/"))
        words = spoken_fraction(top, bottom)
        return f"{speller.cardinal(int(match['whole']))} and {_a(words or '')}" if match["whole"] else words

    def year(match: re.Match[str]) -> str:
        return speller.year(int(match[0]))

    def years(match: re.Match[str]) -> str:
        low, high = match["low"], match["high"]
        last = speller.year(int(high)) if len(high) == 4 else speller.cardinal(int(high))
        return f"{speller.year(int(low))} to {last}"

    def decade(match: re.Match[str]) -> str | None:
        century, tens = match["century"] or "", match["tens"]
        if not century:
            return _TENTHS[tens]
        if tens == "00":
            head = speller.year(int(century + "00"))
            return head + "s"
        return f"{speller.cardinal(int(century))} {_TENTHS[tens]}"

    def between(match: re.Match[str]) -> str | None:
        low, high = locale.number(match["low"]), locale.number(match["high"])
        return f"{low} to {high}" if low and high else None

    def pair(word: str) -> Say:
        def say(match: re.Match[str]) -> str | None:
            low, high = locale.number(match["low"]), locale.number(match["high"])
            return f"{low} {word} {high}" if low and high else None

        return say

    def ordinal(match: re.Match[str]) -> str:
        return speller.ordinal(int(match["n"].replace(",", "")))

    edge, tail = r"(?<![\w.,/:-])", r"(?![\w/-]|[.,:][0-9])"
    signs = "".join(_FRACTIONS)
    small = r"[0-9]{1,3}"
    span = rf"{edge}(?P<low>{number})\s?(?:%s)\s?(?P<high>{number}){tail}"
    return (
        rule("decade", rf"(?<!\w)['’]?(?P<century>1[1-9]|20)?(?P<tens>[0-9]0)['’]?s\b", decade, "0"),
        rule("years", r"(?<![\w.,/-])(?P<low>1[1-9][0-9]{2}|20[0-9]{2})\s?[–—-]\s?(?P<high>(?:1[1-9]|20)[0-9]{2}|[0-9]{2})(?![\w,/-]|\.[0-9])", years, "-–—"),
        rule("mixed fraction sign", rf"(?:(?<![\w.,])(?P<whole>{small})\s?)?(?P<sign>[{signs}])", sign_fraction, signs),
        rule("fraction", rf"(?<![\w.,/-])(?:(?P<whole>{small})[ -])?(?P<top>{small})[/⁄](?P<bottom>[0-9]{{1,4}})(?![\w/]|[.,][0-9])", fraction, "/⁄"),
        rule("difference", rf"{edge}(?P<low>{number})\s[-−]\s(?P<high>{number}){tail}", pair("minus"), "-−"),
        rule("range", span % "[–—-]", between, "-–—"),
        rule("size", span % "[x×]", pair("by"), "x×"),
        rule("ratio", span % ":", between, ":"),
        rule("times", rf"(?<![\w.])(?P<low>{number})[x×](?![\w])", lambda m: f"{locale.number(m['low'])} times", "x×"),
        rule("ordinal", r"(?<![\w.])(?P<n>[0-9]{1,3}(?:,[0-9]{3}){0,4}|[0-9]{1,9})(?:st|nd|rd|th|ST|ND|RD|TH)\b", ordinal, D),
        rule("year", r"(?<![\w.,$€£¥₹/:+=-])(?:1[1-9][0-9]{2}|20[0-9]{2})(?![\w%/]|[.,:-][0-9]|\s?[+*×÷=<>])", year, D),
    )  # fmt: skip


def _a(words: str) -> str:
    """ "one half" as it is said after a whole: "a half"."""
    return "a " + words[4:] if words.startswith("one ") else words
