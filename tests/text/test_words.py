"""Where a word is over, for a reader: never inside one, never between a letter and its marks, in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.text.graphemes import can_cut
from syrinx.text.words import LONGEST_WORD, closing_end, heard_end, units, weight, word_end

TEXTS = st.text(alphabet=st.sampled_from("ab1'-. ,\n😀👍🏽é\u0301\u200d中文。กาकि"), max_size=60)


def heard(text: str, begun: str) -> str:
    """What counts as heard once ``begun`` has been."""
    assert text.startswith(begun)
    return text[: heard_end(text, len(begun))]


@pytest.mark.parametrize(
    ("text", "begun", "told"),
    [
        ("One two.", "", ""),
        ("One two.", "On", "One"),
        ("One, two.", "One", "One,"),
        ("One two.", "One two", "One two."),
        ("One.  Two", "One. ", "One."),
        ("  One", " ", ""),
        ("One two. \n", "One two", "One two. \n"),
        ("One 😀 two", "One", "One"),
        ("One two 😀", "One two", "One two 😀"),
        ("I don't know", "I don", "I don't"),
        ("See example.com now", "See example", "See example.com"),
        ("It is $3.50 now", "It is $3", "It is $3.50"),
        ("She said “no”, then", "She said “no", "She said “no”,"),
        ("अच्छी हिन्दी है", "अच्छी हि", "अच्छी हिन्दी"),
        ("cafe\u0301 au lait", "cafe", "cafe\u0301"),
        ("今日は晴れ。", "今日", "今日"),
        ("今日。明日", "今日", "今日"),
        ("今日。", "今日", "今日。"),
        ("**One** two", "**One", "**One**"),
        ("สวัสดีครับ", "สวัส", "สวัส"),
        ("👩‍👩‍👧 hi there", "👩‍👩‍👧 hi", "👩‍👩‍👧 hi"),
    ],
)
def test_a_word_is_whole(text: str, begun: str, told: str) -> None:
    assert heard(text, begun) == told


def test_what_is_nobodys_word_may_be_torn() -> None:
    assert word_end("a" * 10_000, 10) == 10 + LONGEST_WORD


@given(TEXTS, st.integers(-3, 70))
def test_it_stands_at_the_end_of_a_word_and_of_a_character(text: str, at: int) -> None:
    end = heard_end(text, at)
    before = text[: max(at, 0)].rstrip()
    assert len(before) <= end <= len(text)
    assert (end == 0) == (before == "")
    assert can_cut(text, end)
    spaced = "".join(char if char in "ab1" else " " for char in text)
    assert not (0 < end < len(text) and spaced[end - 1 : end + 1].isalnum())
    assert heard_end(text, end) == end


@given(TEXTS, st.integers(0, 60), st.integers(0, 60))
def test_it_grows_with_what_was_heard(text: str, one: int, other: int) -> None:
    assert heard_end(text, min(one, other)) <= heard_end(text, max(one, other))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("One, “two” don't.\n", ["One,", "“two”", "don't."]),
        ("今日は、「晴れ」です。 OK", ["今", "日", "は、", "「晴", "れ」", "で", "す。", "OK"]),
        ("AI时代 is", ["AI", "时", "代", "is"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("안녕 세상", ["안녕", "세상"]),
        (" \n", []),
    ],
)
def test_a_text_has_these_words(text: str, words: list[str]) -> None:
    assert [text[span.start : span.end] for span in units(text)] == words


@given(TEXTS)
def test_the_words_hold_all_of_a_text_and_no_character_is_torn(text: str) -> None:
    found = units(text)
    assert "".join(text[span.start : span.end] for span in found) == "".join(text.split())
    assert all(span.start < span.end for span in found)
    assert all(can_cut(text, span.start) or text[span.start - 1].isspace() for span in found)


def test_a_han_character_is_as_long_as_three_letters() -> None:
    assert (weight("abc d"), weight("今天"), weight("はい"), weight("네")) == (5, 6, 4, 2)


def test_a_word_that_is_timed_has_no_more_of_the_text_than_its_own_marks() -> None:
    assert word_end("One 😀!", 3) == 3
    assert [closing_end(text, 3) for text in ("One,” two", "One**", "One.** two", "One-two", "One")] == [5, 3, 4, 3, 3]
