"""Calendar dates (ISO, with slashes, dots or month names) and times of day."""

from __future__ import annotations

import re

from .locale import DAY_FIRST, Locale
from .rule import Rule, rule

_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH = (
    r"(?P<month>Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_SUFFIX = r"(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12][0-9]{3})"


def rules(locale: Locale) -> tuple[Rule, ...]:
    """ISO and numeric dates in every language that has month names; the rest in English."""
    if not locale.words.months:
        return ()

    def numeric(match: re.Match[str]) -> str | None:
        return _numeric(locale, match)

    shared = (
        rule(
            "ISO date and time",
            r"(?<![\w-])[12][0-9]{3}-[01][0-9]-[0-3][0-9](?P<t>[T ])(?=[0-2][0-9]:[0-5][0-9])",
            lambda m: _iso(locale, m[0][:10], ", " if m["t"] == "T" else " "),
            "-",
        ),
        rule(
            "ISO date", r"(?<![\w-])[12][0-9]{3}-[01][0-9]-[0-3][0-9](?![\w-])", lambda m: _iso(locale, m[0], ""), "-"
        ),
        rule(
            "numeric date",
            r"(?<![\w./-])(?P<a>[0-3]?[0-9])(?P<sep>[/.-])(?P<b>[0-3]?[0-9])(?P=sep)(?P<year>[12][0-9]{3}|[0-9]{2})(?![\w/-]|\.[0-9])",
            numeric,
            "/.-",
        ),
    )
    if locale.language != "en":
        return shared

    def named(match: re.Match[str]) -> str | None:
        month = next(i for i, name in enumerate(locale.words.months, 1) if name[:3] == match["month"][:3])
        year = match["year"]
        words = spoken_date(
            locale, int(year) if year else None, month, int(match["day"]), match["month"][0] == match[0][0]
        )
        return words

    def time(match: re.Match[str]) -> str | None:
        return _time(locale, match)

    day = r"(?P<day>[0-3]?[0-9])"
    half = r"(?P<half>[aApP])(?P<dots>\.?)[mM](?(dots)\.?)"
    return (
        *shared,
        rule("month and day", rf"\b{_MONTH}\s{day}{_SUFFIX}(?:,?\s{_YEAR})?(?![\w%]|[.,:/-][0-9])", named, "JFMASOND"),
        rule(
            "day and month",
            rf"(?<![\w.,:/-])(?:[tT]he\s)?{day}{_SUFFIX}\s(?:of\s)?{_MONTH}(?:,?\s{_YEAR})?(?!\w|-[0-9])",
            named,
            "JFMASOND",
        ),
        rule(
            "clock",
            rf"(?<![\w.,:])(?P<h>[0-2]?[0-9]):(?P<m>[0-5][0-9])(?::(?P<s>[0-5][0-9])(?:\.[0-9]{{1,9}})?)?(?:\s?{half}(?!\w))?(?P<zone>Z(?!\w))?(?![:0-9])",
            time,
            ":",
        ),
        rule(
            "hour",
            rf"(?<![\w.,:/])(?P<h>1[0-2]|0?[1-9])(?P<m>(?!))?(?P<s>(?!))?\s?{half}(?!\w)(?P<zone>(?!))?",
            time,
            "mM",
        ),
    )


def spoken_date(locale: Locale, year: int | None, month: int, day: int, month_first: bool) -> str | None:
    """A date in words, in the order that the language (or the writer) has; None where it is no date."""
    if not (1 <= month <= 12 and 1 <= day <= _LENGTHS[month - 1]):
        return None
    name, speller = locale.words.months[month - 1], locale.speller
    if locale.language == "en":
        nth = speller.ordinal(day)
        tail = f", {speller.year(year)}" if year else ""
        return f"{name} {nth}{tail}" if month_first else f"the {nth} of {name}{tail}"
    spoken_year = speller.year(year) if year else ""
    parts = {"day": speller.cardinal(day), "nth": speller.ordinal(day) + "n", "month": name, "year": spoken_year}
    return locale.words.date.format(**parts).strip() if parts["day"] and spoken_year else None


def _iso(locale: Locale, written: str, tail: str) -> str | None:
    year, month, day = map(int, written.split("-"))
    words = spoken_date(locale, year, month, day, locale.region not in DAY_FIRST)
    return words and words + tail


def _numeric(locale: Locale, match: re.Match[str]) -> str | None:
    a, b, year = int(match["a"]), int(match["b"]), match["year"]
    if len(year) == 2 and match["sep"] != "/":
        return None
    full = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 70 else 1900)
    month_first = locale.language == "en" and locale.region not in DAY_FIRST
    is_month_first = month_first and match["sep"] != "." if a <= 12 and b <= 12 else b > 12
    month, day = (a, b) if is_month_first else (b, a)
    return spoken_date(locale, full, month, day, month_first)


def _time(locale: Locale, match: re.Match[str]) -> str | None:
    hour, minute = int(match["h"]), match["m"]
    if hour > 23:
        return None
    say = locale.speller.cardinal
    words = [say(hour)]
    if minute == "00" and not match["half"]:
        words.append("o'clock" if 1 <= hour <= 12 and not match["h"].startswith("0") else "hundred")
    elif minute and minute != "00":
        words.append(("oh " if minute[0] == "0" else "") + say(int(minute)))
    if match["s"] and match["s"] != "00":
        words.append(f"and {say(int(match['s']))} second{'' if match['s'] == '01' else 's'}")
    if match["half"]:
        words.append(match["half"].upper() + "M")
    if match["zone"]:
        words.append("UTC")
    return " ".join(words) + ("." if match[0].endswith(".") and _ends_here(match) else "")


def _ends_here(match: re.Match[str]) -> bool:
    """Whether a sentence ends with the match, so that its full stop stays."""
    rest = match.string[match.end() : match.end() + 3]
    return not rest.strip() or (rest[0].isspace() and rest.strip()[0].isupper())
