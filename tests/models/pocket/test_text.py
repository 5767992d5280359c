"""Text as passes of at most fifty tokens."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from syrinx.models.pocket.text import MOST_TOKENS, Pass, TextFront, clean, halves


def prepare(text: str) -> tuple[str, int]:
    if not text.strip('" '):
        raise ValueError
    return text.strip(), 1


FRONT = TextFront(prepare, lambda text: re.findall(r"[^.]+\.?", text), lambda text: [ord(sign) for sign in text])
"""One token a character."""


def spoken(passes: list[Pass]) -> str:
    return "".join(chr(token) for one in passes for token in one.tokens)


def test_short_text_is_one_pass_and_never_cut() -> None:
    assert FRONT.passes("One. Two.") == [Pass(tuple(map(ord, "One. Two.")), 3)]


def test_nothing_to_speak_is_no_pass() -> None:
    assert FRONT.passes("") == FRONT.passes(' "" ') == FRONT.passes("\x00\x07") == []


def test_long_text_is_cut_at_sentences_then_words_then_anywhere() -> None:
    passes = FRONT.passes("First sentence. " + "word " * 30 + "x" * 120 + '."')
    assert all(len(one.tokens) <= MOST_TOKENS for one in passes)
    assert spoken(passes).replace(" ", "") == ("Firstsentence." + "word" * 30 + "x" * 120 + ".")
    assert spoken(passes[:1]) == "First sentence."


@given(st.text(max_size=400))
def test_every_text_is_planned_and_all_of_it_is_spoken(text: str) -> None:
    passes = FRONT.passes(text)
    assert all(0 < len(one.tokens) <= MOST_TOKENS for one in passes)
    said, given_ = spoken(passes), clean(text)
    assert [sign for sign in said if sign.isalnum()] == [sign for sign in given_ if sign.isalnum()]


@given(st.text(min_size=2, max_size=100))
def test_halves_are_both_shorter_and_together_the_whole(text: str) -> None:
    one, two = halves(text)
    assert one + two == text and one and two


def test_halves_are_cut_at_the_space_nearest_to_the_middle() -> None:
    assert halves("aa bb cc dd e") == ["aa bb", " cc dd e"]


def test_clean_drops_what_tokenizers_choke_on() -> None:
    assert clean("a\x00b\ud800c\td") == "a b c d"
