"""How many gapless listeners a worker carries, and what becomes of the rest of its capacity."""

from __future__ import annotations

import pytest

from tests.workers.simulation import simulate


@pytest.mark.parametrize("x_realtime", [10, 40])
def test_nine_tenths_of_the_ideal_number_of_listeners_hear_no_gap_and_bulk_gets_the_rest(x_realtime: int):
    streams = round(0.9 * x_realtime)
    heard = simulate(x_realtime, streams, bulk=1, duration_s=60.0)
    book = heard.pop("b0")
    assert all(listener.underrun_s < 1e-6 for listener in heard.values())
    left_s = 60.0 * x_realtime - sum(listener.made_s for listener in heard.values())
    assert book.made_s == pytest.approx(left_s, abs=1.0)
    assert book.made_s > 0.6 * 60.0 * (x_realtime - streams)  # what is not spent on making listeners comfortable


@pytest.mark.parametrize("x_realtime", [10, 40])
def test_listeners_that_come_to_a_worker_busy_with_bulk_start_within_their_target(x_realtime: int):
    heard = simulate(x_realtime, round(0.7 * x_realtime), bulk=3, duration_s=10.0)
    arrivals = {
        name: 100.0 + 2.0 * n / round(0.7 * x_realtime) for n, name in enumerate(n for n in heard if n[0] == "s")
    }
    waits = [first - arrivals[name] for name in arrivals if (first := heard[name].first_at) is not None]
    assert len(waits) == len(arrivals)
    assert max(waits) < 0.2 + 2 * 0.1 / x_realtime


def test_under_overload_everybody_starts_all_suffer_alike_and_nothing_is_wasted():
    heard = simulate(10, 15, bulk=1, duration_s=60.0)
    book = heard.pop("b0")
    made = sorted(listener.made_s for listener in heard.values())
    assert made[0] > 0.8 * made[-1]
    assert sum(made) + book.made_s == pytest.approx(600.0, abs=1.0)
    assert book.made_s < 10.0  # from before the listeners came


def test_bulk_jobs_share_evenly():
    heard = simulate(10, 1, bulk=4, duration_s=40.0)
    made = [heard[f"b{n}"].made_s for n in range(4)]
    assert max(made) - min(made) < 2.0
