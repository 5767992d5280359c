"""Numbers that name and do not count: versions, network addresses, phone numbers, "No. 5", Roman numerals."""

from __future__ import annotations

import re

from .locale import Locale
from .rule import DIGITS, Rule, rule

_VERSIONED = (
    r"version|release|Python|Node(?:\.js)?|Ubuntu|Debian|iOS|iPadOS|Android|macOS|Java|PHP|Ruby|Go|CUDA|Windows|USB|HTTP"
    "|TLS"
)
_ROMAN_HEADS = (
    "World War|War|Chapter|Part|Act|Scene|Volume|Vol|Book|Section|Article|Title|Phase|Stage|Type|Level|Class|Grade"
    "|Appendix|Figure|Table|Episode|Season|Super Bowl|Final Fantasy|Rocky|Apollo|Category|Annex|Schedule|Factor|Mark"
)
_RULERS = (
    "Henry|Louis|Charles|Elizabeth|George|James|William|Edward|Richard|Philip|Felipe|Napoleon|Francis|Pius|Benedict"
    "|John Paul|Paul|John|Gregory|Alexander|Peter|Catherine|Nicholas|Frederick|Leo|Ramses|Innocent|Clement"
    "|Urban|Mary|Margaret"
    "|Ferdinand|Friedrich|Wilhelm|Ivan|Christian|Gustav|Carl|Harald|Olav|Otto|Rudolf|Leopold|Ptolemy|Darius|Xerxes|Thutmose|Amenhotep"
)
_ROMAN = re.compile(r"(?=[IVXLC])(C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def rules(locale: Locale) -> tuple[Rule, ...]:
    """Versions are spoken wherever numbers are; phones and Roman numerals in English."""
    if not locale.counts:
        return ()
    speller = locale.speller
    joint = locale.words.point if locale.language == "en" else locale.words.dot

    def version(match: re.Match[str]) -> str | None:
        parts = [locale.number(part) for part in match["v"].split(".")]
        if not all(parts):
            return None
        return _version_head(match["v_head"], locale) + f" {joint} ".join(part or "" for part in parts)

    def network(match: re.Match[str]) -> str:
        return f" {locale.words.dot} ".join(speller.digits(part) for part in match[0].split("."))

    shared = (
        rule("network address", r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w.]*\w)", network, "."),
        rule(
            "version",
            r"(?<![\w.,])(?P<v_head>[vV](?=[0-9]))?(?P<v>[0-9]{1,4}(?:\.[0-9]{1,4}){2,5})(?![0-9]|\.[0-9])",
            version,
            ".",
        ),
        rule(
            "version after v",
            r"(?<!\w)(?P<v_head>[vV])\.?\s?(?P<v>[0-9]{1,4}(?:\.[0-9]{1,4}){0,1})(?![\w]|\.[0-9])",
            version,
            "vV",
        ),
        rule(
            "version after name",
            rf"(?<=\b)(?P<v_head>(?i:{_VERSIONED})\s)(?P<v>[0-9]{{1,4}}\.[0-9]{{1,4}})(?![\w%]|\.[0-9])",
            version,
            ".",
        ),
    )
    return (*shared, *_english(locale)) if locale.language == "en" else shared


def _version_head(head: str | None, locale: Locale) -> str:
    if not head:
        return ""
    return ("version " if locale.language == "en" else "Version ") if head in "vV" else head


def _english(locale: Locale) -> tuple[Rule, ...]:
    speller = locale.speller

    def phone(match: re.Match[str]) -> str:
        groups = [speller.digits(group) for group in re.findall("[0-9]+", match[0])]
        return ("plus " if match[0].startswith("+") else "") + ", ".join(groups)

    def numbered(match: re.Match[str]) -> str:
        return "number " if match[0][0] in "#№" or match[0][1] != "o" or match[0][2] != "s" else "numbers "

    def roman(match: re.Match[str]) -> str | None:
        value = _roman(match["r"])
        return f"{match['head']} {speller.cardinal(value)}" if value else None

    def ruler(match: re.Match[str]) -> str | None:
        value = _roman(match["r"])
        return f"{match['head']} the {speller.ordinal(value)}" if value else None

    edge = r"(?![\w-]|\.[0-9])"
    return (
        rule("international phone", rf"(?<![\w+.])\+[0-9]{{1,4}}(?:[ .-]?\(?[0-9]{{1,5}}\)?){{2,6}}{edge}", phone, "+"),
        rule(
            "phone",
            rf"(?<![\w.+/-])(?:1[ .-])?(?:\([0-9]{{3}}\)\s?|[0-9]{{3}}[ .-])[0-9]{{3}}[ .-][0-9]{{4}}{edge}",
            phone,
            DIGITS,
        ),
        rule("local phone", rf"(?<![\w.+/,-])[0-9]{{3}}-[0-9]{{4}}{edge}", phone, "-"),
        rule("number sign", r"(?<!\w)(?:[Nn]os?\.\s?|#|№\s?)(?=[0-9])", numbered, "N#№n"),
        rule(
            "Roman chapter", rf"\b(?P<head>{_ROMAN_HEADS})\.?\s(?P<r>[IVXLC]{{1,7}})\b(?!['’.][A-Za-z])", roman, "IVXLC"
        ),
        rule("Roman ruler", rf"\b(?P<head>{_RULERS})\s(?P<r>[IVX]{{2,6}}|[VX])\b(?!['’.][A-Zabce-rt-z])", ruler, "IVX"),
    )


def _roman(text: str) -> int:
    """Value of a well-formed Roman numeral, else 0."""
    if not _ROMAN.fullmatch(text):
        return 0
    values = [_VALUES[letter] for letter in text]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
