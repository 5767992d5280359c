"""Short forms that are said in full. Only sure ones; acronyms are left to the model."""

from __future__ import annotations

import re

from .locale import Locale
from .rule import Rule, Say, rule

_TITLES = {
    "Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor", "Gov": "Governor",
    "Sen": "Senator", "Rep": "Representative", "Gen": "General", "Col": "Colonel", "Maj": "Major", "Capt": "Captain",
    "Cpt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant", "Cpl": "Corporal", "Cmdr": "Commander", "Adm": "Admiral",
    "Rev": "Reverend", "Hon": "Honorable", "Pres": "President", "Mt": "Mount", "St": "Saint", "Ft": "Fort",
    "Fr": "Father",
}  # fmt: skip
_PLAIN = {
    "e.g.": "for example", "i.e.": "that is", "eg.": "for example", "ie.": "that is", "vs.": "versus", "vs": "versus",
    "approx.": "approximately", "ca.": "circa", "cf.": "compare", "w/": "with", "w/o": "without", "b/c": "because",
    "incl.": "including", "excl.": "excluding", "esp.": "especially", "aka": "also known as",
    "a.k.a.": "also known as", "min.": "minimum", "max.": "maximum", "viz.": "namely", "resp.": "respectively",
    "et al.": "and others", "a.s.a.p.": "as soon as possible", "n/a": "not applicable", "N/A": "not applicable",
}  # fmt: skip
_CLOSING = {
    "etc.": "et cetera", "Inc.": "Incorporated", "Ltd.": "Limited", "Corp.": "Corporation", "Co.": "Company",
    "Jr.": "Junior", "Sr.": "Senior", "Esq.": "Esquire", "Ave.": "Avenue", "Blvd.": "Boulevard", "Rd.": "Road",
    "Ln.": "Lane", "Hwy.": "Highway", "Pkwy.": "Parkway", "Dept.": "Department", "dept.": "department",
    "Univ.": "University", "Assn.": "Association", "Bros.": "Brothers", "Mfg.": "Manufacturing",
    "Gov't": "Government", "govt.": "government", "Ph.D.": "PhD", "Ph.D": "PhD", "M.D.": "MD", "B.A.": "BA",
    "M.A.": "MA", "B.Sc.": "BSc", "M.Sc.": "MSc",
}  # fmt: skip
_NUMBERED = {
    "Fig.": "Figure", "fig.": "figure", "Figs.": "Figures", "Vol.": "Volume", "vol.": "volume", "Ch.": "Chapter",
    "ch.": "chapter", "Sec.": "Section", "sec.": "section", "Eq.": "Equation", "eq.": "equation", "p.": "page",
    "pp.": "pages", "Art.": "Article", "Ver.": "Version", "ver.": "version", "Ext.": "Extension", "ext.": "extension",
    "Apt.": "Apartment", "Tab.": "Table", "Para.": "Paragraph",
}  # fmt: skip
_MONTHS = {
    "Jan.": "January", "Feb.": "February", "Mar.": "March", "Apr.": "April", "Aug.": "August", "Sept.": "September",
    "Sep.": "September", "Oct.": "October", "Nov.": "November", "Dec.": "December", "Mon.": "Monday",
    "Tue.": "Tuesday", "Tues.": "Tuesday", "Wed.": "Wednesday", "Thu.": "Thursday", "Thurs.": "Thursday",
    "Fri.": "Friday",
}  # fmt: skip


def rules(locale: Locale) -> tuple[Rule, ...]:
    """English only: elsewhere the model's own tables know more."""
    if locale.language != "en":
        return ()
    titles = "|".join(_TITLES)
    return (
        rule("and so on", r"\betc\.?(?!\w)", _with_stop({"etc.": "et cetera", "etc": "et cetera"}), "t"),
        rule("street", r"(?<=[a-z] )St\.?(?!\w)(?!\.?\s[A-Z])", _with_stop({"St.": "Street", "St": "Street"}), "S"),
        rule("title", rf"\b(?P<t>{titles})\.(?=\s*[A-Z])", lambda m: _TITLES[m["t"]], "."),
        rule("title without stop", r"\b(?P<t>Dr|Mr|Mrs|Prof)(?=\s[A-Z])", lambda m: _TITLES[m["t"]], "DMP"),
        rule("numbered", rf"\b(?:{_any(_NUMBERED)})(?=\s?[0-9IVX])", lambda m: _NUMBERED[m[0]] + " ", "."),
        rule("short form", rf"(?<![\w/.])(?:{_any(_PLAIN)})(?![\w/.])", lambda m: _PLAIN[m[0]], "./ak"),
        rule("versus", r"(?<![\w.])vs(?=\s)", "versus", "v"),
        rule(
            "short at the end", rf"(?<![\w.])(?:{_any(_CLOSING | _MONTHS)})(?!\w)", _with_stop(_CLOSING | _MONTHS), ".'"
        ),
        rule("initials", r"(?<![\w.])(?:[A-Z]\.){2,6}(?!\w)", _initials, "."),
    )


def _any(table: dict[str, str]) -> str:
    return "|".join(re.escape(key) for key in sorted(table, key=len, reverse=True))


def _with_stop(table: dict[str, str]) -> Say:
    """Say the full form, and keep the full stop where it also ends the sentence."""

    def say(match: re.Match[str]) -> str:
        return table[match[0]] + ("." if match[0].endswith(".") and _ends_sentence(match) else "")

    return say


def _initials(match: re.Match[str]) -> str:
    letters = match[0].replace(".", " ").strip()
    joined = letters.replace(" ", "") if len(letters) > 3 else letters
    return joined + ("." if _ends_sentence(match) else "")


def _ends_sentence(match: re.Match[str]) -> bool:
    """Whether nothing follows but closing signs. The segmenter has cut sentences already."""
    return not match.string[match.end() :].strip(" \n\t\"'”’)]*_")
