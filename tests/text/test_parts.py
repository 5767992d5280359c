"""Spoken text over a model's limit is cut into parts that join up and map back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Span
from syrinx.text.front import TextFront, plan
from syrinx.text.normalize import Normalizer
from syrinx.text.parts import parts
from syrinx.text.segmenter import SegmentPolicy
from syrinx.text.spans import Spoken
from syrinx.text.verbatim import Guard

DIRECTIVE = r"\{\{[^}]{0,99}\}\}"
WRITTEN = st.text(alphabet=st.sampled_from("ab 12,.$€%\n-"), max_size=120)


@given(WRITTEN, st.integers(8, 40))
def test_parts_join_to_the_whole_and_none_is_too_long(text: str, limit: int) -> None:
    spoken = Normalizer("en").normalize(text)
    cut = list(parts(spoken, limit, Guard("")))
    assert "".join(part.text for part in cut) == spoken.text
    assert all(0 < len(part.text) <= limit for part in cut)


@given(WRITTEN, st.integers(8, 40))
def test_a_place_in_a_part_maps_as_it_did_in_the_whole(text: str, limit: int) -> None:
    spoken = Normalizer("en").normalize(text)
    at = 0
    for part in parts(spoken, limit, Guard("")):
        for i in range(len(part.text)):
            assert part.source_span(Span(i, i + 1)) == spoken.source_span(Span(at + i, at + i + 1))
        at += len(part.text)


def test_every_prepared_text_keeps_to_the_models_limit_and_spans_follow_each_other() -> None:
    text = "Call 1234567 or 7654321, then pay $1,234,567.89 and $7,654,321.98 on 2026-03-15 at 17:30."
    prepared = plan(text, "en", SegmentPolicy(max_chars=60))
    assert len(prepared) > 2
    assert all(len(p.spoken.text) <= 60 for p in prepared)
    assert [p.index for p in prepared] == list(range(len(prepared)))
    assert prepared[0].span.start == 0 and prepared[-1].span.end == len(text)
    assert all(a.span.end == b.span.start or a.span.end <= b.span.end for a, b in pairwise(prepared))


def test_a_directive_is_not_cut() -> None:
    text = "word " * 10 + "{{long 30}}" + " word" * 10
    for limit in range(12, 40):
        cut = [part.text for part in parts(Spoken.unchanged(text), limit, Guard(DIRECTIVE))]
        assert sum("{{long 30}}" in part for part in cut) == 1, limit


def test_a_front_without_normalising_keeps_the_limit_too() -> None:
    front = TextFront(SegmentPolicy(max_chars=20), "en", normalize=False)
    pieces = front.feed("1234 " * 20) + front.end()
    assert all(len(p.spoken.text) <= 20 for piece in pieces for p in front.prepare(piece))
