"""Who does which part of speed, pitch and volume."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.audio.delivery import LIMITS, MIN_NATIVE_VOLUME, Range, check, check_residual, remainder, split
from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Delivery


@dataclass(frozen=True)
class Ranges:
    native_speed: Range | None = None
    native_pitch: Range | None = None
    native_volume: Range | None = None

    def all(self) -> tuple[Range | None, ...]:
        return self.native_speed, self.native_pitch, self.native_volume


deliveries = st.builds(Delivery, **{name: st.floats(low, high) for name, (low, high) in LIMITS.items()})
ranges = st.one_of(st.none(), st.tuples(st.floats(0.1, 1.0), st.floats(1.0, 5.0)))


@given(deliveries, st.builds(Ranges, ranges, ranges, ranges))
def test_the_two_parts_multiply_to_the_whole_and_the_rest_stays_in_range(delivery: Delivery, info: Ranges) -> None:
    native, residual = split(delivery, info)
    for name, (low, high) in LIMITS.items():
        asked, here, after = (getattr(part, name) for part in (delivery, native, residual))
        assert math.isclose(here * after, asked, rel_tol=1e-8, abs_tol=1e-12)
        assert low <= after <= high
        bounds = getattr(info, f"native_{name}")
        assert here == 1.0 if bounds is None else bounds[0] <= here <= bounds[1]
    check(residual)


def test_the_model_does_all_it_can() -> None:
    native, residual = split(Delivery(speed=3.0, pitch=1.5, volume=0.2), Ranges((0.5, 2.0), (0.5, 2.0), (0.0, 1.0)))
    assert native == Delivery(speed=2.0, pitch=1.5, volume=0.2)
    assert residual == Delivery(speed=1.5, pitch=1.0, volume=1.0)


def test_a_model_is_never_asked_for_silence_that_could_not_be_undone() -> None:
    native, residual = split(Delivery(volume=0.0), Ranges(native_volume=(0.0, 2.0)))
    assert (native.volume, residual.volume) == (MIN_NATIVE_VOLUME, 0.0)


@given(deliveries, deliveries, st.builds(Ranges, ranges, ranges, ranges))
def test_what_is_left_after_any_change_of_mind_is_something_the_chain_can_do(
    made: Delivery, wanted: Delivery, info: Ranges
) -> None:
    within = Ranges(*(None if own is None else (max(own[0], 0.25), min(own[1], 4.0)) for own in info.all()))
    check_residual(remainder(wanted, split(made, within)[0]))


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 4.1])
def test_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(InvalidRequest, match=name) as caught:
        split(Delivery(**{name: value}), Ranges())
    assert caught.value.param == name
