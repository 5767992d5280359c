"""Marks: spoken text to original text, job time to delivered time, and estimates where a model gives none."""

from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.engine.marks import WordEstimate, WordTimes, map_marks
from syrinx.text.front import plan
from syrinx.text.segmenter import SegmentPolicy


def test_a_mark_points_at_the_written_word_and_its_delivered_time() -> None:
    text = "Hi there, all. It costs $5 now."
    prepared = plan(text, "en", SegmentPolicy())[-1]
    start = prepared.spoken.text.index("five")
    mark = Mark(MarkKind.WORD, Span(start, start + 4), 1.0, 1.5, name="x")
    (mapped,) = map_marks([mark], prepared, lambda job_s: 10.0 + 0.5 * job_s)
    assert text[mapped.span.start : mapped.span.end] == "$5"
    assert (mapped.start_s, mapped.end_s) == (10.5, 10.75)
    assert (mapped.kind, mapped.name, mapped.estimated) == (MarkKind.WORD, "x", False)


def test_no_mark_lies_before_the_first_sample() -> None:
    prepared = plan("Hi.", "en", SegmentPolicy())[0]
    (mapped,) = map_marks([Mark(MarkKind.WORD, Span(0, 2), 0.2, 0.3)], prepared, lambda job_s: job_s - 0.5)
    assert (mapped.start_s, mapped.end_s) == (0.0, 0.0)


def test_a_models_marks_wait_for_their_audio() -> None:
    times = WordTimes()
    one, two, three = (Mark(MarkKind.WORD, Span(i, i + 1), i / 10, i / 10 + 0.05) for i in range(3))
    times.add([one, three])
    times.add([two])
    assert times.until(0.0) == []
    assert times.until(0.15) == [one, two]
    assert times.until(0.15) == []
    assert times.rest(0.2) == [three]
    assert times.rest(0.2) == []


def test_words_are_told_as_the_audio_passes_them_and_the_rest_at_the_end() -> None:
    estimate = WordEstimate("one two three", seconds_per_char=0.1)
    assert [m.span for m in estimate.until(0.3)] == [Span(0, 3)]
    assert [m.span for m in estimate.until(0.5)] == [Span(4, 7)]
    assert estimate.until(0.5) == []
    (last,) = estimate.rest(0.7)
    assert (last.span, last.start_s, last.estimated) == (Span(8, 13), 0.7, True)
    assert estimate.rest(0.7) == []


@given(st.text(alphabet="ab ", max_size=60), st.lists(st.floats(0.0, 1.0), max_size=9))
def test_every_word_is_told_once_in_order_whatever_the_chunks(spoken: str, chunks_s: list[float]) -> None:
    estimate = WordEstimate(spoken, seconds_per_char=0.05)
    at_s, told = 0.0, []
    for chunk_s in chunks_s:
        at_s += chunk_s
        new = estimate.until(at_s)
        assert all(mark.start_s < at_s for mark in new)
        told += new
    told += estimate.rest(at_s)
    assert [spoken[m.span.start : m.span.end] for m in told] == spoken.split()
    assert [m.start_s for m in told] == sorted(m.start_s for m in told)
