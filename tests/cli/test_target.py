"""What commands that speak to a server make of their options."""

from __future__ import annotations

import pytest

from syrinx.cli.target import SHORT_TEXT, TEXT, Asked, key_of, sentences
from syrinx.core.errors import EmptyText


def test_a_text_is_one_request_or_one_for_each_sentence() -> None:
    assert Asked().plan().texts == [TEXT]
    assert len(Asked(mode="sentences").plan().texts) == 4
    assert Asked(short_reply=True).plan().texts == [SHORT_TEXT]
    assert Asked(short_reply=True, mode="sentences").plan().texts == ["Yes, of course.", "I will be there at nine."]


def test_sentences_are_whole_however_long() -> None:
    long = "and " * 500 + "on."
    assert sentences(f"{long} Mr. Smith came at 5 p.m. sharp! Did he? Yes...") == [
        long,
        "Mr. Smith came at 5 p.m. sharp!",
        "Did he?",
        "Yes...",
    ]
    assert sentences("  ") == []


@pytest.mark.parametrize("mode", ["single", "sentences"])
def test_nothing_to_say_is_refused(mode: str) -> None:
    with pytest.raises(EmptyText):
        Asked(text=" ", mode=mode).plan()  # type: ignore[arg-type]


def test_the_key_is_found_under_every_name_that_sets_it() -> None:
    assert key_of({}) == ""
    assert key_of({"API_KEY": "a"}) == "a"
    assert key_of({"API_KEY": "a", "SPEAK_SELECTION_ENGINE_TOKEN": "b", "SYRINX_API_KEY": ""}) == "b"
    assert key_of({"API_KEY": "a", "SYRINX_API_KEY": "c"}) == "c"
    assert Asked(api_key="given").plan().target.api_key == "given"


def test_the_usual_text_is_within_the_usual_bound_of_words() -> None:
    assert 50 < len(TEXT.split()) <= 150
