"""The front end of an utterance: pieces in, prepared pieces out, spans in the utterance's own text."""

from __future__ import annotations

from syrinx.core.types import Span
from syrinx.text.front import Prepared, TextFront, plan
from syrinx.text.segmenter import SegmentPolicy


def prepare_all(front: TextFront, text: str) -> list[Prepared]:
    pieces = front.feed(text) + front.end()
    return [prepared for piece in pieces for prepared in front.prepare(piece)]


def test_spans_count_the_utterance_and_not_the_piece():
    text = "Hello there, Bob. It costs $3.50 now."
    second = plan(text, "en", SegmentPolicy())[1]
    start = second.spoken.text.index("dollars")
    span = second.source_span(Span(start, start + 7))
    assert text[span.start : span.end] == "$3.50"
    assert (second.index, second.span) == (1, Span(18, 37))


def test_pieces_with_nothing_to_say_are_left_out_and_not_counted():
    for silent in ("   ", "😀🎉", "---", "***\n", "...", "\u200b\u202e", ":)", "<br>"):
        assert plan(silent, "en", SegmentPolicy()) == [], silent
    assert [p.index for p in plan("One.\n\n---\n\nTwo.", "en", SegmentPolicy())] == [0, 1]


def test_a_lone_directive_is_something_to_say():
    front = TextFront(SegmentPolicy(), "en", verbatim=r"\{\{[^}]*\}\}")
    assert [p.spoken.text for p in prepare_all(front, "{{...}}")] == ["{{...}}"]


def test_models_with_their_own_front_end_get_written_text_without_invisible_signs():
    front = TextFront(SegmentPolicy(), "en", normalize=False)
    (prepared,) = prepare_all(front, "It\u200b costs **$3.50**\ud800.")
    assert prepared.spoken.text == "It costs **$3.50**."
    assert not front.is_slow(front.feed("x. ")[0] if front.feed("y") else front.end()[0])


def test_a_plan_shows_what_is_said():
    said = [
        p.spoken.text
        for p in plan("# Hi\n- $5 *now*\n\n```sh\nls\n```\nSee [docs](http://a.com). Ok 👍", "en", SegmentPolicy())
    ]
    assert said == ["Hi", "five dollars now", "Code block.", "See docs.", "Ok"]


def test_what_is_buffered_is_told():
    front = TextFront(SegmentPolicy(), "en")
    assert front.feed("Hello") == [] and front.buffered == 5
    assert [piece.text for piece in front.flush()] == ["Hello"] and front.buffered == 0
