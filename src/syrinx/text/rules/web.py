"""Addresses as people say them: URLs without scheme and query, e-mail, handles, hashtags, file names."""

from __future__ import annotations

import re

from .locale import Locale
from .rule import Rule, rule

_TLDS = (
    "com|org|net|edu|gov|mil|int|info|biz|io|ai|dev|app|co|me|tv|gg|xyz|tech|cloud|online|site|shop|blog|page|wiki|news"
    "|uk|us|ca|au|nz|ie|de|fr|es|it|nl|be|ch|at|pl|cz|se|no|dk|fi|pt|gr|ru|ua|in|jp|cn|kr|tw|hk|sg|br|mx|ar|cl|za|tr|eu"
)
_FILES = (
    "py|js|ts|tsx|jsx|md|txt|json|yaml|yml|toml|xml|html|css|csv|pdf|docx?|xlsx?|pptx?|png|jpe?g|gif|svg|webp|mp3|mp4|wav"
    "|ogg|flac|zip|gz|tar|exe|sh|bat|cpp|hpp|rs|go|java|rb|php|sql|ini|cfg|conf|log|lock|env|ipynb|safetensors|onnx|gguf"
)
LONGEST_PATH = 60
"""Characters of a path that are still worth hearing; longer ones (and queries) are dropped."""


def rules(locale: Locale) -> tuple[Rule, ...]:
    """Nothing for languages without a word for the dot."""
    words = locale.words
    if not words.dot:
        return ()

    def url(match: re.Match[str]) -> str:
        host = _spell(locale, re.sub(r"^www\.", "", match["host"]))
        if match["port"]:
            host += f" {_colon(locale)}{_digits(locale, match['port'])}"
        path = re.split("[?#]", match["path"] or "")[0].strip("/")
        if not path or len(path) > LONGEST_PATH:
            return host
        return host + "".join(f" {words.slash} {_spell(locale, part)}" for part in path.split("/") if part)

    def mail(match: re.Match[str]) -> str:
        return f"{_spell(locale, match['user'])} {words.at} {_spell(locale, match['host'])}"

    def handle(match: re.Match[str]) -> str:
        return f"{words.at} {_spell(locale, match['name'])}"

    def hashtag(match: re.Match[str]) -> str:
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", " ", match["name"])
        return f"hashtag {name}"

    def file_name(match: re.Match[str]) -> str:
        return _spell(locale, match[0])

    def path(match: re.Match[str]) -> str:
        return " ".join(f"{words.slash} {_spell(locale, part)}" for part in match[0].strip("/").split("/"))

    label = r"[^\W_](?:[\w-]{0,62})"
    tail = r"(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?#][^\s<>\"'`|\\^{}]{0,2000}(?<![.,;:!?)\]*_~…]))?"
    host = r"(?P<host>[\w-]{1,63}(?:\.[\w-]{1,63}){0,8})"
    domain = rf"(?P<host>{label}(?:\.{label}){{0,6}}\.(?:{_TLDS}))(?![\w@-]|\.\w)"
    return (
        rule("URL", rf"\b(?:https?|wss?|ftp)://(?:[^\s/@]{{1,64}}@)?{host}{tail}", url, ":"),
        rule(
            "mail",
            r"(?:\bmailto:)?(?<![\w.+-])(?P<user>[\w.+-]{1,64})@(?P<host>[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})",
            mail,
            "@",
        ),
        rule("domain", rf"(?<![\w@./-]){domain}{tail}", url, "."),
        rule("handle", r"(?<![\w@./])@(?P<name>[A-Za-z_]\w{0,60}(?:\.\w{1,30}){0,2})", handle, "@"),
        rule("hashtag", r"(?<![\w#&/])#(?P<name>[^\W\d_]\w{0,80})", hashtag, "#"),
        rule(
            "file name",
            rf"(?<![\w.@/-])[A-Za-z_][\w-]{{0,60}}(?:\.[\w-]{{1,30}}){{0,3}}\.(?:{_FILES})(?![\w/-])",
            file_name,
            ".",
        ),
        rule("path", r"(?<![\w/.:<])(?:/[A-Za-z0-9_.-]{1,60}){2,12}/?(?!\w)(?<!\.)", path, "/"),
    )


def _spell(locale: Locale, part: str) -> str:
    """A label, user or file name: signs as words, digits as numbers."""
    words = locale.words
    names = {
        ".": words.dot,
        "-": words.dash,
        "_": words.underscore,
        "@": words.at,
        "+": "plus",
        "%": words.percent or "%",
    }
    said = re.sub("%[0-9A-Fa-f]{2}", " ", part)
    said = re.sub(r"[^\w\s.\-@+%]", " ", said)
    said = re.sub(r"[.\-_@+%]", lambda m: f" {names[m[0]] or m[0]} ", said)
    said = re.sub("[0-9]+", lambda m: f" {_digits(locale, m[0])} ", said)
    return " ".join(said.split())


def _digits(locale: Locale, digits: str) -> str:
    if not locale.counts:
        return digits
    short = len(digits) <= 2 and not digits.startswith("0")
    return (locale.number(digits) if short else locale.speller.digits(digits)) or digits


def _colon(locale: Locale) -> str:
    return "colon " if locale.language == "en" else ""
