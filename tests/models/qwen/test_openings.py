"""How utterances began, as later segments are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from syrinx.core.types import SynthesisJob
from syrinx.models.qwen.openings import ENOUGH_ROWS, Opening, Openings, joined


def job(index: int, utterance: str = "u", *, is_last: bool = False) -> SynthesisJob:
    made = SynthesisJob(f"{utterance}.{index}", "", "any", "en", utterance_id=utterance)
    return replace(made, segment_index=index, is_last=is_last)


def frames(count: int, code: int = 1) -> np.ndarray:
    return np.full((count, 16), code, np.int64)


def codes_of(opening: Opening | None) -> list[int]:
    assert opening is not None
    return opening.codes[:, 0].tolist()


def test_later_segments_go_on_from_the_first() -> None:
    openings = Openings()
    assert openings.before(job(0)) is None
    openings.spoken(job(0), "One.", frames(ENOUGH_ROWS))
    for index in (1, 2):
        before = openings.before(job(index))
        assert before is not None and before.text == "One." and len(before.codes) == ENOUGH_ROWS
        openings.spoken(job(index), "More.", frames(9))
    assert openings.before(job(1, "other")) is None


def test_a_short_beginning_is_added_to_until_it_tells_a_voice() -> None:
    openings = Openings()
    openings.spoken(job(0), "One,", frames(3, 1))
    openings.spoken(job(1), "two.", frames(ENOUGH_ROWS - 3, 2))
    openings.spoken(job(2), "Three.", frames(9, 3))
    before = openings.before(job(3))
    assert before is not None and before.text == "One, two."
    assert codes_of(before) == [1] * 3 + [2] * (ENOUGH_ROWS - 3)


def test_an_utterance_that_begins_anew_or_is_over_leaves_nothing() -> None:
    openings = Openings()
    openings.spoken(job(0), "One.", frames(40))
    openings.spoken(job(1, is_last=True), "Two.", frames(40))
    assert openings.before(job(2)) is None
    openings.spoken(job(0), "One.", frames(40))
    assert openings.before(job(0)) is None and openings.before(job(1)) is None


def test_what_has_no_utterance_and_what_made_no_frame_is_not_kept() -> None:
    openings = Openings()
    openings.spoken(job(0, ""), "One.", frames(40))
    openings.spoken(job(0), "One.", frames(0))
    assert openings.before(job(1, "")) is None and openings.before(job(1)) is None


def test_the_utterances_used_last_are_kept() -> None:
    openings = Openings(2)
    for name in "abac":
        openings.spoken(job(1, name), name, frames(40))
    assert [openings.before(job(2, name)) is not None for name in "abc"] == [True, False, True]


@pytest.mark.parametrize(
    ("before", "text", "whole"),
    [
        ("One,", "two.", "One, two."),
        ("\u4f60\u597d\u3002", "\u518d", "\u4f60\u597d\u3002\u518d"),
        ("\ud55c", "\uae00", "\ud55c \uae00"),
        ("", "x", "x"),
    ],
)
def test_texts_are_joined_as_their_script_is_written(before: str, text: str, whole: str) -> None:
    assert joined(before, text) == whole
