"""The text front end of one utterance: text in as it comes, speakable pieces out, each with the way back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from syrinx.core.types import Span

from .normalize import Normalizer
from .parts import parts
from .rules.clean import INVISIBLE, SPEAKABLE
from .rules.rule import rewrite
from .segmenter import Piece, Segmenter, SegmentPolicy
from .spans import Spoken
from .verbatim import guard_of


@dataclass(frozen=True, slots=True)
class Prepared:
    """A piece with its spoken form."""

    index: int
    """Counts the prepared pieces of the utterance from 0; pieces with nothing to say have none."""
    text: str
    """The written piece it comes from."""
    span: Span
    """What it speaks, in the utterance: the piece, or its share where the spoken form was cut."""
    spoken: Spoken
    """Its ``text`` is never blank."""
    origin: int
    """Where ``text`` begins in the utterance."""

    def source_span(self, span: Span) -> Span:
        """Offsets in ``spoken.text`` to offsets in the utterance's text; total, clamped, monotone."""
        inner = self.spoken.source_span(span)
        return Span(self.origin + inner.start, self.origin + inner.end)


class TextFront:
    """Segmenter and normaliser of one utterance.

    ``verbatim`` is the model's (see ``ModelInfo.verbatim``); ``normalize`` False for models with a front end of their
    own: then only characters without any sound are removed.
    """

    def __init__(self, policy: SegmentPolicy, language: str, *, verbatim: str = "", normalize: bool = True) -> None:
        self._segmenter = Segmenter(policy, language, verbatim)
        self._normalizer = _normalizer(language, verbatim)
        self._guard = guard_of(verbatim)
        self._max_chars = policy.max_chars
        self._normalizes = normalize
        self._prepared = 0

    @property
    def buffered(self) -> int:
        """Characters that wait for their piece to end."""
        return self._segmenter.buffered

    def feed(self, text: str) -> list[Piece]:
        """Take more text; return the pieces that it completes."""
        return self._segmenter.feed(text)

    def flush(self) -> list[Piece]:
        """Return all that is buffered, now."""
        return self._segmenter.flush()

    def end(self) -> list[Piece]:
        """No more text: return the rest."""
        return self._segmenter.end()

    def prepare(self, piece: Piece) -> list[Prepared]:
        """Normalise a piece, in order. Empty: nothing in it can be said (whitespace, only emoji, a rule, more code).

        Mostly one; more where the spoken form is longer than ``SegmentPolicy.max_chars``.
        """
        if self._normalizes:
            spoken = self._normalizer.normalize(piece.text, in_code=piece.in_code)
        else:
            spoken = rewrite(piece.text, (INVISIBLE,)).spoken
        if len(spoken.text) <= self._max_chars:
            return self._number([(spoken, Span(piece.start, piece.end))], piece)
        cut = list(parts(spoken, self._max_chars, self._guard))
        starts = [piece.start, *(piece.start + part.source_span(Span(0, 0)).start for part in cut[1:])]
        return self._number(
            [(part, Span(*ends)) for part, *ends in zip(cut, starts, [*starts[1:], piece.end], strict=True)], piece
        )

    def _number(self, shares: list[tuple[Spoken, Span]], piece: Piece) -> list[Prepared]:
        """Give those that can be said their index."""
        prepared = []
        for spoken, span in shares:
            if self._is_speakable(spoken.text):
                prepared.append(Prepared(self._prepared, piece.text, span, spoken, piece.start))
                self._prepared += 1
        return prepared

    def is_slow(self, piece: Piece) -> bool:
        """Whether ``prepare`` may take more than 1 ms."""
        return self._normalizes and self._normalizer.is_slow(piece.text)

    def _is_speakable(self, text: str) -> bool:
        return SPEAKABLE.search(text) is not None or self._normalizer.has_verbatim(text)


@lru_cache(maxsize=32)
def _normalizer(language: str, verbatim: str) -> Normalizer:
    """Shared between utterances: rules are immutable, and compiling them takes 25 ms (measured) a language."""
    return Normalizer(language, verbatim)


def plan(text: str, language: str, policy: SegmentPolicy, verbatim: str = "") -> list[Prepared]:
    """What would be said for a whole text, piece by piece."""
    front = TextFront(policy, language, verbatim=verbatim)
    pieces = front.feed(text) + front.end()
    return [prepared for piece in pieces for prepared in front.prepare(piece)]
