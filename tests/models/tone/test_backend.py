from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.errors import InvalidRequest
from syrinx.core.types import SynthesisJob
from syrinx.models.base import StepResult
from syrinx.models.tone.backend import ToneBackend, ToneError
from syrinx.models.tone.device import Effects
from syrinx.models.tone.options import ToneOptions


class Bench:
    """A tone backend on a fake clock; a crash is only noted."""

    def __init__(self, **options: object) -> None:
        self.clock = FakeClock()
        self.crashes = 0
        effects = Effects(self.clock, self.clock.advance, self._crash)
        self.backend = ToneBackend(ToneOptions(**options), effects)  # type: ignore[arg-type]
        self.steps = self.backend.stepped()

    def _crash(self) -> None:
        self.crashes += 1

    def open(self, job_id: str, text: str) -> None:
        self.steps.open(SynthesisJob(job_id, text, "sine", "en"))

    def step(self, *job_ids: str) -> list[StepResult]:
        return self.steps.step(job_ids)

    def to_end(self, job_id: str, most: int = 200) -> list[StepResult]:
        results = []
        for _ in range(most):
            results += self.step(job_id)
            if results[-1].done:
                break
        return results


def made_s(results: list[StepResult]) -> float:
    return sum(len(r.chunk.samples) / r.chunk.sample_rate for r in results if r.chunk is not None)


def test_loading_takes_its_time() -> None:
    bench = Bench(load_s=3.0)
    assert bench.backend.load().max_batch == 8
    assert bench.clock.now() == 3.0


def test_one_row_is_made_at_x_realtime() -> None:
    bench = Bench(x_realtime=20, chunk_ms=40)
    bench.open("a", "x" * 300)
    results = bench.to_end("a", 1000)
    assert made_s(results) / bench.clock.now() == pytest.approx(20, rel=0.01)


def test_a_batched_step_costs_what_one_row_does() -> None:
    bench = Bench(x_realtime=10, chunk_ms=40, max_batch=4)
    for job_id in "abcd":
        bench.open(job_id, "x" * 100)
    results = bench.step(*"abcd")
    assert bench.clock.now() == pytest.approx(0.004)
    assert made_s(results) == pytest.approx(4 * 0.04)


def test_the_first_chunk_waits_longer() -> None:
    bench = Bench(x_realtime=40, chunk_ms=40, first_chunk_ms=100)
    bench.open("a", "x" * 100)
    bench.step("a")
    assert bench.clock.now() == pytest.approx(0.101)
    bench.step("a")
    assert bench.clock.now() == pytest.approx(0.102)


def test_audio_before_a_crash_is_made_first() -> None:
    bench = Bench(chunk_ms=1000)
    bench.open("a", "0123456789{{crash}}tail")
    (first,) = bench.step("a")
    assert made_s([first]) == pytest.approx(0.65) and bench.crashes == 0
    bench.step("a")
    assert bench.crashes == 1


def test_an_error_ends_the_job_where_it_stands() -> None:
    bench = Bench()
    bench.open("a", "0123456789{{error}}tail")
    results = bench.to_end("a")
    assert isinstance(results[-1].error, ToneError) and made_s(results) == pytest.approx(0.65)


def test_a_stall_blocks_the_step_and_then_goes_on() -> None:
    bench = Bench(x_realtime=1000)
    bench.open("a", "ab{{stall 7}}cd")
    results = bench.to_end("a")
    assert results[-1].error is None and made_s(results) == pytest.approx(4 * 0.065)
    assert 7.0 <= bench.clock.now() < 7.1


def test_faults_at_the_end_of_the_text_still_happen() -> None:
    bench = Bench()
    bench.open("a", "ab{{stall 5}}{{crash}}")
    results = bench.to_end("a")
    assert bench.crashes == 1 and bench.clock.now() > 5 and results[-1].done


def test_a_runaway_does_not_end() -> None:
    bench = Bench(chunk_ms=1000)
    bench.open("a", "ab{{runaway}}cd")
    results = bench.to_end("a", 100)
    assert not results[-1].done and made_s(results) == pytest.approx(100)


def test_marks_come_with_the_audio_they_begin_in() -> None:
    bench = Bench(chunk_ms=65)
    bench.open("a", "ab cd")
    starts = [[m.start_s for m in r.chunk.marks] for r in bench.to_end("a") if r.chunk is not None]
    assert starts == [[0.0], [], [], [pytest.approx(0.195)], []]


def test_a_malformed_directive_is_refused_at_open() -> None:
    bench = Bench()
    with pytest.raises(InvalidRequest):
        bench.open("a", "{{explode}}")
    assert bench.backend.expected_s(SynthesisJob("a", "{{explode}}", "sine", "en")) is None


def test_the_same_job_gives_the_same_samples_whatever_the_chunk_length() -> None:
    heard = []
    for chunk_ms in (10, 73):
        bench = Bench(chunk_ms=chunk_ms)
        bench.open("a", "the same {{long 0.3}} again")
        heard.append(np.concatenate([r.chunk.samples for r in bench.to_end("a") if r.chunk is not None]))
    assert np.array_equal(*heard)


def test_a_crash_ends_a_real_process_at_once() -> None:
    program = (
        "from syrinx.models.registry import create; from syrinx.core.types import SynthesisJob;"
        "steps = create('tone', {'x_realtime': 1e6}).stepped();"
        "steps.open(SynthesisJob('j', '{{crash}}', 'sine', 'en'));"
        "steps.step(['j']); print('still here')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (70, "")
