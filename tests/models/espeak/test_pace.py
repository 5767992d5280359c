from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.models.espeak.pace import NATIVE_SPEED, NORMAL_WPM, expected_s, words_per_minute


def test_normal_speed_is_the_librarys_own() -> None:
    assert words_per_minute(1.0) == NORMAL_WPM


@given(st.floats(0.25, 4.0), st.floats(0.25, 4.0))
def test_the_rate_grows_with_speed_and_stays_within_the_native_range(one: float, two: float) -> None:
    slow, fast = sorted((one, two))
    low, high = (words_per_minute(end) for end in NATIVE_SPEED)
    assert low <= words_per_minute(slow) <= words_per_minute(fast) <= high


@pytest.mark.parametrize(
    ("text", "measured_s"),
    [
        ("12345678", 4.42),
        ("今日はとてもいい天気ですね", 5.98),
        ("你好世界，今天天气很好。", 3.25),
        ("😀😀😀😀", 1.57),
        ("오늘 날씨가 정말 좋네요", 2.25),
        ("Сегодня очень хорошая погода, правда?", 2.4),
    ],
)
def test_slow_scripts_numbers_and_symbols_are_expected_to_take_longer(text: str, measured_s: float) -> None:
    assert 0.65 * measured_s <= expected_s(text, 1.0) <= 1.5 * measured_s
    assert expected_s(text, 2.0) == pytest.approx(expected_s(text, 1.0) / 2)
