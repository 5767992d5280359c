"""The gate waits as admission says, and no wait, cancel or error leaves a place taken."""

import asyncio

import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.errors import Overloaded
from syrinx.core.types import ServiceClass
from syrinx.engine.admission import AdmissionPolicy, Ticket
from syrinx.engine.gate import Gate
from syrinx.workers.host import HostLoad
from syrinx.workers.meter import StepCost
from tests.fakes.host import FakeHost


def ticket(name: str) -> Ticket:
    return Ticket(name, name, ServiceClass.INTERACTIVE)


def gate(host: FakeHost | None = None, *, running: int = 1, timeout_s: float = 60) -> Gate:
    policy = AdmissionPolicy(max_running=running, max_queued=9, wait_sla_s=1e9)
    return Gate(host or FakeHost(), policy, FakeClock(), timeout_s)


async def entering(one: Gate, name: str) -> asyncio.Task[None]:
    task = asyncio.create_task(one.enter(ticket(name)))
    await asyncio.sleep(0)
    return task


async def test_the_next_in_line_enters_when_one_leaves() -> None:
    one = gate()
    await one.enter(ticket("a"))
    waiting = await entering(one, "b")
    assert (waiting.done(), one.queued) == (False, 1)
    one.leave(ticket("a"))
    await asyncio.wait_for(waiting, 5)
    assert (one.running, one.queued) == (1, 0)


async def test_a_wait_ends_as_overloaded_and_its_place_in_the_line_is_given_up() -> None:
    one = gate(timeout_s=0.01)
    await one.enter(ticket("a"))
    with pytest.raises(Overloaded) as refused:
        await one.enter(ticket("b"))
    assert refused.value.retry_after_s >= 1.0
    one.leave(ticket("b"))
    assert (one.running, one.queued) == (1, 0)


@pytest.mark.parametrize("turns", range(4))
async def test_a_cancel_in_the_same_turn_as_the_place_is_not_swallowed(turns: int) -> None:
    one = gate()
    await one.enter(ticket("a"))
    waiting = await entering(one, "b")
    one.leave(ticket("a"))
    for _ in range(turns):
        await asyncio.sleep(0)
    if waiting.cancel():
        with pytest.raises(asyncio.CancelledError):
            await waiting
    one.leave(ticket("b"))
    assert (one.running, one.queued) == (0, 0)


async def test_leaving_twice_or_unasked_takes_nobody_elses_place() -> None:
    one = gate()
    await one.enter(ticket("a"))
    one.leave(ticket("ghost"))
    assert one.running == 1
    one.leave(ticket("a"))
    one.leave(ticket("a"))
    assert one.running == 0


async def test_those_who_wait_enter_once_the_model_carries_more_also_while_nobody_comes_or_leaves() -> None:
    host = FakeHost()
    host.load = HostLoad(StepCost(1.0, 0), max_batch=1)
    one = gate(host, running=9)
    await one.enter(ticket("a"))
    waiting = await entering(one, "b")
    host.load = HostLoad(StepCost(0.5, 0), max_batch=1)
    await asyncio.wait_for(waiting, 5)
    assert (one.running, one.queued) == (2, 0)


async def test_those_who_wait_enter_before_a_newcomer_once_the_model_carries_more() -> None:
    host = FakeHost()
    host.load = HostLoad(StepCost(1.0, 0), max_batch=1)
    one = gate(host, running=9)
    await one.enter(ticket("a"))
    first = await entering(one, "b")
    host.load = HostLoad(StepCost(0.5, 0), max_batch=1)
    second = await entering(one, "c")
    await asyncio.wait_for(first, 5)
    assert not second.done()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
