"""Who turns text into phonemes in each language, made when it is first asked for."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Span

from .align import units_of
from .english import english, tagger_name
from .languages import LANGUAGES, MISSING_READER, code_of
from .markup import parse
from .units import Reader, Unit

NEEDS: Mapping[str, Sequence[str]] = MappingProxyType(
    {"j": ("fugashi", "unidic_lite", "jaconv", "mojimoji"), "z": ("jieba", "pypinyin", "cn2an", "ordered_set")}
)
"""Import names that ``misaki.cutlet`` and ``misaki.zh`` need beyond misaki itself. (``misaki.ja`` calls the former, and
asks for pyopenjtalk, which fetches a dictionary and is not called. unidic-lite brings the other dictionary along.)"""

_STOPS = str.maketrans("।॥", "..")
"""Full stops that espeak-ng swallows, sign for sign."""


class Readers:
    """The readers of all languages. For one thread: espeak-ng keeps its state in globals."""

    def __init__(self, weights: Path, needs: Mapping[str, Sequence[str]] = NEEDS) -> None:
        self._weights = weights
        self._needs = needs
        self._made: dict[str, Reader] = {}
        logging.getLogger("phonemizer").setLevel(logging.ERROR)  # it warns of every word that it runs together

    @property
    def unreadable(self) -> frozenset[str]:
        """Letters of languages whose reader is not installed."""
        return frozenset(
            code for code, needs in self._needs.items() if not all(importlib.util.find_spec(name) for name in needs)
        )

    @property
    def tagger(self) -> str:
        """What tells English verbs from nouns here: it changes how words sound."""
        return tagger_name(self._weights)

    def code(self, tag: str, voice: str) -> str:
        """The language to read in. Raises ``InvalidRequest`` for one that cannot be read here."""
        code = code_of(tag, voice[0])
        if code in self.unreadable:
            raise InvalidRequest(
                f"The model cannot read {LANGUAGES[code].tag} here. {MISSING_READER[code]}",
                code="unsupported_language",
                param="language",
            )
        return code

    def read(self, text: str, code: str) -> list[Unit]:
        """The text's units."""
        if code not in self._made:
            self._made[code] = self._make(code)
        return self._made[code](text)

    def _make(self, code: str) -> Reader:
        if code in "ab":
            return english(code == "b", self._weights)
        if code == "j":
            from misaki.cutlet import Cutlet

            return _grouped(Cutlet())
        if code == "z":
            return _grouped(_chinese())
        from misaki import espeak

        return _grouped(espeak.EspeakG2P(language=LANGUAGES[code].espeak))


def _chinese() -> Callable[[str], Any]:
    """misaki's reader. jieba keeps its dictionary as a dump in the folder of all users' temporary files, and would run
    what somebody else put there: it gets a folder of its own for as long as it loads."""
    import jieba
    from misaki import zh

    jieba.setLogLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="syrinx-jieba-") as folder:
        jieba.dt.tmp_dir = folder
        jieba.initialize()
    return zh.ZHG2P()


def _grouped(g2p: Callable[[str], Any]) -> Reader:
    """A reader of phonemes that come as one string; words whose phonemes are given are left out of it."""

    def read(source: str) -> list[Unit]:
        plain = parse(source)
        units: list[Unit] = []
        at = 0
        for given in plain.given:
            units += _placed(g2p, plain.text, Span(at, given.span.start))
            units.append(Unit(given.phonemes, given.span, spaced=plain.text[given.span.end :][:1].isspace()))
            at = given.span.end
        units += _placed(g2p, plain.text, Span(at, len(plain.text)))
        return [Unit(u.phonemes, u.span and plain.source(u.span), u.spaced) for u in units]

    return read


def _placed(g2p: Callable[[str], Any], text: str, part: Span) -> list[Unit]:
    """Units of a part of the text."""
    written = text[part.start : part.end]
    if not written.strip():
        return []
    units = units_of(g2p(written.translate(_STOPS))[0], written)
    return [
        Unit(u.phonemes, u.span and Span(u.span.start + part.start, u.span.end + part.start), u.spaced) for u in units
    ]
