from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.models.blend import MOST_VOICES, parse_blend

INFO = ModelInfo(
    name="mixer",
    title="Mixer",
    sample_rate=24_000,
    voices=(
        VoiceInfo("af_a", "A", ("en-US",), "female"),
        VoiceInfo("af_b", "B", ("en-US",), "female"),
        VoiceInfo("bm_c", "C", ("en-GB",), "male"),
    ),
    default_voice="af_a",
    licence="MIT",
    voice_blends=True,
)


def test_a_blend_is_voices_with_weights() -> None:
    assert parse_blend("af_a+af_b") == (("af_a", 1.0), ("af_b", 1.0))
    assert parse_blend("af_a(2)+af_b(0.5)") == (("af_a", 2.0), ("af_b", 0.5))
    assert parse_blend("af_a(2)") == (("af_a", 2.0),)
    assert parse_blend("af_a + af_b") == (("af_a", 1.0), ("af_b", 1.0))


@pytest.mark.parametrize(
    "text", ["", "af_a", "+", "a+", "a(0)+b", "a(-1)+b", "a(x)+b", "a((1))", "a(1)b", "a(99999)+b"]
)
def test_what_is_no_blend_is_none(text: str) -> None:
    assert parse_blend(text) is None


def test_a_blend_has_a_bound() -> None:
    assert parse_blend("+".join("a" * MOST_VOICES)) is not None
    assert parse_blend("+".join("a" * (MOST_VOICES + 1))) is None


@given(st.text(max_size=80))
def test_any_text_is_a_blend_or_none(text: str) -> None:
    for name, weight in parse_blend(text) or ():
        assert name and weight > 0


def test_a_blend_of_listed_voices_is_a_voice() -> None:
    blend = INFO.voice("af_a(2)+bm_c")
    assert blend == VoiceInfo("af_a(2)+bm_c", "A + C", ("en-US",), "")
    same = INFO.voice("af_a+af_b")
    assert same is not None and same.gender == "female"
    assert INFO.voice("af_a+nobody") is None and INFO.voice("nobody(2)") is None


def test_only_a_model_that_mixes_has_blends() -> None:
    plain = ModelInfo("plain", "Plain", 24_000, INFO.voices, "af_a", "MIT")
    assert plain.voice("af_a+af_b") is None
