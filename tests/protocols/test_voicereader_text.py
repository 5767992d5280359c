"""How the sidecar cuts a text. Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Span
from syrinx.protocols.voicereader.text import TextChunks, cut

PROSE = "It was late. Dr. Smith, who had waited for 3.5 hours, went home at last! Nobody saw him go. " * 12


def chunks_of(text: str, max_chars: int) -> list[str]:
    return [text[span.start : span.end] for span in cut(text, max_chars, "en").spans]


def test_short_text_is_one_chunk_without_its_edges() -> None:
    assert cut("  Hello, you. \n", 100) == TextChunks("  Hello, you. \n", (Span(2, 13),))


@pytest.mark.parametrize("max_chars", [100, 160, 400, 1000])
def test_chunks_end_at_sentences_and_grow_with_the_bound(max_chars: int) -> None:
    found = chunks_of(PROSE, max_chars)
    assert all(chunk.endswith(("!", "go.", "late.")) for chunk in found)
    assert max_chars / 3 < max(map(len, found)) <= max_chars


def test_larger_bounds_give_larger_chunks() -> None:
    longest = [max(map(len, chunks_of(PROSE, n))) for n in (100, 400, 1000)]
    assert longest == sorted(set(longest))


def test_clauses_then_words_then_characters() -> None:
    clause = "and so it went on and on, " * 20
    assert all(chunk.endswith(",") for chunk in chunks_of(clause, 100))
    words = "word " * 100
    assert all(chunk.startswith("word") and chunk.endswith("word") for chunk in chunks_of(words, 100))
    assert [len(chunk) for chunk in chunks_of("x" * 250, 100)] == [100, 100, 50]
    assert chunks_of("e\u0301" * 120, 101)[0] == "e\u0301" * 50


def test_paragraphs_end_chunks() -> None:
    heading = "A title without a full stop that is rather long indeed\n\n"
    assert chunks_of(heading + "word " * 30, 100)[0] == heading.strip()


def test_where_a_place_is() -> None:
    chunks = TextChunks("  aa  bb ", (Span(2, 4), Span(6, 8)))
    assert [chunks.at(offset) for offset in range(10)] == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert list(chunks.feed()) == ["  aa", "  bb "]


@given(
    st.text(min_size=1, max_size=600).filter(str.strip), st.integers(100, 300), st.sampled_from(["en", "zh", "", "x-y"])
)
def test_any_text(text: str, max_chars: int, language: str) -> None:
    chunks = cut(text, max_chars, language)
    assert "".join(chunks.feed()) == text
    covered = "".join(text[span.start : span.end] for span in chunks.spans)
    assert "".join(covered.split()) == "".join(text.split())
    for number, span in enumerate(chunks.spans):
        assert 0 < span.end - span.start <= max_chars
        assert not text[span.start].isspace() and not text[span.end - 1].isspace()
        assert chunks.at(span.start) == chunks.at(span.end - 1) == number
    for one, next_one in zip(chunks.spans, chunks.spans[1:], strict=False):
        assert one.end <= next_one.start
