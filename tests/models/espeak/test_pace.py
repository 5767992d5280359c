from __future__ import annotations

import pytest

from syrinx.models.espeak.pace import expected_s


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
    assert 0.65 * measured_s <= expected_s(text) <= 1.5 * measured_s
