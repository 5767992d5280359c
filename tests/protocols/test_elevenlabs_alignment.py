"""Times of characters: what is spelled, in which order, and against which audio."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.protocols.elevenlabs.alignment import KEPT_CHARS, CharacterClock, Heard


def word(start: int, end: int, start_s: float, end_s: float, *, estimated: bool = False) -> Mark:
    return Mark(MarkKind.WORD, Span(start, end), start_s, end_s, estimated)


def clock(text: str, *marks: Mark) -> CharacterClock:
    made = CharacterClock()
    made.add_text(text)
    made.add_marks(marks)
    return made


def spelled(*parts: Heard | None) -> str:
    return "".join(char for part in parts if part is not None for char in part.chars)


def test_a_words_time_is_spread_over_its_characters_and_the_space_waits_for_the_next() -> None:
    target = clock("Hi yo ", word(0, 2, 0.0, 0.2), word(3, 5, 0.3, 0.5))
    heard = target.pass_audio(0.6)
    assert heard == Heard(list("Hi yo "), [0, 100, 200, 300, 400, 500], 600, 0, False)
    assert heard is not None and heard.durations_ms == [100] * 6
    assert target.finish() is None


def test_characters_come_with_the_audio_they_begin_in() -> None:
    target = clock("Hi yo ", word(0, 2, 0.0, 0.2), word(3, 5, 0.3, 0.5))
    first, second, third = (target.pass_audio(0.2) for _ in range(3))
    assert (spelled(first), spelled(second), spelled(third)) == ("Hi", " y", "o ")
    assert second is not None and (second.since_ms, second.starts_ms, second.end_ms) == (200, [200, 300], 400)


def test_audio_without_a_new_character_counts_for_the_next() -> None:
    target = clock("Hi yo ", word(0, 2, 0.0, 0.2), word(3, 5, 0.9, 1.1))
    assert spelled(target.pass_audio(0.3)) == "Hi "
    assert target.pass_audio(0.3) is None
    heard = target.pass_audio(0.6)
    assert heard is not None and (heard.since_ms, heard.starts_ms) == (300, [900, 1000, 1100])


def test_punctuation_belongs_to_its_word_where_white_space_follows_and_to_the_next_otherwise() -> None:
    target = clock("Oh, (yes) a&b", word(0, 2, 0.0, 0.2))
    assert spelled(target.pass_audio(1.0)) == "Oh, "
    target.add_marks([word(5, 8, 1.0, 1.3), word(10, 11, 1.3, 1.4)])
    assert spelled(target.pass_audio(1.0)) == "(yes) a"
    target.add_marks([word(12, 13, 2.0, 2.1)])
    assert spelled(target.pass_audio(1.0)) == "&b"


def test_text_that_no_word_was_told_of_falls_on_the_end() -> None:
    target = clock("Hello 🙂!", word(0, 5, 0.0, 0.4))
    assert spelled(target.pass_audio(0.5)) == "Hello "
    rest = target.finish()
    assert rest == Heard(["🙂", "!"], [500, 500], 500, 500, True)
    assert rest is not None and rest.durations_ms == [0, 0]


def test_marks_that_come_late_or_again_do_not_turn_time_back() -> None:
    target = clock("one two", word(0, 3, 0.0, 0.3))
    target.pass_audio(1.0)
    target.add_marks([word(0, 3, 0.0, 0.3), word(4, 7, 0.4, 0.7)])
    heard = target.pass_audio(0.1)
    assert heard is not None and spelled(heard) == "two" and heard.starts_ms == [1000, 1000, 1000]


def test_estimates_are_flagged_and_other_marks_say_nothing() -> None:
    target = clock("one two ", word(0, 3, 0.0, 0.3), word(4, 7, 0.4, 0.7, estimated=True))
    target.add_marks([Mark(MarkKind.SENTENCE, Span(0, 8), 0.0, 0.1)])
    first, second = target.pass_audio(0.31), target.pass_audio(0.5)
    assert first is not None and not first.estimated and second is not None and second.estimated


def test_a_long_text_is_spelled_whole() -> None:
    text = "word " * KEPT_CHARS
    marks = [
        word(*match.span(), index / 10, index / 10 + 0.05) for index, match in enumerate(re.finditer("word", text))
    ]
    target = clock(text, *marks)
    assert spelled(*(target.pass_audio(7.3) for _ in range(100)), target.finish()) == text


@given(
    st.lists(st.text(alphabet="ab ,.é🙂\n", max_size=6), max_size=8),
    st.lists(st.tuples(st.integers(-3, 50), st.integers(-3, 50), st.floats(-1, 9), st.floats(-1, 9)), max_size=9),
    st.lists(st.floats(0, 3), max_size=9),
)
def test_whatever_comes_the_text_is_spelled_once_and_time_goes_on(
    texts: list[str], marks: list[tuple[int, int, float, float]], audio: list[float]
) -> None:
    target = CharacterClock()
    told: list[Heard] = []
    for index in range(9):
        target.add_text(texts[index] if index < len(texts) else "")
        if index < len(marks):
            start, end, start_s, end_s = marks[index]
            target.add_marks([word(start, end, start_s, end_s)])
        heard = target.pass_audio(audio[index] if index < len(audio) else 0.0)
        told += [] if heard is None else [heard]
    rest = target.finish()
    told += [] if rest is None else [rest]
    assert spelled(*told) == "".join(texts)
    before = 0
    for heard in told:
        times = [heard.since_ms, *heard.starts_ms, heard.end_ms]
        assert heard.since_ms == before and times == sorted(times) and min(heard.durations_ms) >= 0
        before = heard.end_ms
