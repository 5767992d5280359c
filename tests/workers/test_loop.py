"""The step loop as values: messages in, a backend on a fake clock, messages out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.types import AudioChunk, Mark, ServiceClass, SynthesisJob
from syrinx.models.base import OutOfMemory, StepResult
from syrinx.workers.host import JobTerms
from syrinx.workers.loop import LoopPolicy, StepLoop
from syrinx.workers.messages import Cancel, Credit, FromWorker, Idle, Measured, Output, Pace, Submit
from syrinx.workers.runaway import RunawayPolicy
from tests.workers.backends import CHUNK, INFO, RATE, Ramp, expected
from tests.workers.simulation import NoRecorder

STEP_S = 0.01


@dataclass
class Bench:
    """A loop over ``backends.Ramp``, each of whose steps moves the clock by ``STEP_S``."""

    max_batch: int = 1
    policy: LoopPolicy = field(default_factory=LoopPolicy)

    def __post_init__(self) -> None:
        self.clock = FakeClock(50.0)
        self.recorder = NoRecorder()
        self.backend = Ramp({})
        self.steps = self.backend.stepped()
        self.stepped: list[tuple[str, ...]] = []
        real = self.steps.step

        def step(job_ids: tuple[str, ...]) -> list[StepResult]:
            self.stepped.append(tuple(job_ids))
            self.clock.advance(STEP_S)
            return self.answer(real(job_ids))

        self.steps.step = step  # type: ignore[method-assign]
        self.loop = StepLoop(
            self.backend, replace(INFO, max_batch=self.max_batch), self.policy, self.clock, self.recorder
        )
        self.order = 0

    def answer(self, results: list[StepResult]) -> list[StepResult]:
        return results

    def submit(
        self, job_id: str, text: str, *, credit_s: float = 1e6, order: int | None = None, **terms
    ) -> list[FromWorker]:
        self.order += 1
        given = JobTerms(**{"timeline": job_id, **terms})
        job = SynthesisJob(job_id, text, "v", "en", utterance_id=job_id)
        return self.loop.receive(Submit(job, given, self.order if order is None else order, credit_s))

    def run(self, turns: int = 1000) -> list[FromWorker]:
        """Turn until there is nothing to do now, or ``turns`` are over; return all but measurements."""
        said: list[FromWorker] = []
        for _ in range(turns):
            turn = self.loop.turn()
            said += [message for message in turn.messages if not isinstance(message, Measured)]
            if turn.idle_until is not None:
                break
        return said


def audio_of(messages: list[FromWorker], job_id: str) -> np.ndarray:
    pieces = [m.samples for m in messages if isinstance(m, Output) and m.job_id == job_id and m.samples is not None]
    return np.concatenate([np.frombuffer(piece, np.float32) for piece in pieces]) if pieces else np.zeros(0, np.float32)


def marks_of(messages: list[FromWorker], job_id: str) -> list[Mark]:
    return [mark for m in messages if isinstance(m, Output) and m.job_id == job_id for mark in m.marks]


def ends(messages: list[FromWorker]) -> dict[str, str | None]:
    """Return the code of each job's end; None: it ended well."""
    return {m.job_id: m.fault.code if m.fault else None for m in messages if isinstance(m, Output) and m.done}


def test_a_job_gives_all_its_audio_and_marks_then_its_end():
    bench = Bench()
    bench.submit("a", "hello")
    said = bench.run()
    assert np.array_equal(audio_of(said, "a"), expected("a", "hello"))
    assert [mark.span.start for mark in marks_of(said, "a")] == [0, 1, 2, 3, 4]
    assert ends(said) == {"a": None}
    assert bench.loop.running == 0
    assert bench.loop.turn().idle_until == math.inf


def test_jobs_are_stepped_together_up_to_the_models_batch():
    bench = Bench(max_batch=2)
    for name in "abcd":
        bench.submit(name, "hi")
    bench.run()
    assert [len(ids) for ids in bench.stepped] == [2, 2, 2, 2]


def test_a_cancel_takes_effect_before_the_next_step_and_is_answered():
    bench = Bench()
    bench.submit("a", "*")
    bench.run(turns=3)
    assert bench.loop.receive(Cancel("a")) == [Idle("a")]
    assert bench.run() == []
    assert len(bench.stepped) == 3
    assert bench.loop.receive(Cancel("a")) == [Idle("a")]


def test_a_job_without_credit_pauses_alone_and_goes_on_when_it_gets_some():
    bench = Bench()
    bench.submit("slow", "*", credit_s=0.1)
    bench.submit("quick", "hello")
    said = bench.run()
    assert len(audio_of(said, "slow")) == 0.1 * RATE
    assert ends(said) == {"quick": None}
    bench.loop.receive(Credit("slow", 0.05))
    assert len(audio_of(bench.run(), "slow")) == 0.05 * RATE


def test_credit_for_a_job_that_has_ended_is_ignored():
    bench = Bench()
    assert bench.loop.receive(Credit("gone", 1.0)) == []


def test_a_job_at_its_lead_cap_rests_until_the_play_head_has_moved_on():
    bench = Bench()
    bench.submit("a", "*", max_lead_s=0.2)
    said = bench.run()
    ahead_s = len(audio_of(said, "a")) / RATE - (bench.clock.now() - 50.0 - STEP_S)
    assert 0.2 <= ahead_s <= 0.25
    wake_at = bench.loop.turn().idle_until
    assert wake_at is not None and bench.clock.now() < wake_at <= bench.clock.now() + 0.1
    bench.clock.advance(wake_at - bench.clock.now())
    made_s = len(audio_of(bench.run(), "a")) / RATE
    assert 0.05 <= made_s <= 0.1  # a quarter of the lead was heard and is made again


def test_the_lead_counts_in_model_audio_heard_at_the_playback_rate():
    bench = Bench()
    bench.submit("a", "*", max_lead_s=1.0, playback_rate=2.0)
    made_s = len(audio_of(bench.run(), "a")) / RATE
    played_s = 2.0 * (bench.clock.now() - 50.0 - STEP_S)
    assert 1.0 <= made_s - played_s <= 1.1


def test_a_listener_that_speeds_up_is_kept_ahead_of_at_its_new_pace():
    bench = Bench()
    bench.submit("a", "*", max_lead_s=1.0)
    bench.run()  # 1 s ahead, and resting
    assert bench.loop.receive(Pace("a", 2.0)) == []
    begins = bench.clock.now()
    made_s = 0.0
    for _ in range(100):
        made_s += len(audio_of(bench.run(), "a")) / RATE
        bench.clock.advance(STEP_S)
    played_s = 2.0 * (bench.clock.now() - begins)
    assert made_s >= played_s - 1.0  # it never runs dry
    assert made_s <= played_s + 0.5


def test_a_slower_pace_lets_the_model_rest_and_others_are_not_touched():
    bench = Bench()
    bench.submit("a", "*", max_lead_s=1.0, playback_rate=4.0)
    bench.submit("b", "*", max_lead_s=1.0)
    bench.run()
    bench.loop.receive(Pace("a", 0.5))
    before = {job: len(audio_of(bench.run(), job)) for job in "ab"}
    bench.clock.advance(4.0)
    said = bench.run()
    made_s = {job: (len(audio_of(said, job)) - before[job]) / RATE for job in "ab"}
    assert made_s["a"] <= 0.5 * 4.0 + 1.5
    assert made_s["b"] >= 1.0  # as if nothing were
    assert bench.loop.receive(Pace("gone", 2.0)) == []


def test_the_lead_is_an_utterances_own_so_the_next_on_the_timeline_need_not_wait_for_it_to_be_heard():
    bench = Bench()
    bench.submit("first", "a" * 20, timeline="t", max_lead_s=0.2)
    said: list[FromWorker] = []
    while "first" not in ends(said):
        said += bench.run()
        bench.clock.advance(0.05)
    bench.submit("next", "*", timeline="t", max_lead_s=0.2)
    assert len(audio_of(bench.run(), "next")) / RATE >= 0.2


def test_jobs_of_one_timeline_are_made_in_order_even_if_they_arrive_in_another():
    bench = Bench(max_batch=4)
    bench.submit("second", "bb", timeline="t", order=2)
    bench.submit("first", "aa", timeline="t", order=1)
    bench.run()
    assert bench.stepped == [("first",), ("first",), ("second",), ("second",)]


def test_a_listener_running_dry_is_served_before_bulk_work():
    bench = Bench()
    bench.submit("book", "*", service_class=ServiceClass.BULK)
    bench.run(turns=5)
    bench.submit("agent", "hi")
    bench.run(turns=2)
    assert bench.stepped[-2:] == [("agent",), ("agent",)]


def test_time_already_waited_counts_towards_the_deadline():
    bench = Bench()
    bench.submit("fresh", "*")
    bench.submit("waited", "*", waited_s=0.1)
    bench.run(turns=1)
    assert bench.stepped == [("waited",)]


def test_a_runaway_is_stopped_at_its_budget():
    bench = Bench(policy=LoopPolicy(runaway=RunawayPolicy(base_s=1.0, factor=4.0)))
    bench.submit("a", "abc*")
    said = bench.run()
    budget_s = 1.0 + 4.0 * 4 * INFO.seconds_per_char
    assert budget_s - 0.05 <= len(audio_of(said, "a")) / RATE <= budget_s
    assert ends(said) == {"a": "runaway_stopped"}


def test_a_job_that_works_without_end_and_sound_is_stopped_too():
    bench = Bench(policy=LoopPolicy(runaway=RunawayPolicy(max_silent_s=0.1)))
    bench.answer = lambda results: [StepResult(r.job_id) for r in results]
    bench.submit("a", "*")
    assert ends(bench.run()) == {"a": "runaway_stopped"}
    assert len(bench.stepped) <= 12


def test_an_error_ends_its_own_job_only():
    bench = Bench(max_batch=2)
    bench.submit("bad", "ab#cd")
    bench.submit("good", "hello")
    said = bench.run()
    assert ends(said) == {"bad": "model_failed", "good": None}
    assert np.array_equal(audio_of(said, "good"), expected("good", "hello"))


def test_a_step_that_raises_as_a_whole_ends_the_jobs_of_that_step_and_the_loop_lives():
    bench = Bench()

    def broken(results: list[StepResult]) -> list[StepResult]:
        raise RuntimeError("device lost")

    bench.answer = broken
    bench.submit("a", "x")
    assert ends(bench.run()) == {"a": "model_failed"}
    bench.answer = lambda results: results
    bench.submit("b", "x")
    assert ends(bench.run()) == {"b": None}


@pytest.mark.parametrize("error", [OutOfMemory("The device is full."), MemoryError()])
def test_out_of_memory_fails_the_job_and_the_loop_says_that_it_is_spent(error: Exception):
    bench = Bench()
    bench.submit("a", "b#")
    bench.run()
    assert not bench.loop.spent, "any other error leaves the worker as it is"

    def full(results: list[StepResult]) -> list[StepResult]:
        raise error

    bench.answer = full
    bench.submit("b", "x")
    assert ends(bench.run()) == {"b": "model_failed"} and bench.loop.spent


def test_a_job_refused_when_opened_ends_with_the_callers_error():
    bench = Bench()
    (refusal,) = bench.submit("a", "?")
    assert isinstance(refusal, Output) and refusal.fault is not None
    assert (refusal.fault.code, refusal.fault.param, refusal.fault.callers) == ("bad_sign", "text", True)
    assert bench.loop.running == 0


@pytest.mark.parametrize(
    "chunk",
    [
        AudioChunk(np.full(10, np.nan, np.float32), RATE),
        AudioChunk(np.zeros((10, 2), np.float32), RATE),
        AudioChunk(np.zeros(10, np.float32), RATE + 1),
        AudioChunk(np.array(["noise"]), RATE),  # type: ignore[arg-type]
    ],
)
def test_what_is_not_audio_fails_the_job(chunk: AudioChunk):
    bench = Bench()
    bench.answer = lambda results: [StepResult(r.job_id, chunk) for r in results]
    bench.submit("a", "x")
    said = bench.run()
    assert ends(said) == {"a": "model_failed"}
    assert len(audio_of(said, "a")) == 0


def test_results_for_jobs_that_were_not_asked_for_are_ignored():
    bench = Bench()
    bench.answer = lambda results: [*results, StepResult("stranger", done=True)]
    bench.submit("a", "x")
    assert ends(bench.run()) == {"a": None}


def test_a_very_long_chunk_is_sent_in_pieces_without_loss():
    bench = Bench(policy=LoopPolicy(runaway=RunawayPolicy(base_s=1e6)))
    long = np.arange(2_500_000, dtype=np.float32)
    bench.answer = lambda results: [StepResult(r.job_id, AudioChunk(long, RATE), done=True) for r in results]
    bench.submit("a", "x")
    assert np.array_equal(audio_of(bench.run(), "a"), long)


@pytest.mark.parametrize("skip", [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 7, 5 * CHUNK])
def test_a_resumed_job_sends_exactly_what_the_listener_lacks(skip: int):
    bench = Bench()
    job = SynthesisJob("a", "hello", "v", "en")
    marks = skip // CHUNK
    bench.loop.receive(Submit(job, JobTerms("a"), 1, 1e6, skip_samples=skip, skip_marks=marks))
    said = bench.run()
    assert np.array_equal(audio_of(said, "a"), expected("a", "hello")[skip:])
    assert [mark.span.start for mark in marks_of(said, "a")] == list(range(marks, 5))
    assert ends(said) == {"a": None}


def test_a_suspect_is_stepped_alone_until_it_has_passed_where_it_was():
    bench = Bench(max_batch=2)
    bench.submit("other", "hello")
    job = SynthesisJob("suspect", "hello", "v", "en")
    bench.loop.receive(Submit(job, JobTerms("s"), 9, 1e6, skip_samples=2 * CHUNK, skip_marks=2, alone=True))
    bench.run()
    together = [ids for ids in bench.stepped if "suspect" in ids and len(ids) == 2]
    alone = [ids for ids in bench.stepped if ids == ("suspect",)]
    assert len(alone) >= 3 and len(alone) + len(together) == 5


def test_the_recorder_knows_each_job_before_the_model_touches_it():
    bench = Bench()
    bench.submit("a", "hi")
    bench.run()
    assert bench.recorder.notes[0] == ("a",)  # open
    assert len(bench.recorder.notes) == 2 + 2 + 1  # open and estimate, two steps, close


def test_speed_is_reported_per_row_of_a_batch():
    bench = Bench(max_batch=4)
    for name in "abcd":
        bench.submit(name, "hello")
    bench.run()
    measured = bench.loop.measured()
    assert measured is not None and measured.base == pytest.approx(STEP_S / 0.05) and measured.per_row == 0


def test_listeners_who_heard_all_are_forgotten():
    bench = Bench()
    for n in range(1000):
        bench.submit(f"job{n}", "x")
        bench.run()
        bench.clock.advance(1.0)
    assert len(bench.loop._timelines) <= 64
