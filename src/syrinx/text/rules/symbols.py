"""Signs between words and numbers that are said, and those that are not."""

from __future__ import annotations

import re

from .locale import Locale
from .rule import BLANK, Rule, rule

_MATH = {
    "=": "equals", "≠": "is not equal to", "≈": "is approximately", "≡": "is identical to", "≤": "is at most",
    "≥": "is at least", "±": "plus or minus", "×": "times", "÷": "divided by", "∞": "infinity", "√": "square root of",
    "∑": "sum of", "∫": "integral of", "∈": "in", "∀": "for all", "∃": "there exists", "∅": "empty set",
    "⇒": "implies", "→": "to", "←": "from", "↔": "to and from", "↑": "up", "↓": "down", "§": "section",
    "¶": "paragraph", "°": "degrees", "µ": "micro", "π": "pi", "Δ": "delta",
}  # fmt: skip
_LONG = {
    "==": "equals", "===": "equals", "!=": "is not equal to", "<=": "is at most", ">=": "is at least", "=>": "to",
    "->": "to", "-->": "to", "<-": "from", "&&": "and", "||": "or", "++": "plus plus",
}  # fmt: skip
_PER = "second|sec|minute|min|hour|hr|day|week|month|mo|year|yr|person|unit|user|token|item|night|head|page|call|seat"
_PER_LONG = {"sec": "second", "min": "minute", "hr": "hour", "mo": "month", "yr": "year"}
_EITHER = "he/she|she/he|him/her|his/her|his/hers|yes/no|true/false|and/or|either/or|on/off|win/lose"
_POWERS = {"²": "squared", "³": "cubed", "^2": "squared", "^3": "cubed"}


def rules(locale: Locale) -> tuple[Rule, ...]:
    """English says the signs; everywhere, signs without a sound are dropped."""
    silent = (
        rule("marks of ownership", "[©®™℠]", "", "©®™℠"),
        rule("dashes", r"(?<=\s)--(?=\s)|(?<=\w)--(?=\w)", " — ", "-"),
        rule("drawing", r"[\u2500-\u259f|¦]{1,200}", " ", "|¦" + "".join(map(chr, range(0x2500, 0x25A0)))),
        rule("backslash", r"\\", " ", "\\"),
        rule("repeats", r"([=~#+*_<>^@])\1{2,}", " ", "=~#+*_<>^@"),
        rule("repeated marks", r"(?P<kept>[!?])[!?]{1,50}", "", "!?", keep="kept"),
    )
    return (*_english(), *silent) if locale.language == "en" else silent


def _english() -> tuple[Rule, ...]:
    near = rf"[\w){BLANK}]"
    return (
        rule("C sharp", r"\b(?P<l>[CF])#(?!\w)", lambda m: m["l"] + " sharp", "#"),
        rule("plus plus", r"(?<=\w)\+\+", " plus plus", "+"),
        rule("power", rf"(?<={near})(?:[²³]|\^[23](?![0-9.]))", lambda m: " " + _POWERS[m[0]], "²³^"),
        rule("to the power", rf"(?<={near})\^(?=[\w({BLANK}-])", " to the power of ", "^"),
        rule(
            "double sign",
            r"(?<![=!<>&|+-])(?:===?|!=|<=|>=|=>|-->|->|<-|&&|\|\|)(?![=<>&|+-])",
            lambda m: f" {_LONG.get(m[0]) or m[0]} ",
            "=!<>&|-",
        ),
        rule(
            "less or more",
            rf"(?<={near})\s?(?P<s>[<>])\s?(?=[\w($€£{BLANK}-])",
            lambda m: " is less than " if m["s"] == "<" else " is greater than ",
            "<>",
        ),
        rule(
            "at most",
            r"(?<!\S)(?P<s>[<>])\s?(?=[0-9$€£" + BLANK + "])",
            lambda m: "less than " if m["s"] == "<" else "more than ",
            "<>",
        ),
        rule("about", rf"(?<![\w~])~\s?(?=[0-9$€£{BLANK}])", "about ", "~"),
        rule("multiply", rf"(?<=[0-9){BLANK}])\s?[*·]\s?(?=[0-9({BLANK}])", " times ", "*·"),
        rule(
            "plus",
            rf"(?<=[\w){BLANK}])\s?\+\s?(?=[\w({BLANK}])|(?<=[0-9{BLANK}])\+|(?<!\S)\+(?=[0-9{BLANK}])",
            " plus ",
            "+",
        ),
        rule("minus before words", rf"(?<={BLANK})\s[-−]\s(?=[\w({BLANK}])|(?<=[\w)])\s−\s(?=[\w(])", " minus ", "-−"),
        rule("divide", rf"(?<={BLANK})\s/\s(?=[{BLANK}(])", " divided by ", "/"),
        rule("math", "[" + re.escape("".join(_MATH)) + "]", lambda m: f" {_MATH[m[0]]} ", "".join(_MATH)),
        rule("and", r"\s?&\s?", " and ", "&"),
        rule("per", rf"(?<=[\w{BLANK}])\s?/\s?(?P<u>{_PER})\b", lambda m: " per " + _PER_LONG.get(m["u"], m["u"]), "/"),
        rule("either", rf"\b(?:{_EITHER})\b", lambda m: _either(m[0]), "/", re.IGNORECASE),
        rule("slash", rf"(?<={near})\s?/\s?(?=[\w({BLANK}])", " ", "/"),
        rule("at", r"(?<=\s)@(?=\s)", "at", "@"),
        rule("percent alone", r"(?<=\s)%(?=\s|$)|(?<=\w)%", " percent ", "%"),
        rule("snake", r"(?<=\w)_{1,9}(?=\w)", " ", "_"),
        rule("stray", r"(?<!\w)[_*#^~`]{1,50}|[_*^~`]{1,50}(?!\w)", "", "_*#^~`"),
    )


def _either(words: str) -> str:
    first, _, second = words.partition("/")
    return f"{first} {second}" if second.lower() == "or" else f"{first} or {second}"
