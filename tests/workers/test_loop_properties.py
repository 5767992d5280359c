"""The step loop under any order of messages: nobody gets too much, too little, or anything after the end."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from syrinx.core.types import ServiceClass
from syrinx.workers.messages import Cancel, Credit, FromWorker, Idle, Output
from tests.workers.backends import CHUNK, RATE, expected
from tests.workers.test_loop import Bench

NAMES = [f"job{n}" for n in range(6)]
names = st.sampled_from(NAMES)
texts = st.text("ab#*", min_size=1, max_size=8)
submits = st.tuples(
    st.just("submit"), names, texts, st.sampled_from("xyz"), st.sampled_from(ServiceClass), st.floats(0.05, 1.0)
)
actions = st.one_of(
    submits,
    st.tuples(st.just("cancel"), names),
    st.tuples(st.just("credit"), names, st.floats(0.05, 1.0)),
    st.tuples(st.just("turn"), st.integers(1, 5)),
)


class Witness:
    """Checks what the loop says against what it was asked."""

    def __init__(self) -> None:
        self.text: dict[str, str] = {}
        self.credit: dict[str, float] = {}
        self.heard: dict[str, list[np.ndarray]] = {}

    def check(self, said: list[FromWorker]) -> None:
        for message in said:
            if isinstance(message, Output):
                self._check_output(message)

    def _check_output(self, output: Output) -> None:
        job_id = output.job_id
        assert job_id in self.text, "nothing of a job follows its end or its cancel"
        if output.samples is not None:
            assert self.credit[job_id] > 0, "nothing is sent without credit"
            self.heard[job_id].append(np.frombuffer(output.samples, np.float32))
            self.credit[job_id] -= len(self.heard[job_id][-1]) / RATE
        heard = np.concatenate(self.heard[job_id]) if self.heard[job_id] else np.zeros(0, np.float32)
        text = self.text[job_id]
        if output.done:
            whole = text.index("#") if "#" in text else len(text)
            if output.fault is None or output.fault.code == "model_failed":
                assert np.array_equal(heard, expected(job_id, text)[: whole * CHUNK])
            self.forget(job_id)

    def forget(self, job_id: str) -> None:
        del self.text[job_id], self.credit[job_id], self.heard[job_id]


@settings(max_examples=150, deadline=None)
@given(st.lists(actions, max_size=40), st.integers(1, 4))
def test_every_job_gets_its_own_audio_within_its_credit_and_nothing_after_its_end(script: list[tuple], max_batch: int):
    bench, witness = Bench(max_batch=max_batch), Witness()
    for action in script:
        match action:
            case ("submit", job_id, text, timeline, service_class, credit_s) if job_id not in witness.text:
                witness.text[job_id], witness.credit[job_id], witness.heard[job_id] = text, credit_s, []
                terms = {"timeline": timeline, "service_class": service_class}
                witness.check(bench.submit(job_id, text, credit_s=credit_s, **terms))
            case ("cancel", job_id):
                assert bench.loop.receive(Cancel(job_id)) == [Idle(job_id)]
                if job_id in witness.text:
                    witness.forget(job_id)
            case ("credit", job_id, seconds):
                if job_id in witness.credit:
                    witness.credit[job_id] += seconds
                assert bench.loop.receive(Credit(job_id, seconds)) == []
            case ("turn", turns):
                witness.check(bench.run(turns))
        assert bench.loop.running == len(witness.text)
        assert all(len(ids) <= max_batch for ids in bench.stepped)
    for job_id in list(witness.text):
        witness.credit[job_id] += 1e6
        bench.loop.receive(Credit(job_id, 1e6))
    witness.check(bench.run(turns=100_000))
    assert bench.loop.running == 0, "with credit every job ends, the endless ones by the runaway guard"
