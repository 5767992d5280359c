"""English to phonemes by misaki, with spaCy's tagger where it is installed and ours where it is not.

misaki's own class fetches the tagger from the internet when it is made. The subclass below takes one that is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from syrinx.core.types import Span

from .markup import Given, Plain, parse
from .tagger import tags
from .units import Reader, Unit, word_span

TAGGER = "en_core_web_sm"
"""A spaCy package, or its folder beside the weights."""


def english(british: bool, weights: Path) -> Reader:
    """The reader of American or British English."""
    from misaki import en, espeak

    kind = _misaki_class(en)
    g2p = kind(_pipeline(weights), british, espeak.EspeakFallback(british=british))

    def read(source: str) -> list[Unit]:
        plain = parse(source)
        return _units(g2p.read(plain), plain)

    return read


def tagger_name(weights: Path) -> str:
    """Which tagger ``english`` takes: spaCy's, or ``rules``."""
    import spacy

    return TAGGER if spacy.util.is_package(TAGGER) or (weights / TAGGER).is_dir() else "rules"


def _pipeline(weights: Path) -> Any:
    import spacy

    if tagger_name(weights) == "rules":
        return _with_rules(spacy.blank("en"))
    source = TAGGER if spacy.util.is_package(TAGGER) else weights / TAGGER
    return spacy.load(source, enable=["tok2vec", "tagger"])


def _with_rules(nlp: Any) -> Callable[[str], Any]:
    def run(text: str) -> Any:
        doc = nlp(text)
        for token, tag in zip(
            doc, tags([token.text for token in doc], [bool(token.whitespace_) for token in doc]), strict=True
        ):
            token.tag_ = tag
        return doc

    return run


def _misaki_class(en: Any) -> Any:
    class Misaki(en.G2P):
        """misaki's G2P with its parts given. A class, because misaki looks its methods up on the class."""

        def __init__(self, nlp: Any, british: bool, fallback: Any) -> None:
            self.version, self.british, self.unk = None, british, ""
            self.nlp, self.lexicon, self.fallback = nlp, en.Lexicon(british), fallback
            self.given: Sequence[Given] = ()

        def read(self, plain: Plain) -> list[Any]:
            self.given = plain.given
            return self(plain.text, preprocess=False)[1]

        def tokenize(self, text: str, tokens: Any, features: Any) -> list[Any]:
            doc = self.nlp(text)
            made = super().tokenize(text, tokens, {})
            for given in self.given:
                inside = [n for n, t in enumerate(doc) if t.idx < given.span.end and t.idx + len(t) > given.span.start]
                for n in inside:
                    made[n]._.is_head = n == inside[0]
                    made[n].phonemes = given.phonemes if n == inside[0] else ""
                    made[n]._.rating = 5
            return made

    return Misaki


def _units(tokens: Sequence[Any], plain: Plain) -> list[Unit]:
    """misaki's tokens, each with the word it was made from."""
    units: list[Unit] = []
    at = 0
    for token in tokens:
        found = plain.text.find(token.text, at)
        start = found if found >= 0 else at
        at = start + len(token.text)
        word = word_span(plain.text, start, min(at, len(plain.text)))
        units.append(Unit(token.phonemes or "", _source(plain, word), spaced=bool(token.whitespace)))
    return units


def _source(plain: Plain, word: Span | None) -> Span | None:
    return None if word is None else plain.source(word)
