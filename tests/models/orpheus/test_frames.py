"""Tokens to frames: no code is lost, and a stray token costs one frame at most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.models.orpheus.frames import CODES, SLOTS, Framer, levels_of, tokens_of
from syrinx.models.orpheus.ids import TokenIds

BASE = TokenIds().audio_base
codes = st.one_of(st.sampled_from([0, CODES - 1]), st.integers(0, CODES - 1))
frames = st.tuples(*[codes] * SLOTS)
foreign = st.one_of(st.integers(0, BASE - 1), st.integers(BASE + SLOTS * CODES, 10**7))


def framed(ids: list[int]) -> list[tuple[int, ...]]:
    return Framer(BASE).feed(ids)


@pytest.mark.parametrize("code", [0, CODES - 1])
@pytest.mark.parametrize("slot", range(SLOTS))
def test_4_09_codes_0_and_4095_are_codes_at_every_slot(code: int, slot: int) -> None:
    frame = tuple(code if n == slot else 7 for n in range(SLOTS))
    ids = tokens_of([frame], BASE)
    assert ids[slot] == 128266 + 4096 * slot + code
    assert framed(ids) == [frame]


def test_4_09_a_frame_is_laid_out_on_the_three_levels() -> None:
    levels = levels_of([(0, 1, 2, 3, 4, 5, 6), (10, 11, 12, 13, 14, 15, 16)])
    assert [level.tolist() for level in levels] == [[0, 10], [1, 4, 11, 14], [2, 3, 5, 6, 12, 13, 15, 16]]


@given(st.lists(frames, max_size=20), st.data())
def test_4_10_every_frame_comes_out_however_the_tokens_are_cut(
    wanted: list[tuple[int, ...]], data: st.DataObject
) -> None:
    ids, framer, got = tokens_of(wanted, BASE), Framer(BASE), []
    while ids:
        size = data.draw(st.integers(1, len(ids)))
        got += framer.feed(ids[:size])
        ids = ids[size:]
    assert got == wanted and framer.strays == 0


@given(st.lists(frames, max_size=10), foreign, st.integers(0, 70))
def test_4_12_an_id_that_is_no_audio_costs_nothing(wanted: list[tuple[int, ...]], stray: int, place: int) -> None:
    ids = tokens_of(wanted, BASE)
    ids.insert(place, stray)
    assert framed(ids) == wanted


@given(st.lists(frames, min_size=1, max_size=10), st.integers(0, SLOTS * CODES - 1), st.data())
def test_4_12_a_stray_audio_token_costs_one_frame_at_most(
    wanted: list[tuple[int, ...]], stray: int, data: st.DataObject
) -> None:
    ids = tokens_of(wanted, BASE)
    place = data.draw(st.integers(0, len(ids)))
    ids.insert(place, BASE + stray)
    got, spoiled = framed(ids), place // SLOTS
    clean = wanted[:spoiled] + wanted[spoiled + 1 :]
    assert got == clean or got[:spoiled] + got[spoiled + 1 :] == clean


@given(st.lists(frames, min_size=2, max_size=10), st.data())
def test_4_12_a_token_that_is_lost_costs_its_own_frame_and_no_other(
    wanted: list[tuple[int, ...]], data: st.DataObject
) -> None:
    ids = tokens_of(wanted, BASE)
    place = data.draw(st.integers(0, len(ids) - 1))
    del ids[place]
    lost = place // SLOTS
    assert framed(ids) == wanted[:lost] + wanted[lost + 1 :]


@given(st.lists(st.one_of(st.integers(BASE, BASE + SLOTS * CODES - 1), foreign), max_size=100))
def test_4_12_any_ids_at_all_give_whole_frames_of_legal_codes(ids: list[int]) -> None:
    framer = Framer(BASE)
    got = framer.feed(ids)
    assert all(len(frame) == SLOTS and all(0 <= code < CODES for code in frame) for frame in got)
    assert 0 <= len(ids) - len(got) * SLOTS - framer.strays < SLOTS
