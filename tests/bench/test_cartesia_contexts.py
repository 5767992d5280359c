"""What the measure of Cartesia's contexts takes for mixed."""

from __future__ import annotations

import numpy as np
import pytest

from bench.harness import RATE
from bench.measures.cartesia_contexts import Turn, purity


def tone(hertz: float) -> bytes:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)).astype("<i2").tobytes()


def test_a_second_tone_lowers_the_purity() -> None:
    assert purity(tone(300) + tone(300)) > 0.99
    assert purity(tone(300) + tone(500)) < 0.6 and purity(tone(300) * 4 + tone(500) + tone(300) * 4) < 0.95
    assert purity(b"") == purity(bytes(100)) == 0.0


@pytest.mark.parametrize(
    ("audio", "words", "mixed"),
    [
        (tone(300), ["one", "two."], False),
        (tone(300), ["one", "three."], True),
        (tone(300), ["one"], True),
        (tone(300) + tone(500), ["one", "two."], True),
    ],
)
def test_a_context_is_mixed_where_words_or_tone_are_not_its_own(audio: bytes, words: list[str], mixed: bool) -> None:
    assert Turn("one two.", audio=[audio], words=words).mixed is mixed
