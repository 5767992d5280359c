"""A listener's first audio is held where the model is slower than speech, and only there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syrinx.core.clock import FakeClock
from syrinx.core.types import AudioChunk, ServiceClass, SynthesisJob
from syrinx.models.base import Backend, ModelInfo, SteppedBackend, StepResult, VoiceInfo
from syrinx.workers.beginnings import Beginnings
from syrinx.workers.headstart import HeadStartPolicy, Held, lead_s, may_start
from syrinx.workers.host import JobTerms
from syrinx.workers.loop import LoopPolicy, StepLoop
from syrinx.workers.messages import Cancel, Idle, Output, Submit
from syrinx.workers.meter import Speed, SpeedBySize
from syrinx.workers.slowing import SpeedDoubt
from syrinx.workers.timeline import RunningJob, Timeline
from tests.workers.simulation import Listener, NoRecorder

POLICY = HeadStartPolicy()
FRAME_S = 0.08


def measured(speed: float) -> Speed:
    return Speed(speed, speed)


# --- the decision ----------------------------------------------------------------------------------------------------


@example(speed=0.3125, expected_s=0.5, length=1.5)  # 0.75 s come as ten frames, which are 0.8 s
@given(
    speed=st.floats(0.3, 3.0),
    expected_s=st.floats(0.5, 20.0),
    length=st.floats(0.3, 1.5),
)
def test_a_stream_that_was_let_go_for_its_head_start_hears_no_gap(speed: float, expected_s: float, length: float):
    """Whatever its length, up to what is doubted of the expected one."""
    now, made_s, began_at, dry_at = 0.0, 0.0, None, 0.0
    gave_up = False
    while made_s < length * expected_s:
        now, made_s = now + FRAME_S / speed, made_s + FRAME_S
        if began_at is not None:
            assert gave_up or now <= dry_at + 1e-9
            dry_at = max(dry_at, now) + FRAME_S
            continue
        held = Held(made_s, expected_s, now - FRAME_S / speed, FRAME_S)
        if may_start(held, measured(speed), POLICY):
            began_at, dry_at = now, now + made_s
            gave_up = made_s < lead_s(held, speed, POLICY)
            if gave_up:
                assert made_s == FRAME_S, "what cannot be helped is known at once where the speed does not change"
    if began_at is not None:
        assert began_at <= POLICY.longest_s + 2 * FRAME_S / speed


@pytest.mark.parametrize("speed", [measured(1.1), Speed(1.1, 4.0), measured(math.inf)])
def test_nothing_is_held_where_nothing_is_feared(speed: Speed):
    assert may_start(Held(0.08, 60.0, 0.0, 0.08), speed, POLICY)


def test_where_gaps_cannot_be_helped_it_begins_at_once():
    assert may_start(Held(0.08, 60.0, 0.0, 0.08), measured(0.5), POLICY)
    assert may_start(Held(0.08, 4.0, 0.0, 0.08), measured(0.0), POLICY)


def test_an_end_that_is_not_read_yet_is_waited_for_where_it_matters():
    assert not may_start(Held(0.08, math.inf, 0.0, 0.08, fresh=True), measured(0.9), POLICY)
    assert may_start(Held(0.08, math.inf, 0.09, 0.08), measured(0.9), POLICY)
    assert may_start(Held(0.08, math.inf, 0.0, 0.08, fresh=True), measured(1.2), POLICY)


def test_while_the_speed_is_not_known_it_waits_to_know_but_not_for_ever():
    for guess in (Speed(0.3, 2.4), Speed(0.0, math.inf)):
        assert not may_start(Held(0.08, 4.0, 0.1, 0.08), guess, POLICY)
    assert may_start(Held(0.08, 4.0, 0.1, 0.08), measured(2.4), POLICY)
    for guess in (Speed(0.3, 0.9), Speed(0.3, 2.4), Speed(0.0, math.inf)):
        assert may_start(Held(0.08, 4.0, POLICY.longest_s + 0.1, 0.08), guess, POLICY)


def test_a_size_never_seen_lies_between_its_neighbours():
    speeds = SpeedBySize()
    assert speeds.of(3) == Speed(0.0, math.inf)
    speeds.stepped(0.16, 3, 3 * 0.08, began=True)
    assert speeds.of(3) == Speed(0.5, math.inf)
    speeds.stepped(0.04, 2, 2 * 0.08)
    assert speeds.of(2) == measured(2.0)
    assert speeds.of(4) == Speed(1.0, 2.0)
    speeds.stepped(0.05, 8, 8 * 0.08)
    between = speeds.of(4)
    assert (between.least, between.most) == (pytest.approx(1.6), 2.0)
    assert speeds.of(1) == Speed(2.0, math.inf)


# --- in the loop -----------------------------------------------------------------------------------------------------


@dataclass
class Batcher(Backend, SteppedBackend):
    """A codec frame a step: the step costs ``base_s`` and ``row_s`` for each row; jobs of ``frames`` frames."""

    clock: FakeClock
    base_s: float
    row_s: float
    frames: int = 50
    expected_frames: int = 50
    begin_s: float = 0.0
    """What the first step of a job costs beside."""
    max_batch: int = 8
    left: dict[str, int] = field(default_factory=dict)
    short: dict[str, int] = field(default_factory=dict)
    """Jobs of other lengths, as expected."""
    tiring_s: float = 0.0
    """What each frame costs more than the one before."""

    def load(self) -> ModelInfo:
        return ModelInfo(
            "batcher", "B", 1000, (VoiceInfo("v", "V", ("en",)),), "v", "Apache-2.0", max_batch=self.max_batch
        )

    def stepped(self) -> SteppedBackend:
        return self

    def expected_s(self, job: SynthesisJob) -> float | None:
        return self.short.get(job.job_id, self.expected_frames) * FRAME_S

    def open(self, job: SynthesisJob) -> None:
        self.left[job.job_id] = self.short.get(job.job_id, self.frames)

    def step(self, job_ids) -> list[StepResult]:
        first = sum(self.left[job_id] == self.frames for job_id in job_ids)
        tired_s = self.tiring_s * max(self.frames - self.left[job_id] for job_id in job_ids)
        self.clock.advance(self.base_s + self.row_s * len(job_ids) + self.begin_s * first + tired_s)
        for job_id in job_ids:
            self.left[job_id] -= 1
        frame = AudioChunk(np.zeros(80, np.float32), 1000)
        return [StepResult(job_id, frame, done=self.left[job_id] == 0) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        self.left.pop(job_id, None)


@dataclass
class Bench:
    base_s: float
    row_s: float

    def __post_init__(self) -> None:
        self.clock = FakeClock(10.0)
        self.backend = Batcher(self.clock, self.base_s, self.row_s)
        self.loop = StepLoop(self.backend, self.backend.load(), LoopPolicy(), self.clock, NoRecorder())
        self.listeners: dict[str, Listener] = {}
        self.ended: list[str] = []

    def submit(
        self,
        name: str,
        *,
        credit_s: float = 1e9,
        skip_samples: int = 0,
        lead_s: float = 1.0,
        is_last: bool = True,
        **terms: Any,
    ) -> None:
        job = SynthesisJob(name, "text", "v", "en", utterance_id=name, is_last=is_last)
        given = JobTerms(name, owner=name, **terms)
        self.listeners[name] = Listener()
        order = len(self.listeners)
        self.loop.receive(Submit(job, given, order, credit_s, skip_samples=skip_samples, lead_s=lead_s))

    def turn(self) -> bool:
        """One turn; False: nothing to do."""
        turn = self.loop.turn()
        for message in turn.messages:
            if isinstance(message, Output):
                if message.samples is not None:
                    self.listeners[message.job_id].hear(self.clock.now(), len(message.samples) / 4 / 1000)
                if message.done:
                    self.ended.append(message.job_id)
        return turn.idle_until is None

    def run(self) -> None:
        while self.turn():
            pass


def test_eight_listeners_of_a_model_a_little_too_slow_hear_no_gap_and_lose_nothing():
    bench = Bench(0.06, 0.004)  # a batch of eight takes 92 ms for frames of 80 ms
    for n in range(8):
        bench.submit(f"s{n}")
    bench.run()
    assert len(bench.ended) == 8
    for listener in bench.listeners.values():
        assert listener.made_s == pytest.approx(50 * FRAME_S)
        assert listener.underrun_s < 1e-6
        assert listener.first_at is not None and 10.3 < listener.first_at < 12.5


def test_speech_that_lasts_longer_than_its_text_promises_is_whole_once_one_was_heard():
    bench = Bench(0.06, 0.006)  # a batch of eight takes 108 ms for frames of 80 ms
    bench.backend.frames = 100
    bench.submit("learned from")
    bench.run()
    for n in range(8):
        bench.submit(f"s{n}")
    bench.run()
    assert len(bench.ended) == 9
    assert all(listener.underrun_s < 1e-6 for listener in bench.listeners.values())


def test_frames_that_cost_more_and_more_are_expected_to_once_it_was_seen():
    bench = Bench(0.05, 0.004)
    bench.backend.tiring_s = 0.0008  # the last of fifty takes 40 ms longer than the first
    for round_ in "ab":
        for n in range(8):
            bench.submit(f"{round_}{n}")
        bench.run()
    first, second = ([bench.listeners[f"{round_}{n}"].underrun_s for n in range(8)] for round_ in "ab")
    assert min(first) > FRAME_S, "this is what the second round is to be spared"
    assert max(second) < 1e-6
    assert len(bench.ended) == 16


def test_no_more_than_what_nine_in_ten_streams_kept_is_believed_of_a_speed():
    slowing = SpeedDoubt(0.95)
    assert slowing.doubt == 0.95
    slowing.heard(0.8, rest_s=0.01, took_s=0.5)
    assert slowing.doubt == 0.95, "too short to say anything"
    for _ in range(9):
        slowing.heard(0.8, rest_s=4.0, took_s=4.0)
    assert slowing.doubt == 0.95, "faster than measured is no reason to hope"
    slowing.heard(0.8, rest_s=4.0, took_s=100.0)
    assert slowing.doubt == 0.95, "one of ten"
    for _ in range(9):
        slowing.heard(0.8, rest_s=4.0, took_s=6.25)
    assert slowing.doubt == pytest.approx(0.8)
    for _ in range(60):
        slowing.heard(0.8, rest_s=4.0, took_s=100.0)
    assert slowing.doubt == 0.5, "that is no slowing"


def test_one_listener_of_a_fast_model_hears_the_first_frame_at_once():
    bench = Bench(0.03, 0.004)
    bench.submit("a")
    bench.turn()
    assert bench.listeners["a"].made_s == pytest.approx(FRAME_S)


def test_far_too_many_begin_as_soon_as_that_is_known():
    bench = Bench(0.0, 0.06)  # eight at a sixth of real time
    for n in range(8):
        bench.submit(f"s{n}")
    bench.turn()
    bench.turn()
    assert all(listener.made_s >= FRAME_S for listener in bench.listeners.values())


def test_an_utterance_whose_end_is_not_written_yet_begins_as_soon_as_the_speed_is_known():
    bench = Bench(0.1, 0.0)
    bench.submit("a", is_last=False)
    bench.turn()
    bench.turn()
    assert bench.listeners["a"].made_s == pytest.approx(2 * FRAME_S)


def test_a_second_segment_that_was_sent_during_the_first_step_counts():
    bench = Bench(0.09, 0.0)
    bench.submit("warm")
    bench.run()
    bench.submit("a", is_last=False)
    bench.turn()
    last = SynthesisJob("a2", "text", "v", "en", utterance_id="a", segment_index=1)
    bench.listeners["a2"] = bench.listeners["a"]
    bench.loop.receive(Submit(last, JobTerms("a", owner="a"), 99, 1e9))
    bench.run()
    assert bench.listeners["a"].underrun_s < 1e-6
    assert bench.listeners["a"].made_s == pytest.approx(100 * FRAME_S)


@dataclass
class Segments:
    """An utterance in two segments, the first one short, on a model at 0.8 of real time that was heard before."""

    bench: Bench = field(default_factory=lambda: Bench(0.1, 0.0))
    listener: Listener = field(default_factory=Listener)

    def __post_init__(self) -> None:
        bench = self.bench
        bench.submit("warm")
        bench.run()
        bench.ended.clear()
        bench.backend.short = {"a": 5, "a2": 50}
        for order, name in enumerate(("a", "a2"), 1):
            job = SynthesisJob(name, "text", "v", "en", utterance_id="a", segment_index=order - 1, is_last=name == "a2")
            bench.listeners[name] = self.listener
            bench.loop.receive(Submit(job, JobTerms("a", owner="a"), 10 + order, 1e9))

    def first_segment(self) -> None:
        while "a" in self.bench.backend.left:
            self.bench.turn()


def test_a_first_segment_that_ends_during_the_wait_does_not_end_the_wait():
    segments = Segments()
    segments.first_segment()
    assert segments.listener.made_s == 0.0 and segments.bench.ended == []
    segments.bench.run()
    assert segments.bench.ended == ["a", "a2"]
    assert segments.listener.made_s == pytest.approx(55 * FRAME_S)
    assert segments.listener.underrun_s < 1e-6


def test_a_second_segment_that_is_canceled_leaves_the_first_one_whole():
    segments = Segments()
    segments.first_segment()
    sent = segments.bench.loop.receive(Cancel("a2"))
    audio = [message for message in sent if isinstance(message, Output) and message.samples is not None]
    assert len(audio) == 5 and sent[-2:] == [Output("a", done=True), Idle("a2")]
    assert not segments.bench.turn()


def test_a_second_segment_that_fails_loses_nothing_of_the_first():
    segments = Segments()
    segments.first_segment()
    segments.bench.backend.left.pop("a2")  # its next step raises
    segments.bench.turn()
    assert segments.bench.ended == ["a", "a2"]
    assert segments.listener.made_s == pytest.approx(5 * FRAME_S)


def test_a_first_segment_that_is_canceled_when_it_had_ended_is_not_sent():
    segments = Segments()
    segments.first_segment()
    assert segments.bench.loop.receive(Cancel("a")) == [Idle("a")]
    segments.bench.run()
    assert segments.bench.ended == ["a2"]
    assert segments.listener.made_s == pytest.approx(50 * FRAME_S)
    assert segments.listener.underrun_s < 1e-6


def test_what_a_cancel_lets_go_is_being_heard():
    segments = Segments()
    segments.first_segment()
    segments.bench.loop.receive(Cancel("a2"))
    third = SynthesisJob("a3", "text", "v", "en", utterance_id="a", segment_index=2)
    heard = segments.bench.listeners["a3"] = Listener()
    segments.bench.loop.receive(Submit(third, JobTerms("a", owner="a"), 99, 1e9))
    segments.bench.turn()
    assert heard.made_s == pytest.approx(FRAME_S)


def test_a_listener_whose_second_segment_goes_on_with_the_wait_is_as_urgent_as_before():
    beginnings, timeline = Beginnings(POLICY), Timeline()
    for order, (name, arrived_at, waited_s) in enumerate((("a", 10.0, 2.0), ("a2", 11.0, 0.0))):
        job = SynthesisJob(name, "text", "v", "en", utterance_id="a", is_last=name == "a2")
        timeline.add(RunningJob(job, JobTerms("a", waited_s=waited_s), order, arrived_at, 1e9, 1e9))
    first, second = timeline.jobs
    beginnings.keep(first, [], 1.0, 11.5)
    before = timeline.candidate()
    beginnings.carry(first, Output("a", done=True), second)
    timeline.remove(first)
    after = timeline.candidate()
    assert before is not None and after is not None
    assert (before.job_id, after.job_id, after.due) == ("a", "a2", before.due)


def test_the_next_utterance_of_a_listener_is_no_part_of_this_one():
    timeline = Timeline()
    for order, name in enumerate("ab"):
        job = SynthesisJob(name, "text", "v", "en", utterance_id=name)
        timeline.add(RunningJob(job, JobTerms("x"), order, 10.0, 1e9, 1e9, expected_s=3.0))
    assert timeline.held(timeline.jobs[0], 10.0).expected_s == 3.0


def test_no_more_is_held_than_may_be_ahead_of_the_listener():
    bench = Bench(0.1, 0.0)
    bench.submit("warm")
    bench.run()
    bench.submit("a", max_lead_s=2 * FRAME_S)
    bench.turn()
    assert bench.listeners["a"].made_s == 0.0
    bench.turn()
    assert bench.listeners["a"].made_s == pytest.approx(2 * FRAME_S)


def test_how_long_an_utterance_lasts_is_learned_of_all_its_segments():
    beginnings, timeline = Beginnings(POLICY), Timeline()
    for name, expected_s, made_s in (("a", 0.5, 2.0), ("a2", 4.5, 8.0)):
        job = SynthesisJob(name, "text", "v", "en", utterance_id="a", is_last=name == "a2")
        running = RunningJob(job, JobTerms("a"), 1, 0.0, 1e9, 1e9, expected_s=expected_s, made_s=made_s)
        beginnings.spoke(running, timeline, 0.0)
    assert beginnings.lengths.doubt == pytest.approx(2.0), "and not 4, as the first one alone says"


def test_streams_that_take_turns_get_their_head_starts_side_by_side():
    bench = Bench(0.05, 0.0)
    bench.backend.max_batch = 1
    bench.loop = StepLoop(bench.backend, bench.backend.load(), LoopPolicy(), bench.clock, NoRecorder())
    bench.submit("a")
    bench.submit("b")
    for _ in range(8):
        bench.turn()
    made = [bench.backend.frames - left for left in bench.backend.left.values()]
    assert made == [4, 4]
    bench.run()
    assert all(listener.underrun_s < 1e-6 for listener in bench.listeners.values())


def test_a_canceled_head_start_is_never_sent():
    bench = Bench(0.1, 0.0)
    bench.submit("warm")
    bench.run()
    bench.submit("a")
    bench.turn()
    bench.turn()
    assert bench.listeners["a"].made_s == 0.0
    assert bench.loop.receive(Cancel("a")) == [Idle("a")]
    assert not bench.turn()
    assert bench.listeners["a"].made_s == 0.0


def test_a_reader_that_grants_little_credit_is_not_made_to_wait_for_more():
    bench = Bench(0.1, 0.0)
    bench.submit("warm")
    bench.run()
    bench.submit("a", credit_s=0.1)
    bench.run()
    assert bench.listeners["a"].made_s == pytest.approx(2 * FRAME_S)


def test_a_job_that_was_canceled_before_it_began_says_nothing_of_what_beginnings_cost():
    bench = Bench(0.03, 0.0)
    bench.backend.begin_s = 0.4
    for name in ("a", "b"):
        bench.submit(name)
        bench.run()
    before = bench.loop.measured()
    assert before is not None and before.per_row == pytest.approx(0.4 / (50 * FRAME_S))
    for n in range(20):
        bench.submit(f"c{n}")
        bench.loop.receive(Cancel(f"c{n}"))
    assert bench.loop.measured() == before


def test_bulk_work_and_resumed_streams_are_not_held():
    bench = Bench(0.1, 0.0)
    bench.submit("warm")
    bench.run()
    bench.submit("book", service_class=ServiceClass.BULK)
    bench.turn()
    assert bench.listeners["book"].made_s == pytest.approx(FRAME_S)
    bench.loop.receive(Cancel("book"))
    bench.submit("heard", skip_samples=80)
    bench.turn()
    bench.turn()
    assert bench.listeners["heard"].made_s == pytest.approx(FRAME_S)
    bench.loop.receive(Cancel("heard"))
    bench.submit("ran dry", skip_samples=80, lead_s=0.0)
    bench.turn()
    bench.turn()
    assert bench.listeners["ran dry"].made_s == pytest.approx(FRAME_S)
