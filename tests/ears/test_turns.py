"""When turns begin and end, by scores that are given."""

from __future__ import annotations

import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.ears.events import EarEvent, SpeechStarted, SpeechStopped
from syrinx.ears.settings import EarSettings
from syrinx.ears.turns import Turns


def taken(settings: EarSettings, scores: list[float]) -> list[EarEvent]:
    turns = Turns(settings)
    return [event for score in scores if (event := turns.take(score)) is not None]


def test_a_turn_begins_with_speech_and_ends_after_the_silence() -> None:
    scores = [0.0] * 40 + [0.9] * 20 + [0.0] * 40
    events = taken(EarSettings(), scores)
    assert events == [SpeechStarted(41 * 16, 40 * 16 - 300), SpeechStopped(92 * 16, 92 * 16)]  # 32 steps: 512 ms


def test_the_padding_does_not_reach_before_the_audio() -> None:
    assert taken(EarSettings(), [0.9]) == [SpeechStarted(16, 0)]


def test_two_weak_scores_in_a_row_begin_a_turn_and_one_does_not() -> None:
    settings = EarSettings(prefix_padding_ms=0)
    assert taken(settings, [0.0, 0.2, 0.1, 0.2, 0.1]) == []
    assert taken(settings, [0.0, 0.2, 0.2]) == [SpeechStarted(48, 16)]


def test_a_pause_shorter_than_the_silence_does_not_end_a_turn() -> None:
    pause = [0.0] * 31
    assert taken(EarSettings(), [0.9, *pause, 0.9, *pause, 0.9]) == [SpeechStarted(16, 0)]


def test_a_score_a_little_below_the_threshold_does_not_end_a_turn() -> None:
    assert taken(EarSettings(), [0.5] + [0.4] * 50) == [SpeechStarted(16, 0)]


def test_the_threshold_is_the_score_from_which_it_is_speech() -> None:
    assert taken(EarSettings(threshold=0.8), [0.79, 0.0] * 9) == []
    assert taken(EarSettings(threshold=0.8), [0.8]) == [SpeechStarted(16, 0)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": -0.1},
        {"threshold": 1.1},
        {"threshold": float("nan")},
        {"prefix_padding_ms": -1},
        {"silence_duration_ms": 60_001},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        EarSettings(**wrong)  # pyright: ignore[reportArgumentType]
    assert refused.value.param == next(iter(wrong))
