"""Which worker gets a job."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import pytest

from syrinx.core.types import Delivery, SynthesisJob
from syrinx.workers.host import JobTerms
from syrinx.workers.placement import MAX_TIMELINES, choose, work_s
from syrinx.workers.stream import Stream
from tests.workers.backends import INFO, RATE


@dataclass(eq=False)
class Desk:
    ready: bool = True
    streams: dict[str, Stream] = field(default_factory=dict)

    def take(self, job_id: str, text: str, speed: float = 1.0) -> Stream:
        job = SynthesisJob(job_id, text, "v", "en", Delivery(speed=speed))
        stream = self.streams[job_id] = Stream(job, JobTerms("t"), 1, 0.0, 1.0, None)  # type: ignore[arg-type]
        return stream


async def test_the_worker_with_least_left_to_do_gets_the_job():
    busy, free = Desk(), Desk()
    half_done = busy.take("a", "x" * 200, speed=2.0)
    free.take("b", "x" * 60)
    assert choose(OrderedDict(), [busy, free], "new", INFO) is free
    half_done.progress.samples = 9 * RATE
    assert choose(OrderedDict(), [busy, free], "new", INFO) is busy
    assert work_s(busy.streams.values(), INFO) == pytest.approx(1.0)


async def test_a_listener_stays_unless_its_worker_is_gone():
    homes: OrderedDict[str, Desk] = OrderedDict()
    first, second = Desk(), Desk()
    assert choose(homes, [first, second], "t", INFO) is first
    first.take("a", "x" * 500)
    assert choose(homes, [first, second], "t", INFO) is first
    first.ready = False
    assert choose(homes, [first, second], "t", INFO) is second
    first.ready = True
    assert choose(homes, [first, second], "t", INFO) is second
    second.ready = first.ready = False
    assert choose(homes, [first, second], "t", INFO) is None


async def test_the_memory_of_listeners_is_bounded():
    homes: OrderedDict[str, Desk] = OrderedDict()
    desk = Desk()
    for n in range(MAX_TIMELINES + 10):
        choose(homes, [desk], f"t{n}", INFO)
    assert len(homes) == MAX_TIMELINES and "t0" not in homes
