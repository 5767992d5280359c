"""Where jobs are cut, and how durations become words, speed and silence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Span
from syrinx.models.kokoro.pieces import FIRST, LEAST, LONGEST, MOST, PACE, Ending, Piece, cut
from syrinx.models.kokoro.timing import HEAD, ONSET, TAILS, at_speed, faded, trimmed, words
from syrinx.models.kokoro.units import Unit


def units(phonemes: str) -> list[Unit]:
    """A unit a word; a comma or stop after one is a unit of its own."""
    made: list[Unit] = []
    at = 0
    for word in phonemes.split():
        core = word.rstrip(",.")
        made.append(Unit(core, Span(at, at + len(core)), spaced=core == word))
        if core != word:
            made.append(Unit(word[len(core) :], spaced=True))
        at += len(word) + 1
    return made


SENTENCE = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˈOvəɹ ðə lˈAzi dˈɔɡ, ænd ðɛn ɪt slˈips fɔɹ ɐ lˈɔŋ wˈIl ɪn ðə sˈʌn."


def said_by(pieces: Sequence[Piece]) -> str:
    return " ".join(piece.phonemes for piece in pieces)


def test_nothing_is_lost_and_the_first_piece_is_the_shortest() -> None:
    made = cut(units(SENTENCE), 0)
    assert said_by(made) == SENTENCE
    sizes = [len(piece.phonemes) for piece in made]
    assert sizes[0] <= FIRST * LONGEST and sizes[0] == min(sizes)


@given(st.lists(st.text(alphabet="aˈə,.", min_size=1, max_size=9), min_size=1, max_size=60))
def test_each_piece_is_made_while_those_before_it_are_heard(words_said: list[str]) -> None:
    """On a computer as fast as ``PACE``, which spends a little on each piece beside (``LEAST`` phonemes' time)."""
    sizes = [len(piece.phonemes) for piece in cut([Unit(word, spaced=True) for word in words_said], 0)]
    for n in range(1, len(sizes)):
        most = max(FIRST * LONGEST, sum(sizes[:n]) / PACE - sum(sizes[1:n]))
        assert sizes[n] <= most


def test_a_piece_ends_at_the_best_place_within_its_bounds() -> None:
    pieces = cut(units(f"{SENTENCE} {SENTENCE}"), 1)
    assert pieces[0].phonemes.endswith("dˈɔɡ,") and pieces[0].ending is Ending.CLAUSE
    assert pieces[1].phonemes.endswith("sˈʌn.") and pieces[1].ending is Ending.SENTENCE


def test_a_cut_does_not_follow_a_word_that_leans_on_the_next() -> None:
    first, _ = cut(units("sˈʌmwˌʌn sˈɛd ðə fˈɜɹst θˈɪŋ"), 0)
    assert first.phonemes == "sˈʌmwˌʌn sˈɛd"


def test_later_segments_are_said_in_longer_pieces() -> None:
    assert [len(cut(units(SENTENCE), n)) for n in range(4)] == [4, 2, 1, 1]


def test_no_piece_is_longer_than_is_asked() -> None:
    assert max(len(piece.phonemes) for piece in cut(units(f"{SENTENCE} {SENTENCE}"), 9, 40)) <= 40 * LONGEST


def test_a_text_without_a_stop_keeps_its_end() -> None:
    assert cut(units("hˈi"), 0)[-1].ending is Ending.SENTENCE


@given(st.lists(st.text(alphabet="aˈə,.", min_size=1, max_size=200), max_size=30), st.integers(0, 9))
def test_any_units_are_cut_within_bounds(texts: list[str], index: int) -> None:
    made = cut([Unit(text, spaced=n % 3 > 0) for n, text in enumerate(texts)], index)
    assert all(0 < len(piece.phonemes) <= MOST * LONGEST for piece in made)
    assert sum(len(p.phonemes.replace(" ", "")) for p in made) == sum(len(t) for t in texts)


def test_no_crumb_is_left_over() -> None:
    for count in range(10, 60):
        made = cut([Unit("ˈa", spaced=True)] * count, 0)
        assert len(made[-1].phonemes) + 1 >= min(FIRST / 2, 3 * count)


def test_the_end_of_a_sentence_is_not_said_by_itself() -> None:
    made = cut(units("ðə mˈɔɹnɪŋ tɹˈAn wʌz lˈAt əɡˈɛn bəkˈʌz ʌv hˈɛvi snˈO ɪn tˈWn."), 0)
    assert made[-1].phonemes == "ʌv hˈɛvi snˈO ɪn tˈWn." and len(made[-1].phonemes) >= LEAST


# --- speed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.0, 1.3, 1.5, 2.0])
def test_speed_is_met_to_the_frame_over_a_piece(speed: float) -> None:
    frames = np.random.default_rng(1).integers(2, 9, 60)
    made = at_speed(frames, speed)
    assert abs(int(made.sum()) - frames.sum() / speed) <= 1
    assert made.min() >= 1 and len(made) == len(frames)


def test_where_sounds_are_as_short_as_they_get_longer_ones_give_way() -> None:
    frames = np.array([3, 1, 1, 1, 1, 9, 9, 3])
    assert int(at_speed(frames, 2.0).sum()) == 14


# --- silence and words ---------------------------------------------------------------------------------------------


def piece_of(*parts: Unit) -> Piece:
    return Piece(parts, Ending.CLAUSE)


def test_silence_is_cut_to_what_is_kept() -> None:
    frames = np.array([15, 3, 3, 20])
    assert trimmed(frames, Ending.SENTENCE, 1.0) == (15 - HEAD, 20 - TAILS[Ending.SENTENCE])
    assert trimmed(frames, Ending.CLAUSE, 1.0) == (15 - HEAD, 20 - TAILS[Ending.CLAUSE])
    assert trimmed(np.array([2, 3, 1]), Ending.CLAUSE, 1.0) == (0, 0)


def test_words_are_where_their_phonemes_are() -> None:
    piece = piece_of(Unit("ab", Span(0, 2), spaced=True), Unit("c", Span(3, 4)), Unit(","))
    frames = np.array([10, 4, 4, 2, 4, 4, 4])
    first, second = words(piece, frames, 6)
    assert (first.span, second.span) == (Span(0, 2), Span(3, 4))
    at = (10 - 6 - ONSET) * 0.025
    assert (first.start_s, first.end_s) == pytest.approx((at, at + 9 * 0.025))
    assert (second.start_s, second.end_s) == pytest.approx((first.end_s, first.end_s + 5 * 0.025))


def test_units_of_one_word_are_one_mark() -> None:
    span = Span(0, 4)
    piece = piece_of(Unit("a", span, spaced=True), Unit("b", span, spaced=True), Unit("c", Span(5, 6)))
    made = words(piece, np.array([3, 2, 2, 2, 2, 2, 3]), 0)
    assert [mark.span for mark in made] == [span, Span(5, 6)]
    assert all(a.end_s <= b.start_s for a, b in pairwise(made))


def test_pieces_begin_and_end_in_silence() -> None:
    made = faded(np.ones(1000, np.float32))
    assert made[0] == 0 and made[-1] == 0 and made[500] == 1
    assert np.abs(np.diff(made)).max() < 0.02
    assert len(faded(np.ones(3, np.float32))) == 3
