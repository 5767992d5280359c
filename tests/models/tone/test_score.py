from __future__ import annotations

import math
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Delivery, Span, SynthesisJob
from syrinx.models.tone.score import (
    AMPLITUDE,
    SAMPLE_RATE,
    SECONDS_PER_CHAR,
    TIMBRES,
    expected_s,
    frequency_of,
    write_score,
)


def job(text: str, **changes: object) -> SynthesisJob:
    return SynthesisJob("j", text, "sine", "en", utterance_id="u", **changes)  # type: ignore[arg-type]


def pitch_of(samples: np.ndarray) -> float:
    """The strongest frequency, Hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / (1 << 18)


def whole(job: SynthesisJob) -> np.ndarray:
    score = write_score(job)
    assert score.total is not None
    return score.samples(0, score.total)


def test_length_follows_text_and_speed() -> None:
    assert len(whole(job("a" * 20))) == round(20 * SECONDS_PER_CHAR * SAMPLE_RATE)
    assert len(whole(job("a" * 20, delivery=Delivery(speed=4)))) == round(5 * SECONDS_PER_CHAR * SAMPLE_RATE)


def test_an_utterance_has_its_own_frequency_the_same_everywhere() -> None:
    assert frequency_of("utt_1") == 537.0  # fixed: listeners in other processes compute it too
    assert frequency_of("utt_1") != frequency_of("utt_2")
    assert pitch_of(whole(job("a" * 30))) == pytest.approx(frequency_of("u"), abs=1)


@given(st.text(max_size=20))
def test_frequencies_lie_between_200_and_1200_hertz(utterance_id: str) -> None:
    assert 200 <= frequency_of(utterance_id) <= 1200


def test_without_an_utterance_the_job_gives_the_frequency() -> None:
    assert write_score(SynthesisJob("u", "hi", "sine", "en")).frequency == frequency_of("u")


def test_pitch_and_volume_are_native() -> None:
    samples = whole(job("a" * 30, delivery=Delivery(pitch=1.5, volume=0.5)))
    assert pitch_of(samples) == pytest.approx(1.5 * frequency_of("u"), abs=1.5)
    assert np.abs(samples).max() == pytest.approx(AMPLITUDE / 2, rel=0.01)


def test_no_voice_at_full_volume_leaves_the_range() -> None:
    for voice in TIMBRES:
        loud = SynthesisJob("j", "loud", voice, "en", delivery=Delivery(volume=2.0))
        assert np.abs(whole(loud)).max() <= 1.0


def test_words_sound_and_the_gaps_between_them_are_silent() -> None:
    text = "one, two"
    samples = whole(job(text))
    at = [round(n * SECONDS_PER_CHAR * SAMPLE_RATE) for n in range(len(text) + 1)]
    assert np.abs(samples[at[3] : at[5]]).max() == 0
    assert np.abs(samples[at[0] : at[3]]).max() > 0.2 and np.abs(samples[at[5] : at[8]]).max() > 0.2
    assert [mark.span for mark in write_score(job(text)).words] == [Span(0, 3), Span(5, 8)]


def test_the_tone_never_jumps() -> None:
    samples = whole(job("several words, in a row!"))
    steepest = 2 * math.pi * frequency_of("u") / SAMPLE_RATE * AMPLITUDE
    assert np.abs(np.diff(samples)).max() <= steepest * 1.2


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=6))
def test_the_cuts_do_not_change_the_samples(sizes: list[int]) -> None:
    score = write_score(job("words that are cut {{long 0.2}} anywhere"))
    bounds = list(accumulate(sizes, initial=0))
    parts = [score.samples(start, end) for start, end in pairwise(bounds)]
    assert np.array_equal(np.concatenate(parts), score.samples(0, bounds[-1]))


def test_long_adds_its_seconds_where_it_stands_and_moves_later_words() -> None:
    plain, longer = write_score(job("one  two")), write_score(job("one {{long 2}} two"))
    assert plain.total is not None and longer.total is not None
    assert longer.total - plain.total == 2 * SAMPLE_RATE
    assert longer.words[1].start_s - plain.words[1].start_s == pytest.approx(2)
    assert longer.words[1].span == Span(15, 18)


def test_the_expected_length_counts_long_but_not_runaway() -> None:
    assert expected_s(job("ab{{long 3}}{{error}}")) == pytest.approx(2 * SECONDS_PER_CHAR + 3)
    assert expected_s(job("ab{{runaway}}cd")) == pytest.approx(4 * SECONDS_PER_CHAR)
    assert write_score(job("ab{{runaway}}cd")).total is None


def test_a_runaway_sounds_for_ever() -> None:
    score = write_score(job("ab{{runaway}}"))
    late = 3600 * SAMPLE_RATE
    assert np.abs(score.samples(late, late + 1000)).max() > 0.2
