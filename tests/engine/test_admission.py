"""Admission decides from numbers alone: caps, the predicted wait, what the model carries, and whose turn it is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import Overloaded
from syrinx.core.types import ServiceClass
from syrinx.engine.admission import Admission, AdmissionPolicy, Ticket
from syrinx.workers.host import HostLoad
from syrinx.workers.meter import CostBySize, StepCost

FAST = HostLoad(StepCost(0.01, 0), max_batch=1)


def ticket(name: str, owner: str = "", *, bulk: bool = False) -> Ticket:
    return Ticket(name, owner or name, ServiceClass.BULK if bulk else ServiceClass.INTERACTIVE)


def test_1_19_never_more_than_the_cap_run() -> None:
    admission = Admission(AdmissionPolicy(max_running=2, max_queued=9, wait_sla_s=1e9))
    assert [admission.request(ticket(f"t{i}"), 0.0, FAST) for i in range(4)] == [True, True, False, False]
    assert (admission.running, admission.queued) == (2, 2)


def test_1_20_the_next_one_over_the_queue_cap_is_refused() -> None:
    admission = Admission(AdmissionPolicy(max_running=1, max_queued=1, wait_sla_s=1e9))
    admission.request(ticket("a"), 0.0, FAST)
    admission.request(ticket("b"), 0.0, FAST)
    with pytest.raises(Overloaded) as refused:
        admission.request(ticket("c"), 0.0, FAST)
    assert refused.value.retry_after_s > 0


def test_1_21_slow_utterances_are_refused_early_and_fast_ones_wait() -> None:
    admission = Admission(AdmissionPolicy(max_running=1, max_queued=9, wait_sla_s=1.0, initial_wall_s=2.5))
    admission.request(ticket("first"), 0.0, FAST)
    with pytest.raises(Overloaded) as refused:
        admission.request(ticket("slow"), 0.0, FAST)
    assert refused.value.retry_after_s == pytest.approx(1.25)  # (0 + 0.5) / 1 * 2.5
    for n in range(20):  # quick utterances bring the average down
        admission.release("first" if n == 0 else f"q{n}", 0.1)
        admission.request(ticket(f"q{n + 1}"), 0.05, FAST)
    assert admission.request(ticket("fast"), 1.0, FAST) is False


def test_the_wait_follows_the_formula_as_the_line_grows() -> None:
    admission = Admission(AdmissionPolicy(max_running=2, max_queued=99, wait_sla_s=1e9, initial_wall_s=2.0))
    for n in range(5):
        admission.request(ticket(f"t{n}"), 0.0, None)
    assert admission.expected_wait_s(None) == pytest.approx((3 + 0.5) / 2 * 2.0)


def test_a_model_that_carries_three_listeners_is_given_three() -> None:
    admission = Admission(AdmissionPolicy(max_running=50, max_queued=50, wait_sla_s=1e9))
    load = HostLoad(StepCost(1 / 3.4, 0), max_batch=1)
    assert [admission.request(ticket(f"t{i}"), 0.0, load) for i in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("cost", "workers", "places"),
    [
        (StepCost(1 / 1.2, 0.0), 1, 9),  # rows are free: 8 of them at 1.2 each carry 9 in turns
        (StepCost(0.3, 0.15), 1, 4),  # 4 rows cost 0.9, 5 would cost 1.05
        (StepCost(0.3, 0.15), 3, 12),
    ],
)
def test_the_places_are_those_that_a_batch_can_carry(cost: StepCost, workers: int, places: int) -> None:
    admission = Admission(AdmissionPolicy(max_running=50, max_queued=50, wait_sla_s=1e9))
    load = HostLoad(cost, max_batch=8, workers=workers)
    assert sum(admission.request(ticket(f"t{i}"), 0.0, load) for i in range(20)) == places


@pytest.mark.parametrize(
    ("head_start_s", "audio_s", "places"),
    [
        (0.0, 10.0, 4),
        (2.0, 10.0, 6),  # 6 rows cost 1.2: ten seconds of audio end 2 s after real time
        (2.0, 60.0, 4),  # 4.9 rows cost 1.033
        (99.0, 10.0, 8),
    ],
)
def test_more_are_let_in_where_a_head_start_makes_up_for_it(head_start_s: float, audio_s: float, places: int) -> None:
    admission = Admission(AdmissionPolicy(max_queued=50, wait_sla_s=1e9, head_start_s=head_start_s))
    load = HostLoad(StepCost(0.3, 0.15), max_batch=8)
    admission.request(ticket("before"), 0.0, load)
    admission.release("before", audio_s, audio_s=audio_s)
    assert sum(admission.request(ticket(f"t{i}"), 0.0, load) for i in range(20)) == places


def test_a_long_utterance_is_remembered_for_a_while_and_a_word_says_little() -> None:
    policy = AdmissionPolicy(max_queued=50, wait_sla_s=1e9, head_start_s=2.0, initial_wall_s=1.0)
    admission, load = Admission(policy), HostLoad(StepCost(0.3, 0.15), max_batch=8)

    def let_in() -> int:
        count = sum(admission.request(ticket(f"t{i}"), 0.0, load) for i in range(20))
        for i in range(20):
            admission.release(f"t{i}", 0.0, audio_s=None)  # given up: tells nothing
        return count

    assert let_in() == 8
    for length_s, expected in ((60.0, 4), (0.1, 4), *((0.1, 0),) * 30):
        admission.request(ticket("one"), 0.0, load)
        admission.release("one", 1.0, audio_s=length_s)
        assert not expected or let_in() == expected
    assert let_in() == 8


def test_what_gets_no_head_start_needs_places_in_which_nobody_falls_behind() -> None:
    admission = Admission(AdmissionPolicy(max_queued=50, wait_sla_s=1e9, head_start_s=2.0, initial_wall_s=1.0))
    load = HostLoad(StepCost(0.3, 0.15), max_batch=8)
    admission.request(ticket("token by token"), 0.0, load)
    admission.release("token by token", 1.0, audio_s=math.inf)
    for _ in range(20):
        assert sum(admission.request(ticket(f"t{i}"), 0.0, load) for i in range(20)) == 4
        for i in range(20):
            admission.release(f"t{i}", 0.0)
    for _ in range(40):
        admission.request(ticket("whole"), 0.0, load)
        admission.release("whole", 1.0, audio_s=1.0)
    assert sum(admission.request(ticket(f"t{i}"), 0.0, load) for i in range(20)) == 8


def test_what_comes_from_the_cache_says_nothing_of_how_long_a_head_start_is_needed() -> None:
    policy = AdmissionPolicy(max_queued=50, wait_sla_s=1e9, head_start_s=2.0, initial_wall_s=60.0)
    admission, load = Admission(policy), HostLoad(StepCost(0.3, 0.15), max_batch=8)
    for _ in range(50):
        admission.request(ticket("greeting"), 0.0, load)
        admission.release("greeting", 0.1, audio_s=0.5, measured=False)
    assert sum(admission.request(ticket(f"t{i}"), 0.0, load) for i in range(20)) == 4


def test_one_row_at_a_time_gains_nothing_by_sharing() -> None:
    admission = Admission(AdmissionPolicy(max_queued=50, wait_sla_s=1e9, head_start_s=99.0))
    load = HostLoad(StepCost(1 / 3.4, 0), max_batch=1)
    assert sum(admission.request(ticket(f"t{i}"), 0.0, load) for i in range(5)) == 3


def test_where_listeners_share_all_begin_whatever_the_model_carries() -> None:
    admission = Admission(AdmissionPolicy(max_running=6, max_queued=50, wait_sla_s=1e9, share=True))
    load = HostLoad(StepCost(2.0, 0), max_batch=1)
    assert sum(admission.request(ticket(f"t{i}"), 0.0, load) for i in range(9)) == 6


def test_a_model_too_slow_for_anyone_still_serves_one_at_a_time() -> None:
    admission = Admission(AdmissionPolicy(wait_sla_s=1e9))
    load = HostLoad(StepCost(1 / 0.3, 0), max_batch=1)
    assert admission.request(ticket("a"), 0.0, load) is True
    assert admission.request(ticket("b"), 0.0, load) is False


def test_bulk_work_leaves_room_for_listeners_and_is_never_refused_for_the_wait() -> None:
    admission = Admission(AdmissionPolicy(max_running=4, max_queued=9, wait_sla_s=0.0))
    assert [admission.request(ticket(f"b{i}", bulk=True), 0.0, FAST) for i in range(3)] == [True, True, False]
    assert admission.request(ticket("listener"), 0.0, FAST) is True


def test_listeners_pass_bulk_work_in_the_line_and_owners_take_turns() -> None:
    admission = Admission(AdmissionPolicy(max_running=2, max_queued=9, wait_sla_s=1e9))
    admission.request(ticket("a1", "a"), 0.0, FAST)
    admission.request(ticket("a2", "a"), 0.0, FAST)
    for name, owner, bulk in (("book", "c", True), ("a3", "a", False), ("b1", "b", False)):
        admission.request(ticket(name, owner, bulk=bulk), 0.0, FAST)
    admission.release("a1", 1.0)
    assert admission.admit(1.0, FAST) == ["b1"]
    admission.release("a2", 1.0)
    assert admission.admit(1.0, FAST) == ["a3"]


def test_a_newcomer_does_not_pass_those_who_wait() -> None:
    admission = Admission(AdmissionPolicy(max_running=1, max_queued=9, wait_sla_s=1e9))
    admission.request(ticket("a"), 0.0, FAST)
    admission.request(ticket("b"), 0.0, FAST)
    admission.release("a", 1.0)
    assert admission.request(ticket("c"), 1.0, FAST) is False
    assert admission.admit(1.0, FAST) == ["b"]


@given(st.lists(st.tuples(st.sampled_from(["ask", "bulk", "release"]), st.integers(0, 9)), max_size=60))
def test_caps_hold_and_nobody_is_lost_whatever_happens(script: list[tuple[str, int]]) -> None:
    policy = AdmissionPolicy(max_running=3, max_queued=2, wait_sla_s=1e9)
    admission = Admission(policy)
    inside: set[str] = set()
    running: set[str] = set()
    for now, (what, number) in enumerate(script):
        name = f"t{number}"
        if what == "release":
            admission.release(name, float(now))
            inside.discard(name)
            running.discard(name)
        elif name not in inside:
            try:
                if admission.request(ticket(name, bulk=what == "bulk"), float(now), FAST):
                    running.add(name)
                inside.add(name)
            except Overloaded:
                assert admission.queued == policy.max_queued
        running.update(admission.admit(float(now), FAST))
        assert admission.running == len(running) <= policy.max_running
        assert admission.queued == len(inside - running) <= policy.max_queued
    for name in list(inside):
        admission.release(name, 1e3)
        admission.admit(1e3, FAST)
    assert (admission.running, admission.queued) == (0, 0)


def test_a_book_tells_nothing_of_how_long_listeners_wait() -> None:
    admission = Admission(AdmissionPolicy(initial_wall_s=2.0))
    admission.request(ticket("book", bulk=True), 0.0, FAST)
    admission.release("book", 3600.0)
    assert admission.mean_wall_s == 2.0


def test_bulk_work_in_the_line_does_not_lengthen_a_listeners_wait() -> None:
    admission = Admission(AdmissionPolicy(max_running=2, max_queued=50, wait_sla_s=2.0, initial_wall_s=2.0))
    for n in range(2):
        admission.request(ticket(f"t{n}"), 0.0, FAST)
    for n in range(40):
        admission.request(ticket(f"b{n}", bulk=True), 0.0, FAST)
    assert admission.expected_wait_s(FAST) == pytest.approx(0.5)
    assert admission.request(ticket("t2"), 0.0, FAST) is False


def test_a_stall_of_a_busy_model_takes_a_part_of_its_places_only() -> None:
    costs = CostBySize()
    for _ in range(2000):
        costs.stepped(0.01, rows=1, audio_s=0.4)
    before = places(costs)
    costs.stepped(3.0, rows=1, audio_s=0.4)
    assert before == 40
    assert places(costs) > before / 2


def places(costs: CostBySize) -> int:
    admission = Admission(AdmissionPolicy(max_running=999, max_queued=0))
    load = HostLoad(costs.cost, 1)
    for n in range(999):
        try:
            admission.request(ticket(f"t{n}"), 0.0, load)
        except Overloaded:
            return n
    return 999


@pytest.mark.parametrize("cost", [0.0, 1e-300, math.inf, math.nan])
def test_a_cost_that_makes_no_sense_neither_breaks_nor_refuses_the_first(cost: float) -> None:
    admission = Admission(AdmissionPolicy(max_running=4, wait_sla_s=1e9))
    load = HostLoad(StepCost(cost, cost), max_batch=1)
    assert admission.request(ticket("a"), 0.0, load) is True
    assert 0 <= admission.expected_wait_s(load) < math.inf
