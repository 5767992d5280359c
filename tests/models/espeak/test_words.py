from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.models.espeak.binding import WordEvent
from syrinx.models.espeak.words import WordMarks

RATE = 1000


def marks_of(text: str, events: list[WordEvent], total: int) -> list[Mark]:
    words = WordMarks(text, RATE)
    made = [words.add(event) for event in events] + [words.end(total)]
    return [mark for mark in made if mark is not None]


def test_a_word_ends_where_the_next_begins_and_the_last_with_the_audio() -> None:
    events = [WordEvent(1, 5, 0), WordEvent(7, 5, 400)]
    assert marks_of("Hello there", events, 900) == [
        Mark(MarkKind.WORD, Span(0, 5), 0.0, 0.4),
        Mark(MarkKind.WORD, Span(6, 11), 0.4, 0.9),
    ]


def test_a_number_spoken_as_many_words_is_one_mark() -> None:
    events = [WordEvent(1, 6, 0), WordEvent(1, 6, 300), WordEvent(1, 6, 500), WordEvent(8, 2, 800)]
    assert marks_of("123456 ab", events, 1000)[0] == Mark(MarkKind.WORD, Span(0, 6), 0.0, 0.8)


def test_events_outside_the_text_belong_to_the_word_before() -> None:
    assert marks_of("€", [WordEvent(1, 1, 0), WordEvent(2, 1, 300)], 1000) == [
        Mark(MarkKind.WORD, Span(0, 1), 0.0, 1.0)
    ]


def test_a_word_is_told_whole_and_without_the_space_before_it() -> None:
    text = "Don't go, z. B. heute."
    events = [WordEvent(1, 3, 0), WordEvent(7, 2, 100), WordEvent(11, 1, 200), WordEvent(14, 1, 300)]
    marks = marks_of(text, [*events, WordEvent(16, 1, 400)], 900)
    assert [text[mark.span.start : mark.span.end] for mark in marks] == ["Don't", "go", "z", "B", "heute"]


def test_where_no_space_parts_words_each_ends_where_the_next_begins() -> None:
    assert [mark.span for mark in marks_of("今天。", [WordEvent(1, 1, 0), WordEvent(2, 1, 9)], 20)] == [
        Span(0, 1),
        Span(1, 2),
    ]


def test_it_says_which_audio_has_a_word_of_unknown_end() -> None:
    words = WordMarks("Hello there", RATE)
    assert words.open_since is None
    words.add(WordEvent(1, 5, 20))
    assert words.open_since == 20
    words.end(100)
    assert words.open_since is None


@given(
    st.text(alphabet="ab '.\n中", min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(-2, 40), st.integers(-1, 40), st.integers(0, 100)), max_size=12),
)
def test_marks_are_ordered_and_within_text_and_audio_whatever_the_library_says(
    text: str, raw: list[tuple[int, int, int]]
) -> None:
    sample = 0
    events = []
    for position, count, step in raw:
        sample += step
        events.append(WordEvent(position, count, sample))
    marks, length = marks_of(text, events, sample + 1), len(text)
    assert not any(text[m.span.start].isspace() for m in marks)
    assert all(0 <= m.span.start < m.span.end <= length and m.start_s <= m.end_s <= (sample + 1) / RATE for m in marks)
    assert all(a.span.end <= b.span.start and a.end_s == b.start_s for a, b in pairwise(marks))
