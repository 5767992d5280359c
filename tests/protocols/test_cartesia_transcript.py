"""A context's text: its words as they were written, and which flushes are done when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.protocols.cartesia.transcript import KEPT_CHARS, Transcript


def word(text: str, start: int, end: int) -> list[str]:
    transcript = Transcript()
    transcript.add(text)
    return words(transcript, (start, end))


def words(transcript: Transcript, *spans: tuple[int, int]) -> list[str]:
    marks = [Mark(MarkKind.WORD, Span(start, end), start / 10, end / 10) for start, end in spans]
    return [told.text for told in transcript.words(marks)]


def test_a_word_has_the_punctuation_on_it() -> None:
    assert word("Hello, there.", 0, 5) == ["Hello,"]
    assert word('He said "well-known"... So.', 9, 19) == ['"well-known"...']
    assert word("(well) So.", 1, 5) == ["(well)"]
    assert word("x.com/a is", 6, 7) == ["x.com/a"], "what no mark told of, of the same word"
    assert word("Version2 of", 0, 7) == ["Version2"]


def test_words_that_are_one_in_writing_are_told_once() -> None:
    transcript = Transcript()
    transcript.add("It's $5... Bye.")
    assert words(transcript, (0, 4), (5, 7), (5, 10)) == ["It's", "$5..."]
    assert words(transcript, (5, 10), (11, 14)) == ["Bye."]
    transcript.add("東京へ。")
    assert words(transcript, (15, 17), (17, 18)) == ["東京", "へ。"]


def test_marks_of_other_kinds_are_no_words() -> None:
    transcript = Transcript()
    transcript.add("Hello.")
    assert transcript.words([Mark(MarkKind.SENTENCE, Span(0, 6), 0.0, 1.0)]) == []
    (told,) = transcript.words([Mark(MarkKind.WORD, Span(0, 5), 0.25, 0.5)])
    assert (told.text, told.start_s, told.end_s) == ("Hello.", 0.25, 0.5)


def test_a_flush_is_done_when_all_before_it_was_spoken() -> None:
    transcript = Transcript()
    transcript.add("One. Two. ")
    assert transcript.flush() == [] and transcript.flush_id == 1
    assert transcript.end(5) == []
    transcript.add("Three.")
    assert transcript.flush() == []
    assert transcript.end(10) == [1] and transcript.flush_id == 2
    assert transcript.begin(10) == [] and transcript.end(16) == [2]


def test_a_flush_of_what_was_spoken_is_done_at_once_and_one_of_nothing_new_does_not_count() -> None:
    transcript = Transcript()
    assert transcript.flush() == []
    transcript.add("One. ")
    transcript.end(4)
    assert transcript.flush() == [1] and transcript.flush() == []
    transcript.add("🙂 ")
    assert transcript.flush() == [2], "of what has no sound nothing is heard"


def test_audio_of_what_follows_and_the_end_finish_a_flush_whose_text_was_not_spoken() -> None:
    transcript = Transcript()
    transcript.add("abc ")
    transcript.flush()
    assert transcript.begin(3) == [] and transcript.begin(4) == [1] and transcript.flush_id == 2
    transcript.add("def")
    transcript.flush()
    assert transcript.finish() == [2] and transcript.finish() == []


def test_long_texts_are_forgotten_where_they_were_spoken() -> None:
    transcript = Transcript()
    for at in range(0, 20 * KEPT_CHARS, 100):
        transcript.add("x" * 99 + " ")
        assert words(transcript, (at, at + 99)) == ["x" * 99]
        transcript.end(at + 100)
    assert (
        transcript.chars == 20 * KEPT_CHARS - 20 * KEPT_CHARS % 100 + 100 and len(transcript._text) <= KEPT_CHARS + 100
    )


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=12))
def test_any_spans_give_words_in_order_and_every_flush_is_told_once(text: str, spans: list[tuple[int, int]]) -> None:
    transcript, ids = Transcript(), list[int]()
    for char in text:
        transcript.add(char)
        ids += transcript.flush()
    for start, end in spans:
        told = words(transcript, (start, end))
        assert all(one.strip() == one for one in told)
        ids += [*transcript.begin(start), *transcript.end(end)]
    ids += transcript.finish()
    assert ids == list(range(1, len(text) + 1)) and transcript.flush_id == len(text) + 1
