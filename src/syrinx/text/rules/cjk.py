"""Chinese and Japanese numbers through wetext (optional): only the runs that hold digits are put to it."""

from __future__ import annotations

import importlib.util
import re

from .locale import Locale
from .rule import DIGITS, Rule, rule

LANGUAGES = frozenset({"zh", "ja"})
_UNITS = "年月日时時分秒点點个個名位只本枚台歳円元块角号號回度倍人％%℃"
_ISLAND = (
    rf"(?<![A-Za-z0-9_.])(?:[-−]|[¥￥$€£₹])?[0-9](?:[0-9.,:/~〜\-]{{0,40}}[0-9])?(?:[{_UNITS}]{{1,2}}|(?:kg|km|cm|mm|ml|g|m)(?![A-Za-z]))?"
    rf"(?:[0-9](?:[0-9.,:]{{0,20}}[0-9])?[{_UNITS}]{{1,2}}){{0,5}}(?![A-Za-z0-9_])"
)


def is_available(language: str) -> bool:
    """Whether wetext is installed and speaks the language. Loads nothing."""
    return language in LANGUAGES and importlib.util.find_spec("wetext") is not None


def rules(locale: Locale) -> tuple[Rule, ...]:
    """One rule, or none: then digits are left to the model."""
    if not is_available(locale.language):
        return ()
    reader = _Reader(locale.language)
    return (rule("numbers by wetext", _ISLAND, lambda match: reader.read(match[0]), DIGITS),)


class _Reader:
    """Holds the grammars, loaded (0.7 s) at the first number."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._normalizer = None

    def read(self, written: str) -> str | None:
        """Words of a short run, or None where the grammars fail or leave it as it is."""
        if self._normalizer is None:
            from wetext import Normalizer  # pyright: ignore[reportMissingImports]  (an optional extra)

            self._normalizer = Normalizer(lang=self._language, operator="tn")
        try:
            words = self._normalizer.normalize(written)
        except (AssertionError, RuntimeError, ValueError, LookupError):  # on signs that its grammars do not know
            return None
        return None if words == written or "\\" in words else re.sub(r"\s+", "", words)
