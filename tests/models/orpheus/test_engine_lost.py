"""A worker whose engine dies: what was heard ends with an error, and the next worker speaks. Real processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from syrinx.core.errors import WorkerLost
from syrinx.core.types import SynthesisJob
from syrinx.workers.host import HostState, JobTerms
from syrinx.workers.launch.process import ProcessSpec
from syrinx.workers.policy import BackendSpec, SupervisorPolicy
from syrinx.workers.supervisor import Supervisor

ROOT = str(Path(__file__).parents[3])
LONGEST_S = 60.0
"""Of the whole test: it bounds every wait."""


def job(job_id: str, text: str) -> tuple[SynthesisJob, JobTerms]:
    return SynthesisJob(job_id, text, "v", "en"), JobTerms(timeline=job_id)


async def test_an_engine_that_dies_costs_what_was_being_heard_and_the_next_worker_speaks() -> None:
    said: list[str] = []
    policy = SupervisorPolicy(process=ProcessSpec(env={"PYTHONPATH": ROOT}), load_timeout_s=LONGEST_S)
    spec = BackendSpec("tests.models.orpheus.dying:Dying")
    host = Supervisor("dying", spec, policy, lambda _, line: said.append(line))
    async with asyncio.timeout(LONGEST_S):
        await host.start()
        try:
            broken = host.submit(*job("a", "It is death."))
            with pytest.raises(WorkerLost):
                while await broken.read():
                    pass
            whole, heard = host.submit(*job("b", "Good morning.")), 0
            while chunks := await whole.read():
                heard += sum(len(chunk.samples) for chunk in chunks)
            assert heard == 3 * 8000
            assert host.status.restarts == 1 and host.status.state is HostState.READY
        finally:
            await host.stop()
    assert any("vLLM's engine died: of nothing" in line for line in said)
