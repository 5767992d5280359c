"""What ``pick`` promises, as properties over any set of candidates."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import ServiceClass
from syrinx.workers.schedule import Candidate, SchedulePolicy, pick
from syrinx.workers.usage import Usage

NOW = 1000.0
BULK, INTERACTIVE = ServiceClass.BULK, ServiceClass.INTERACTIVE
times = st.floats(-20, 20).map(lambda s: NOW + s)


@st.composite
def candidate_lists(draw: st.DrawFn, alone: bool = False) -> list[Candidate]:
    size = draw(st.integers(0, 12))
    made = []
    for order in range(size):
        service_class = draw(st.sampled_from(ServiceClass))
        made.append(
            Candidate(
                job_id=f"job{order}",
                owner=draw(st.sampled_from("abc")),
                order=order,
                service_class=service_class,
                due=math.inf if service_class is BULK else draw(times),
                heard=draw(st.booleans()),
                ready_at=draw(st.one_of(st.just(-math.inf), times)),
                alone=draw(st.booleans()) if alone else False,
            )
        )
    return made


policies = st.builds(SchedulePolicy, max_batch=st.integers(1, 8))


@given(candidate_lists(), policies)
def test_works_whenever_somebody_could_step_and_fills_the_batch(candidates: list[Candidate], policy: SchedulePolicy):
    ready = [c.job_id for c in candidates if c.ready_at <= NOW]
    picked = pick(NOW, candidates, Usage(), policy)
    assert len(picked.job_ids) == min(len(ready), policy.max_batch)
    assert set(picked.job_ids) <= set(ready)
    assert len(set(picked.job_ids)) == len(picked.job_ids)
    assert 0 <= picked.spare <= len(picked.job_ids)


@given(candidate_lists(), policies)
def test_wakes_when_the_next_job_may_go_on(candidates: list[Candidate], policy: SchedulePolicy):
    waiting = [c for c in candidates if c.ready_at > NOW]
    picked = pick(NOW, candidates, Usage(), policy)
    assert picked.wake_at == min((c.ready_at for c in waiting), default=math.inf)
    if waiting:
        later = pick(picked.wake_at, waiting, Usage(), policy)
        assert later.job_ids


@given(candidate_lists(alone=True), policies)
def test_a_job_that_must_be_alone_never_shares_a_step_and_is_not_left_out(
    candidates: list[Candidate], policy: SchedulePolicy
):
    alone = {c.job_id for c in candidates if c.alone}
    picked = pick(NOW, candidates, Usage(), policy)
    assert len(picked.job_ids) == 1 or not alone & set(picked.job_ids)
    assert bool(picked.job_ids) == any(c.ready_at <= NOW for c in candidates)


@given(candidate_lists(), policies)
def test_while_nobody_ran_dry_listeners_come_by_deadline_and_before_all_others(
    candidates: list[Candidate], policy: SchedulePolicy
):
    in_time = [c for c in candidates if c.due > NOW]
    urgent = [c for c in in_time if c.ready_at <= NOW and c.due - NOW < policy.comfortable_lead_s]
    protected = [c for c in urgent if c.heard and c.due - NOW <= policy.protected_lead_s]
    wanted = sorted(urgent, key=lambda c: (c not in protected, c.due, c.order))
    picked = pick(NOW, in_time, Usage(), policy)
    count = min(len(wanted), policy.max_batch)
    assert list(picked.job_ids[:count]) == [c.job_id for c in wanted[:count]]
    assert picked.spare == len(picked.job_ids) - count


def test_a_stream_about_to_run_dry_goes_before_a_new_one_that_is_due_earlier():
    heard = Candidate("heard", "a", 1, due=NOW + 0.05, heard=True)
    new = Candidate("new", "b", 0, due=NOW - 1)
    assert pick(NOW, [new, heard], Usage(), SchedulePolicy()).job_ids == ("heard",)


def test_a_new_stream_that_waited_past_all_patience_is_no_longer_put_off():
    heard = Candidate("heard", "a", 1, due=NOW + 0.05, heard=True)
    new = Candidate("new", "b", 0, due=NOW - 6)
    assert pick(NOW, [new, heard], Usage(), SchedulePolicy()).job_ids == ("new",)


def test_when_streams_run_dry_the_owner_of_one_is_served_before_the_owner_of_many():
    usage = Usage()
    for _ in range(50):
        usage.charge(NOW, (INTERACTIVE, "greedy"), 0.1)
    greedy = [Candidate(f"g{n}", "greedy", n, due=NOW - 1, heard=True) for n in range(50)]
    modest = Candidate("modest", "modest", 99, due=NOW + 0.05, heard=True)
    assert pick(NOW, [*greedy, modest], usage, SchedulePolicy()).job_ids == ("modest",)


def _shares(candidates: list[Candidate], steps: int, max_batch: int = 1) -> Counter[str]:
    """Step the same candidates again and again, 40 ms of audio a step, and count who got how many."""
    usage, policy, served = Usage(), SchedulePolicy(max_batch=max_batch), Counter[str]()
    by_id = {c.job_id: c for c in candidates}
    for step in range(steps):
        now = NOW + step * 0.01
        picked = pick(now, candidates, usage, policy)
        for index, job_id in enumerate(picked.job_ids):
            candidate = by_id[job_id]
            usage.charge(now, (candidate.service_class, candidate.owner), 0.04)
            if index >= len(picked.job_ids) - picked.spare:
                usage.charge(now, candidate.service_class, 0.04)
            served[job_id] += 1
    return served


def test_what_is_left_is_shared_by_the_quanta():
    comfortable = Candidate("i", "a", 0, due=math.inf)
    bulk = Candidate("b", "b", 1, BULK)
    served = _shares([comfortable, bulk], 9000)
    assert 7.5 < served["b"] / served["i"] < 8.5  # 16384 / 2048


def test_an_owners_share_does_not_grow_with_the_number_of_its_jobs():
    many = [Candidate(f"m{n}", "many", n, BULK) for n in range(20)]
    served = _shares([*many, Candidate("one", "one", 50, BULK)], 2000)
    assert 0.45 < served["one"] / 2000 < 0.55


def test_a_batch_is_shared_between_owners_too():
    many = [Candidate(f"m{n}", "many", n, BULK) for n in range(20)]
    few = [Candidate(f"f{n}", "few", 50 + n, BULK) for n in range(2)]
    picked = pick(NOW, [*many, *few], Usage(), SchedulePolicy(max_batch=4))
    assert sorted(job_id[0] for job_id in picked.job_ids) == ["f", "f", "m", "m"]


@given(candidate_lists())
def test_nobody_who_stays_ready_is_starved(candidates: list[Candidate]):
    """Listeners are comfortable here: an interactive stream that wants all there is, for ever, is cut by lead caps."""
    ready = [c for c in candidates if c.ready_at <= NOW]
    lasting = [
        Candidate(c.job_id, c.owner, c.order, c.service_class, due=math.inf)
        for c in {c.owner: c for c in ready}.values()
    ]
    served = _shares(lasting, 400)
    assert all(served[c.job_id] for c in lasting)


def test_usage_forgets_and_its_table_stays_small():
    usage = Usage(forget_s=1.0)
    usage.charge(0.0, "early", 1.0)
    usage.charge(3.0, "late", 1.0)
    assert usage.of("late") == 1.0
    assert 0.04 < usage.of("early") < 0.06  # e**-3
    for n in range(3000):
        usage.charge(3.0 + n, n, 1.0)
    assert len(usage) < 50
    usage.charge(1e9, "after a long sleep", 1.0)
    assert usage.of("after a long sleep") == 1.0
