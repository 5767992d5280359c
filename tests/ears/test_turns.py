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
    scores = [0.0] * 20 + [0.9] * 10 + [0.0] * 20
    events = taken(EarSettings(), scores)
    assert events == [SpeechStarted(21 * 32, 20 * 32 - 300), SpeechStopped(46 * 32, 46 * 32)]  # 16 windows: 512 ms


def test_the_padding_does_not_reach_before_the_audio() -> None:
    assert taken(EarSettings(), [0.9]) == [SpeechStarted(32, 0)]


def test_a_turn_begins_after_as_many_windows_in_a_row_as_were_asked_for() -> None:
    settings = EarSettings(onset_windows=3, prefix_padding_ms=0)
    assert taken(settings, [0.9, 0.9, 0.1, 0.9, 0.9]) == []
    assert taken(settings, [0.9, 0.9, 0.1, 0.9, 0.9, 0.9]) == [SpeechStarted(6 * 32, 3 * 32)]


def test_a_pause_shorter_than_the_silence_does_not_end_a_turn() -> None:
    pause = [0.0] * 15
    assert taken(EarSettings(), [0.9, *pause, 0.9, *pause, 0.9]) == [SpeechStarted(32, 0)]


def test_a_score_a_little_below_the_threshold_neither_begins_nor_ends_a_turn() -> None:
    assert taken(EarSettings(), [0.4] * 50) == []
    assert taken(EarSettings(), [0.5] + [0.4] * 50) == [SpeechStarted(32, 0)]


def test_the_threshold_is_the_score_from_which_it_is_speech() -> None:
    assert taken(EarSettings(threshold=0.8), [0.79] * 9) == []
    assert taken(EarSettings(threshold=0.8), [0.8]) == [SpeechStarted(32, 0)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": -0.1},
        {"threshold": 1.1},
        {"threshold": float("nan")},
        {"prefix_padding_ms": -1},
        {"silence_duration_ms": 60_001},
        {"onset_windows": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        EarSettings(**wrong)  # pyright: ignore[reportArgumentType]
    assert refused.value.param == next(iter(wrong))
