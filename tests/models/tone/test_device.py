from __future__ import annotations

import pytest

from syrinx.core.clock import FakeClock
from syrinx.models.tone.device import LATE_S, Device, Effects


class LateSleeper:
    """A clock whose sleeps overshoot by a fixed time."""

    def __init__(self, late_s: float) -> None:
        self.clock = FakeClock()
        self.late_s = late_s

    def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds + self.late_s)


def test_many_short_costs_add_up_though_every_sleep_is_late() -> None:
    sleeper = LateSleeper(0.0007)
    device = Device(Effects(sleeper.clock, sleeper.sleep))
    for _ in range(1000):
        device.spend(0.001)
    assert sleeper.clock.now() == pytest.approx(1.0, abs=0.002)


def test_time_spent_between_costs_is_part_of_them() -> None:
    clock = FakeClock()
    device = Device(Effects(clock, clock.advance))
    for _ in range(100):
        clock.advance(0.004)
        device.spend(0.010)
    assert clock.now() == pytest.approx(1.0, abs=0.005)


def test_after_idling_the_full_cost_is_waited_for() -> None:
    clock = FakeClock()
    device = Device(Effects(clock, clock.advance))
    device.spend(0.01)
    clock.advance(60)
    start = clock.now()
    device.spend(0.01)
    assert clock.now() - start == pytest.approx(0.01)


def test_no_more_than_one_cost_is_owed() -> None:
    clock = FakeClock()
    device = Device(Effects(clock, clock.advance))
    clock.advance(2 * LATE_S)
    device.spend(LATE_S)
    assert clock.now() == pytest.approx(3 * LATE_S)
