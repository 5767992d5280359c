"""Where in the output a place of the input lies, however the speed changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.audio.timemap import TimeMap

speeds = st.floats(0.0625, 16.0)
parts = st.lists(st.tuples(st.integers(0, 50_000), speeds), max_size=8)


def built(first: float, changes: list[tuple[int, float]]) -> tuple[TimeMap, list[tuple[int, float]]]:
    """The map, and each part as (length, speed) but the last."""
    made, at, done, speed = TimeMap(first), 0, list[tuple[int, float]](), first
    for length, after in changes:
        at += length
        made.change(at, after)
        done.append((length, speed))
        speed = after
    return made, done


@given(speeds, parts)
def test_each_part_lasts_its_length_over_its_speed(first: float, changes: list[tuple[int, float]]) -> None:
    made, done = built(first, changes)
    end = sum(length for length, _ in done)
    assert made.out(end) == pytest.approx(sum(length / speed for length, speed in done))
    assert made.out(end + 1000) - made.out(end) == pytest.approx(1000 / made.speed)


@given(speeds, parts, st.floats(0, 400_000))
def test_there_and_back(first: float, changes: list[tuple[int, float]], position: float) -> None:
    made, _ = built(first, changes)
    assert made.at(made.out(position)) == pytest.approx(position, abs=1e-3)


@given(speeds, parts)
def test_what_is_forgotten_was_before(first: float, changes: list[tuple[int, float]]) -> None:
    made, done = built(first, changes)
    end = sum(length for length, _ in done)
    wanted = [made.out(end + ahead) for ahead in (-1 if not changes else 0, 10, 10_000)]
    made.forget(end)
    assert [made.out(end + ahead) for ahead in (-1 if not changes else 0, 10, 10_000)] == wanted


def test_before_the_beginning_time_runs_as_at_it() -> None:
    made = TimeMap(2.0)
    made.change(100, 4.0)
    assert made.out(-10) == -5.0


def test_the_same_speed_again_is_no_part_of_its_own() -> None:
    made = TimeMap(1.0)
    for at in range(1000):
        made.change(at, 1.0)
    made.change(5.0, 2.0)
    made.change(5.0, 3.0)  # nothing lay between
    assert made.out(8.0) == 6.0
