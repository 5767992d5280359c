"""How Multilingual reads what is not written: words of Chinese, vowels of Hebrew, stress of Russian, kana of Japanese.

The library asks a package for each, which fetches a model of its own at the first text, or is not to be had, and then
reads without, and does not say so. Here a package is used with what is on this disk, nothing is fetched, and what is
lacking is told. Texts are lower case and decomposed (NFKD), as ``MTLTokenizer`` makes them, and stay so.
"""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unicodedata import normalize

from .runtime import quiet

PKUSEG_FOLDER = "pkuseg"
PKUSEG_FILES = ("features.msgpack", "weights.npz")
"""In the folder of the weights: the model ``spacy_ontonotes`` of spacy-pkuseg, unpacked, which is the library's own."""
DICTA_FILE, DICTA_TOKENIZER = "dicta.onnx", "dicta-tokenizer.json"
"""There too: the model that dicta-onnx is for, and ``tokenizer.json`` of ``dicta-il/dictabert-large-char-menaked``."""
ACUTE = "\N{COMBINING ACUTE ACCENT}"
"""Behind a stressed vowel, in words of more than one syllable, as ``russian_text_stresser`` writes it."""
FULL_PLUS = "\N{FULLWIDTH PLUS SIGN}"
"""For a plus of the text itself; NFKD makes it one again."""
VOWELS = "аеёиоуыэюя"
LONGEST = 2000
"""Characters read at once, of a text without a space: dicta-onnx takes 2048."""

_log = logging.getLogger(__name__)
Reading = Callable[[str], str]
"""Of a text; gives it as the model was taught it."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What there is here."""

    known: Mapping[str, Reading]
    """By the language's id: what is made at its first text, and kept."""
    lacking: Mapping[str, str]
    """By the language's id: how it is read instead, and what would help."""

    def of(self, language: str) -> Reading:
        """The one of a language; without one texts are left as they are written."""
        return self.known.get(language, _as_written)


@dataclass(frozen=True, slots=True)
class Segmenter:
    """A reading of Chinese as the library's converter wants it: it joins what it gets with spaces."""

    read: Reading

    def cut(self, text: str) -> list[str]:
        """Return the text with its words spaced, as one."""
        return [self.read(text)]


def find(folder: Path) -> Readings:
    """Look what is installed, and what is in the folder of the weights. Loads nothing."""
    known: dict[str, Reading] = {}
    lacking: dict[str, str] = {}
    if _installed("spacy_pkuseg", *(folder / PKUSEG_FOLDER / name for name in PKUSEG_FILES)):
        known["zh"] = _first("zh", lambda: _spaced(_pkuseg(folder)))
    elif _installed("rjieba"):
        known["zh"] = _first("zh", lambda: _spaced(importlib.import_module("rjieba").cut))
    else:
        lacking["zh"] = "Chinese is read without words being told apart (install rjieba in its environment)"
    if _installed("dicta_onnx", folder / DICTA_FILE, folder / DICTA_TOKENIZER):
        known["he"] = _first("he", lambda: _dicta(folder))
    else:
        lacking["he"] = (
            f"Hebrew is read without vowels being added (install dicta-onnx, give the weights {DICTA_FILE} and "
            f"{DICTA_TOKENIZER})"
        )
    if _installed("silero_stress"):
        known["ru"] = _first("ru", _silero)
    else:
        lacking["ru"] = "Russian is read without stress being added (install silero-stress in its environment)"
    if not _installed("pykakasi"):
        lacking["ja"] = "Japanese is read without its kanji (install pykakasi in its environment)"
    return Readings(known, lacking)


def _installed(package: str, *files: Path) -> bool:
    return find_spec(package) is not None and all(path.is_file() for path in files)


def _first(language: str, make: Callable[[], Reading]) -> Reading:
    """Make it at the first text. Where it fails, that is logged once, and texts are read as they are written."""
    made: list[Reading] = []

    def read(text: str) -> str:
        try:
            with quiet():
                if not made:
                    made.append(make())
                return made[0](text)
        except Exception as error:  # noqa: BLE001  packages of all kinds; to read it worse is better than not at all
            _log.warning("The front end for %s failed, texts are read as they are written: %s", language, error)
            made[:] = [_as_written]
            return text

    return read


def _as_written(text: str) -> str:
    return text


def _pkuseg(folder: Path) -> Callable[[str], list[str]]:
    made: Any = importlib.import_module("spacy_pkuseg").pkuseg(
        str(folder / PKUSEG_FOLDER)
    )  # a path: nothing is fetched
    return made.cut


def _spaced(cut: Callable[[str], list[str]]) -> Reading:
    return lambda text: " ".join(word for word in cut(text) if not word.isspace())


def _dicta(folder: Path) -> Reading:
    """Vowels by Dicta. Its package fetches the tokenizer; here it is handed the one that is in the folder."""
    from tokenizers import Tokenizer

    model: Any = importlib.import_module("dicta_onnx.model")
    package: Any = importlib.import_module("dicta_onnx")

    class Local:
        """In place of ``tokenizers.Tokenizer`` in that package."""

        @staticmethod
        def from_pretrained(_: str) -> Any:
            return Tokenizer.from_file(str(folder / DICTA_TOKENIZER))

    model.Tokenizer = Local
    dicta = package.Dicta(str(folder / DICTA_FILE))
    return lambda text: "".join(dicta.add_diacritics(piece) for piece in _pieces(text))


def _silero() -> Reading:
    """Stress by Silero, which writes a plus before the vowel, and sets torch's threads when it is imported."""
    import torch

    threads = torch.get_num_threads()
    try:
        accentor: Any = importlib.import_module("silero_stress").load_accentor()
    finally:
        torch.set_num_threads(threads)

    def read(text: str) -> str:
        written = normalize("NFC", text).replace("+", FULL_PLUS)
        stressed = "".join(accentor(piece) if _has_words(piece) else piece for piece in _pieces(written))
        return normalize("NFKD", _acutes(stressed))

    return read


def _has_words(text: str) -> bool:
    return re.search("[а-яё]", text) is not None


def _pieces(text: str) -> list[str]:
    """Cut a text that is too long, at spaces where there are some."""
    return re.findall(rf"(?s).{{1,{LONGEST}}}(?=\s|$)|.{{1,{LONGEST}}}", text)


def _acutes(text: str) -> str:
    """``гот+ов`` as ``гото́в``; none in a word of one vowel, none on ё, which always has it, and none where one was."""

    def word(found: re.Match[str]) -> str:
        plain = found[0].replace("+", "")
        if sum(letter in VOWELS for letter in plain) < 2:
            return plain
        return re.sub(r"\+([аеиоуыэюя])", rf"\1{ACUTE}", found[0]).replace("+", "")

    return re.sub(r"[а-яё+]*[а-яё]", word, text).replace(ACUTE + ACUTE, ACUTE)
