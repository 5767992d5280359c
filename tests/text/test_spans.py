"""Spoken text: spans are total, clamped and monotone, and rewrites compose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Span
from syrinx.text.rules.rule import rewrite, rule
from syrinx.text.spans import Spoken

NUMBER = rule("number", "[0-9]+", "number", "0123456789")
STAR = rule("star", r"\*", "")


def test_replaced_text_maps_to_all_that_was_written_and_the_rest_letter_by_letter():
    spoken = rewrite("pay 35 now", (NUMBER,)).spoken
    assert spoken.text == "pay number now"
    assert spoken.source_span(Span(4, 10)) == Span(4, 6)
    assert spoken.source_span(Span(6, 7)) == Span(4, 6)
    assert spoken.source_span(Span(11, 14)) == Span(7, 10)
    assert spoken.source_span(Span(0, 14)) == Span(0, 10)


def test_rewrites_compose_to_the_first_source():
    first = rewrite("*pay* **35** now", (STAR,)).spoken
    both = rewrite(first.text, (NUMBER,)).spoken.after(first)
    assert both.text == "pay number now"
    assert both.source_span(Span(0, 3)) == Span(1, 4)
    assert both.source_span(Span(4, 10)) == Span(8, 10)
    assert both.source_span(Span(11, 14)) == Span(13, 16)


@pytest.mark.parametrize("span", [Span(-5, 3), Span(2, 99), Span(9, 2), Span(0, 0), Span(50, 60)])
def test_any_span_is_clamped(span):
    for spoken in (rewrite("a 1 b", (NUMBER,)).spoken, Spoken.unchanged(""), Spoken.unchanged("abc")):
        found = spoken.source_span(span)
        assert 0 <= found.start <= found.end <= 5


@given(st.text(alphabet="ab1 *", max_size=30))
def test_kept_text_is_untouched_and_found_again(text):
    kept = [Span(2, 5)] if len(text) >= 5 else []
    result = rewrite(text, (STAR, NUMBER), kept)
    for before, after in zip(kept, result.kept, strict=True):
        assert result.spoken.text[after.start : after.end] == text[before.start : before.end]
        assert result.spoken.source_span(after) == before
