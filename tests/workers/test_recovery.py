"""When the next worker starts, and which jobs it gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syrinx.core.errors import ModelFailed, WorkerLost
from syrinx.workers.recovery import Casualty, RestartPolicy, Restarts, RetryPolicy, reason_to_fail

UNHEARD = Casualty(suspect=False, suspected=0, retries=0, heard=False, repeatable=False)
HEARD = replace(UNHEARD, heard=True, repeatable=True)


def test_the_first_restart_is_at_once_and_the_wait_then_doubles_to_its_limit():
    restarts = Restarts(RestartPolicy())
    waits = [restarts.died(now=float(n), ready_at=float(n)) for n in range(10)]
    assert waits == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert [restarts.died(n, n) for n in range(10, 2000)][-1] == 30.0


def test_a_healthy_minute_forgives_the_past():
    restarts = Restarts(RestartPolicy())
    for _ in range(4):
        restarts.died(1.0, 1.0)
    assert restarts.died(now=62.0, ready_at=2.0) == 0.0


def test_five_deaths_while_loading_in_a_row_are_the_end_and_a_good_load_between_starts_anew():
    restarts = Restarts(RestartPolicy())
    assert [restarts.died(0.0, None) for _ in range(4)] == [0.0, 0.5, 1.0, 2.0]
    restarts.died(0.0, 0.0)
    assert all(restarts.died(0.0, None) is not None for _ in range(4))
    assert restarts.died(0.0, None) is None


@pytest.mark.parametrize(
    ("casualty", "error"),
    [
        (UNHEARD, None),
        (replace(UNHEARD, retries=2), None),
        (replace(UNHEARD, retries=3), WorkerLost),
        (replace(UNHEARD, suspect=True), None),
        (replace(UNHEARD, suspect=True, suspected=1, retries=1), ModelFailed),
        (replace(UNHEARD, suspected=1, retries=1), None),
        (replace(UNHEARD, heard=True), WorkerLost),
        (HEARD, None),
        (replace(HEARD, retries=1), None),
        (replace(HEARD, retries=2), WorkerLost),
        (replace(HEARD, suspect=True), None),
        (replace(HEARD, suspect=True, suspected=1), WorkerLost),
    ],
)
def test_jobs_are_tried_again_within_their_limits(casualty: Casualty, error: type[ModelFailed] | None):
    reason = reason_to_fail(casualty, "It ended.", RetryPolicy())
    if error is None:
        assert reason is None
    else:
        assert type(reason) is error and str(reason).endswith("It ended.")
