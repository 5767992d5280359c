"""Sums of money: sign or code before or after, minor units, ranges and scales ("$3.5 million", "₹2 lakh")."""

from __future__ import annotations

import re

from .locale import Locale
from .numbers import number_pattern
from .rule import DIGITS, Rule, rule

_CODES = {
    "USD": "$", "US$": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "Rs.": "₹", "Rs": "₹", "RMB": "¥yuan",
    "CNY": "¥yuan", "CA$": "$Canadian", "C$": "$Canadian", "CAD": "$Canadian", "A$": "$Australian",
    "AU$": "$Australian", "AUD": "$Australian", "CHF": "franc", "HK$": "$Hong Kong", "R$": "real",
}  # fmt: skip
_EXTRA = {"¥yuan": ("yuan", "yuan", "fen", "fen"), "franc": ("Swiss franc", "Swiss francs", "centime", "centimes"),
          "real": ("real", "reais", "centavo", "centavos")}  # fmt: skip
_SCALES = {
    "k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "b": "billion", "B": "billion",
    "bn": "billion", "T": "trillion", "tn": "trillion", "cr": "crore", "Cr": "crore", "L": "lakh",
}  # fmt: skip


def rules(locale: Locale) -> tuple[Rule, ...]:
    """Sign first ("$3.50"), then number first ("3,50 €")."""
    if not locale.words.money:
        return ()
    number = number_pattern(locale)
    english = locale.language == "en"
    codes = sorted(_CODES, key=len, reverse=True) if english else []
    signs = "|".join(re.escape(sign) for sign in sorted(locale.words.money, key=len, reverse=True))
    before = "|".join([rf"(?<![A-Za-z]){re.escape(code)}" for code in codes] + [signs])
    after = "|".join([rf"(?:{'|'.join(code for code in codes if code.isalpha() and len(code) == 3)})\b"] * english
                     + [signs])  # fmt: skip
    scale = (
        r"(?:\s?(?P<scale>thousand|million|billion|trillion|lakhs?|crores?)\b|(?P<short>[kKmMbBTL]|mn|bn|tn|[cC]r)\b)?"
    )
    if not english:
        scale = r"(?P<scale>(?!))?(?P<short>(?!))?"
    minus = r"(?:(?<![\w)])(?P<minus>[-−]))?"

    def say(match: re.Match[str]) -> str | None:
        return _say(locale, match)

    high = rf"(?:\s?[–—-]\s?(?:{before})?(?P<high>{number}))?"
    return (
        rule("money", rf"{minus}(?P<sign>{before})\s?(?P<n>{number}){high}{scale}", say, DIGITS),
        rule(
            "money after",
            rf"{minus}(?<![\w.,])(?P<n>{number})(?P<high>(?!))?{scale}\s?(?P<sign>{after})(?!\w)",
            say,
            DIGITS,
        ),
        rule("cents", rf"(?P<n>{number})\s?¢", lambda m: _counted(locale, m["n"], ("cent", "cents")), "¢"),
    )


def _say(locale: Locale, match: re.Match[str]) -> str | None:
    sign = _CODES.get(match["sign"], match["sign"])
    kind = sign[0] if sign[0] in locale.words.money and sign not in _EXTRA else sign
    names = _EXTRA.get(sign) or locale.words.money[kind]
    prefix = sign[1:] + " " if kind != sign else ""
    minus = locale.words.minus + " " if match["minus"] else ""
    scale = match["scale"] or _SCALES.get(match["short"] or "", "")
    local = Locale.of("en-IN") if kind == "₹" and locale.language == "en" else locale
    words = _sum(local, match["n"], match["high"], scale, (prefix + names[0], prefix + names[1], *names[2:]))
    return words and minus + words


def _sum(locale: Locale, low: str, high: str | None, scale: str, names: tuple[str, ...]) -> str | None:
    if high or scale:
        words = locale.number(low)
        more = locale.number(high) if high else ""
        if words is None or more is None:
            return None
        joined = f"{words} {locale.words.to} {more}" if more else words
        return " ".join(part for part in (joined, scale, names[1]) if part)
    whole, _, minor = low.partition(locale.words.decimal)
    if len(minor) != 2 or not names[2]:
        return _counted(locale, low, names[:2])
    if minor == "00":
        return _counted(locale, whole, names[:2])
    small = _counted(locale, str(int(minor)), names[2:])
    if whole.strip("0") == "":
        return small
    big = _counted(locale, whole, names[:2])
    return " ".join(part for part in (big, locale.words.both, small) if part) if big and small else None


def _counted(locale: Locale, written: str, names: tuple[str, ...]) -> str | None:
    words = locale.number(written)
    return words and f"{words} {names[0] if locale.is_one(written) else names[1]}"
