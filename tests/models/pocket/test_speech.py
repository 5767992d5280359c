"""When a pass ends."""

from __future__ import annotations

from collections import deque

import pytest

from syrinx.models.options import options_schema, parse_options
from syrinx.models.pocket.options import PocketOptions, RequestOptions
from syrinx.models.pocket.speech import Manner, Speech, usual_s
from syrinx.models.pocket.text import Pass

NEVER, END = -99.0, 99.0


def speech(passes: int = 1, tokens: int = 3, after: int | None = None) -> Speech:
    manner = Manner(0.3, None, -4.0, after, 12.5)
    return Speech(deque([Pass((1,) * tokens, 3)] * passes), manner, None, None)


def run(one: Speech, end_from: int) -> int:
    """Codec frames that are spoken when the end is heard from that frame on."""
    spoken = 0
    for frame in range(1000):
        one.predicted("latent", END if frame >= end_from else NEVER)
        spoken += one.spoken
        if one.pass_is_over:
            return spoken
    raise AssertionError


@pytest.mark.parametrize(("end_from", "after", "frames"), [(0, None, 9), (10, None, 13), (10, 0, 10), (10, 1, 11)])
def test_speech_goes_on_for_some_frames_after_the_end_was_heard(end_from: int, after: int | None, frames: int) -> None:
    assert run(speech(after=after), end_from) == frames


def test_no_end_is_believed_before_the_sixth_frame() -> None:
    assert run(speech(after=0), 0) == 6


def test_without_an_end_the_texts_length_bounds_the_pass() -> None:
    assert run(speech(tokens=3), 1000) == 38  # (3 / 3 + 2) s of 12.5 frames, rounded up
    assert run(speech(tokens=50), 1000) == 234


def test_passes_follow_each_other_from_the_start() -> None:
    one = speech(passes=2)
    assert run(one, 0) == 9 and one.next_pass() and one.frame == 0 and one.latent is None
    assert run(one, 1000) == 38 and not one.next_pass()


def test_the_usual_length_is_within_the_longest() -> None:
    for tokens in (1, 10, 50):
        assert 0 < usual_s([Pass((1,) * tokens, 3)]) < tokens / 3 + 2


def test_options_have_a_schema_and_ranges() -> None:
    assert parse_options("pocket", PocketOptions, {"config": "french", "quantize": True, "max_batch": 4}).quantize
    assert set(options_schema(RequestOptions)["properties"]) == {
        "temperature",
        "eos_threshold",
        "noise_clamp",
        "frames_after_eos",
    }
