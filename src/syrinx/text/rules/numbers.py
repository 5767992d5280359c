"""Bare numbers: percent, ranges, ratios, ordinals, decimals, cardinals, and digits inside words."""

from __future__ import annotations

import re

from .locale import Locale
from .rule import Rule, Say, rule

D = "0123456789"


def number_pattern(locale: Locale) -> str:
    """A number without sign as this language writes it; bounded, so that it stays linear."""
    decimal, group = re.escape(locale.words.decimal), re.escape(locale.words.group)
    if locale.words.group in "\u202f\u00a0":
        group = "[\u202f\u00a0 ]"
    whole = rf"(?:[0-9]{{1,3}}(?:{group}[0-9]{{2,3}}){{0,6}}{group}[0-9]{{3}}|[0-9]{{1,40}})"
    return rf"{whole}(?:{decimal}[0-9]{{1,20}})?(?![0-9])"


def amount_pattern(locale: Locale) -> str:
    """A number or a range of two, with an optional minus."""
    number = number_pattern(locale)
    return rf"(?:(?<![\w)\].%-])[-−])?(?:(?<![0-9]){number}|(?<![\w.])\.[0-9]{{1,20}}(?![0-9]))(?:\s?[–—-]\s?{number})?"


def rules(locale: Locale) -> tuple[Rule, ...]:
    """Percent first, then what has a shape of its own, then plain numbers. None for languages without the words."""
    if not locale.counts:
        return ()
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
    def pair(word: str) -> Say:
        def say(match: re.Match[str]) -> str | None:
            low, high = locale.number(match["low"]), locale.number(match["high"])
            return f"{low} {word} {high}" if low and high else None

        return say

    def times(match: re.Match[str]) -> str | None:
        words = locale.number(match["low"])
        return words and f"{words} times"

    def ordinal(match: re.Match[str]) -> str:
        return locale.speller.ordinal(int(match["n"].replace(",", "")))

    edge, tail = r"(?<![\w.,/:-])", r"(?![\w/-]|[.,:][0-9])"
    span = rf"{edge}(?P<low>{number})\s?(?:%s)\s?(?P<high>{number}){tail}"
    ordinal_shape = r"(?<![\w.])(?P<n>[0-9]{1,3}(?:,[0-9]{3}){0,4}|[0-9]{1,9})(?:st|nd|rd|th|ST|ND|RD|TH)\b"
    return (
        rule("difference", rf"{edge}(?P<low>{number})\s[-−]\s(?P<high>{number}){tail}", pair("minus"), "-−"),
        rule("range", span % "[–—-]", pair("to"), "-–—"),
        rule("size", span % "[x×]", pair("by"), "x×"),
        rule("ratio", span % ":", pair("to"), ":"),
        rule("times", rf"(?<![\w.])(?P<low>{number})[x×](?![\w])", times, "x×"),
        rule("ordinal", ordinal_shape, ordinal, D),
    )
