"""Marks: spoken text to original text, job time to delivered time, and estimates where a model gives none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.engine.marks import LEARNED, Pace, WordEstimate, WordTimes, Written
from syrinx.text.front import Prepared, plan
from syrinx.text.segmenter import SegmentPolicy


def words_of(prepared: Prepared) -> list[Mark]:
    """A second each, as they are said, without their punctuation."""
    text, at, marks = prepared.spoken.text, 0, []
    for n, word in enumerate(text.split()):
        start = text.index(word, at)
        at = start + len(word)
        marks.append(Mark(MarkKind.WORD, Span(start, start + len(word.rstrip(".,!?"))), float(n), n + 1.0))
    return marks


def as_it_is(job_s: float) -> float:
    return job_s


def test_a_mark_points_at_the_written_word_and_its_delivered_time() -> None:
    text = "Hi there, all. It is now."
    prepared = plan(text, "en", SegmentPolicy())[-1]
    start = prepared.spoken.text.index("now")
    mark = Mark(MarkKind.WORD, Span(start, start + 3), 1.0, 1.5, name="x")
    (mapped,) = Written().map([mark], prepared, lambda job_s: 10.0 + 0.5 * job_s)
    assert text[mapped.span.start : mapped.span.end] == "now."
    assert (mapped.start_s, mapped.end_s) == (10.5, 10.75)
    assert (mapped.kind, mapped.name, mapped.estimated) == (MarkKind.WORD, "x", False)


def test_no_mark_lies_before_the_first_sample() -> None:
    prepared = plan("Hi.", "en", SegmentPolicy())[0]
    (mapped,) = Written().map([Mark(MarkKind.WORD, Span(0, 2), 0.2, 0.3)], prepared, lambda job_s: job_s - 0.5)
    assert (mapped.start_s, mapped.end_s) == (0.0, 0.0)


TEXT = "He paid $5.50, i.e. 50% 😀 of it."
WRITTEN = ["He", "paid", "$5.50,", "i.e.", "50%", "of", "it."]


@pytest.mark.parametrize("at_once", [1, 2, 99])
def test_a_word_that_is_said_in_several_is_told_once_however_its_marks_come(at_once: int) -> None:
    (prepared,) = plan(TEXT, "en", SegmentPolicy())
    marks, written = words_of(prepared), Written()
    assert len(marks) > len(WRITTEN)
    batches = [marks[i : i + at_once] for i in range(0, len(marks), at_once)]
    told = [mark for batch in batches for mark in written.map(batch, prepared, as_it_is)]
    assert [TEXT[mark.span.start : mark.span.end] for mark in told] == WRITTEN
    assert [mark.start_s for mark in told][:3] == [0.0, 1.0, 2.0]
    price, of = told[2], told[5]
    assert price.estimated == (at_once < 4), "its end is derived where it was not reported yet"
    assert 5.0 <= price.end_s <= of.start_s
    assert not any(told[n].estimated for n in (0, 1, 5, 6))


def test_a_date_that_is_said_in_two_parts_and_with_its_comma_is_told_once() -> None:
    text = "On 3/4/2024, at 17:30."
    (prepared,) = plan(text, "en", SegmentPolicy())
    spoken, written = prepared.spoken.text, Written()
    marks, at = [], 0
    for n, word in enumerate(spoken.split()):  # with its punctuation, as espeak has it
        at = spoken.index(word, at)
        marks.append(Mark(MarkKind.WORD, Span(at, at + len(word)), float(n), n + 1.0))
    told = [text[m.span.start : m.span.end] for mark in marks for m in written.map([mark], prepared, as_it_is)]
    assert told == ["On", "3/4/2024,", "at", "17:30."]


def test_a_bookmark_stays_where_it_is() -> None:
    (prepared,) = plan("It costs $5, now.", "en", SegmentPolicy())
    mark = Mark(MarkKind.BOOKMARK, Span(3, 5), 0.0, 0.0, name="b")
    (told,) = Written().map([mark], prepared, as_it_is)
    assert told == mark


@given(
    st.lists(st.sampled_from(["$5", "Dr.", "no", "50%", "😀", "1/2", "don't", "今天，", "z.", "\n"]), min_size=1),
    st.data(),
)
def test_whatever_is_said_each_written_word_is_told_once_in_order(said: list[str], data: st.DataObject) -> None:
    written, text = Written(), " ".join(said)
    told: list[Mark] = []
    for prepared in plan(text, "en", SegmentPolicy(max_chars=40)):
        marks = words_of(prepared)
        while marks:
            count = data.draw(st.integers(1, len(marks)))
            told += written.map(marks[:count], prepared, as_it_is)
            marks = marks[count:]
    spans = [(mark.span.start, mark.span.end) for mark in told]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(set(spans)), "none is told twice, none steps back"
    assert all(mark.start_s <= mark.end_s for mark in told)


def test_a_models_marks_wait_for_their_audio() -> None:
    times = WordTimes("abc")
    one, two, three = (Mark(MarkKind.WORD, Span(i, i + 1), i / 10, i / 10 + 0.05) for i in range(3))
    times.add([one, three])
    times.add([two])
    assert times.until(0.0) == []
    assert times.until(0.15) == [one, two]
    assert times.until(0.15) == []
    assert times.rest(0.2) == [three]
    assert times.rest(0.2) == []


def test_a_phrase_of_a_script_without_spaces_is_told_character_by_character() -> None:
    phrase, word = "今日は晴れです。", "天気"
    times = WordTimes(phrase + word)
    times.add([Mark(MarkKind.WORD, Span(0, 8), 1.0, 2.5), Mark(MarkKind.WORD, Span(8, 10), 3.0, 3.5)])
    told = times.rest(9.0)
    assert [(phrase + word)[mark.span.start : mark.span.end] for mark in told] == [*"今日は晴れで", "す。", word]
    assert [mark.estimated for mark in told] == [True] * 7 + [False]
    assert told[0].start_s == 1.0 and told[6].end_s == pytest.approx(2.5)
    assert all(a.end_s == b.start_s for a, b in pairwise(told[:7]))


def estimate_of(spoken: str, usual_s: float, pace: Pace | None = None) -> WordEstimate:
    return WordEstimate(spoken, usual_s, pace or Pace())


def test_words_are_told_as_the_audio_passes_them_and_the_rest_at_the_end() -> None:
    estimate = estimate_of("one two three", 0.1)
    assert [m.span for m in estimate.until(0.3)] == [Span(0, 3)]
    assert [m.span for m in estimate.until(0.5)] == [Span(4, 7)]
    assert estimate.until(0.5) == []
    (last,) = estimate.rest(0.7)
    assert (last.span, last.start_s, last.estimated) == (Span(8, 13), 0.7, True)
    assert estimate.rest(0.7) == []


def test_an_estimate_takes_a_han_character_for_a_syllable() -> None:
    told = estimate_of("今天，ok go", 0.1).until(9.0)
    assert [(mark.span.start, mark.span.end) for mark in told] == [(0, 1), (1, 5), (6, 8)]
    assert [mark.start_s for mark in told] == pytest.approx([0.0, 0.3, 1.0])


def test_the_second_segment_is_estimated_by_how_long_the_first_one_was() -> None:
    pace = Pace()
    first, second = estimate_of("one two", 0.1, pace), estimate_of("one two", 0.1, pace)
    first.until(9.0)
    first.rest(1.4)  # twice as slow as usual
    assert [mark.start_s for mark in second.until(9.0)] == pytest.approx([0.0, 0.8])


@pytest.mark.parametrize(("took_s", "factor"), [(0.0, 1 / LEARNED), (99.0, LEARNED)])
def test_a_fault_is_no_pace(took_s: float, factor: float) -> None:
    pace = Pace()
    assert pace.factor == 1.0
    pace.learn(1.0, took_s)
    assert pace.factor == factor


@given(st.text(alphabet="ab 中", max_size=60), st.lists(st.floats(0.0, 1.0), max_size=9))
def test_every_word_is_told_once_in_order_whatever_the_chunks(spoken: str, chunks_s: list[float]) -> None:
    estimate = estimate_of(spoken, 0.05)
    at_s, told = 0.0, []
    for chunk_s in chunks_s:
        at_s += chunk_s
        new = estimate.until(at_s)
        assert all(mark.start_s < at_s for mark in new)
        told += new
    told += estimate.rest(at_s)
    assert "".join(spoken[m.span.start : m.span.end] for m in told) == "".join(spoken.split())
    assert [m.start_s for m in told] == sorted(m.start_s for m in told)
