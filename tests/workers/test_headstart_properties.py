"""Head starts under any order of messages: every segment's audio goes out whole, in order, and ends once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from syrinx.core.clock import FakeClock
from syrinx.core.errors import InvalidRequest
from syrinx.core.types import AudioChunk, Mark, MarkKind, ServiceClass, Span, SynthesisJob
from syrinx.models.base import Backend, ModelInfo, SteppedBackend, StepResult, VoiceInfo
from syrinx.workers.headstart import HeadStartPolicy
from syrinx.workers.host import JobTerms
from syrinx.workers.loop import LoopPolicy, StepLoop
from syrinx.workers.messages import Cancel, Credit, FromWorker, Idle, Output, Pace, Submit
from syrinx.workers.runaway import RunawayPolicy
from tests.workers.simulation import NoRecorder

RATE = 100
FRAME = 8
"""Samples; 80 ms."""
FRAME_S = FRAME / RATE
NO_LIMIT = RunawayPolicy(base_s=1e6)
LONGEST_S = HeadStartPolicy().longest_s


@dataclass(frozen=True)
class Segment:
    frames: int
    promised: int
    """Frames that are expected."""
    breaks: bool = False
    """It fails instead of ending."""
    late_end: bool = False
    """Its end comes with a step of its own, without audio."""


@dataclass(frozen=True)
class Model:
    """What steps cost, in seconds of the fake clock."""

    base_s: float
    row_s: float = 0.0
    begin_s: float = 0.0
    max_batch: int = 2


class Counting(Backend, SteppedBackend):
    """A frame and a mark a step; the samples count from the beginning of the job."""

    def __init__(self, clock: FakeClock, model: Model) -> None:
        self.clock, self.model = clock, model
        self.segments: dict[str, Segment] = {}
        self.made: dict[str, int] = {}
        self.first_at: dict[str, float] = {}
        """When the job's first audio was made."""

    def load(self) -> ModelInfo:
        voices = (VoiceInfo("v", "V", ("en",)),)
        return ModelInfo("counting", "C", RATE, voices, "v", "Apache-2.0", max_batch=self.model.max_batch)

    def stepped(self) -> SteppedBackend:
        return self

    def expected_s(self, job: SynthesisJob) -> float | None:
        return self.segments[job.job_id].promised * FRAME_S

    def open(self, job: SynthesisJob) -> None:
        self.made[job.job_id] = 0

    def step(self, job_ids) -> list[StepResult]:
        begun = sum(self.made[job_id] == 0 for job_id in job_ids)
        self.clock.advance(self.model.base_s + self.model.row_s * len(job_ids) + self.model.begin_s * begun)
        return [self._one(job_id) for job_id in job_ids]

    def _one(self, job_id: str) -> StepResult:
        segment, at = self.segments[job_id], self.made[job_id]
        if at == segment.frames:
            error = InvalidRequest("Broken.") if segment.breaks else None
            return StepResult(job_id, done=True, error=error)
        self.made[job_id] = at + 1
        self.first_at.setdefault(job_id, self.clock.now())
        samples = np.arange(at * FRAME, (at + 1) * FRAME, dtype=np.float32)
        mark = Mark(MarkKind.WORD, Span(at, at + 1), at * FRAME_S, (at + 1) * FRAME_S)
        done = at + 1 == segment.frames and not segment.breaks and not segment.late_end
        return StepResult(job_id, AudioChunk(samples, RATE, (mark,)), done=done)

    def close(self, job_id: str) -> None:
        self.made.pop(job_id, None)


@dataclass
class Job:
    """What the listener's side knows of a job."""

    segment: Segment
    timeline: str
    samples: list[float] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    ended: bool = False
    canceled: bool = False


class Room:
    """A loop, and everything that its listeners are told."""

    def __init__(self, model: Model) -> None:
        self.clock = FakeClock(10.0)
        self.backend = Counting(self.clock, model)
        self.loop = StepLoop(self.backend, self.backend.load(), LoopPolicy(runaway=NO_LIMIT), self.clock, NoRecorder())
        self.jobs: dict[str, Job] = {}
        """In the order submitted."""
        self.submit("before", "before", Segment(10, 10), is_last=True, credit_s=1e6)
        self.finish()  # so that the speed is known

    def submit(self, timeline: str, utterance: str, segment: Segment, *, is_last: bool, credit_s: float, **terms):
        name = f"job{len(self.jobs)}"
        self.backend.segments[name] = segment
        self.jobs[name] = Job(segment, timeline)
        job = SynthesisJob(name, "text", "v", "en", utterance_id=utterance, is_last=is_last)
        given = JobTerms(timeline, owner=timeline, **terms)
        self.heard(self.loop.receive(Submit(job, given, len(self.jobs), credit_s)))

    def cancel(self, name: str) -> None:
        before = self.jobs[name].ended or self.jobs[name].canceled
        self.jobs[name].canceled = True
        said = self.loop.receive(Cancel(name))
        assert said[-1] == Idle(name), "a cancel is answered"
        assert before or not any(isinstance(message, Output) and message.job_id == name for message in said)
        self.heard(said[:-1])

    def turn(self) -> float | None:
        turn = self.loop.turn()
        self.heard(turn.messages)
        if turn.idle_until is None:
            for name, since in self.backend.first_at.items():
                job = self.jobs[name]
                sent = job.samples or job.ended or job.canceled
                assert sent or self.clock.now() - since <= LONGEST_S + 1e-9, f"{name} is held for too long"
        return turn.idle_until

    def heard(self, messages: list[FromWorker]) -> None:
        for message in messages:
            if isinstance(message, Output):
                self._output(message)

    def _output(self, output: Output) -> None:
        job = self.jobs[output.job_id]
        assert not job.ended and not job.canceled, f"nothing of {output.job_id} follows its end or its cancel"
        if output.samples is not None:
            for other in self._before(output.job_id, job.timeline):
                assert other.ended or other.canceled, "who is heard first has ended first"
            job.samples += np.frombuffer(output.samples, np.float32).tolist()
        job.marks += [mark.span.start for mark in output.marks]
        if output.done:
            job.ended = True
            whole = job.segment.frames
            assert job.samples == list(range(whole * FRAME)) and job.marks == list(range(whole))
            assert (output.fault is not None) == job.segment.breaks

    def _before(self, name: str, timeline: str) -> list[Job]:
        names = list(self.jobs)
        return [self.jobs[other] for other in names[: names.index(name)] if self.jobs[other].timeline == timeline]

    def act(self, utterance: int, action: tuple) -> None:
        """Do what ``actions`` has."""
        names = list(reversed(self.jobs))
        match action:
            case ("speak", timeline, parts, credit_s, terms, turns_between):
                for index, part in enumerate(parts):
                    name, last = f"u{utterance}", index == len(parts) - 1
                    self.submit(timeline or name, name, part, is_last=last, credit_s=credit_s, **terms)
                    for _ in range(turns_between):
                        self.turn()
            case ("cancel", number):
                self.cancel(names[number % len(names)])
            case ("credit", number, seconds):
                assert self.loop.receive(Credit(names[number % len(names)], seconds)) == []
            case ("pace", number, rate):
                assert self.loop.receive(Pace(names[number % len(names)], rate)) == []
            case ("turn", turns):
                for _ in range(turns):
                    self.turn()
            case ("wait", seconds):
                self.clock.advance(seconds)

    def finish(self) -> None:
        """Everybody reads to the end."""
        for name in self.jobs:
            self.loop.receive(Credit(name, 1e6))
        while (idle_until := self.turn()) != math.inf:
            if idle_until is not None:
                self.clock.advance(max(0.0, idle_until - self.clock.now()))
        assert self.loop.running == 0
        assert all(job.ended or job.canceled for job in self.jobs.values())


rare = st.integers(0, 9).map(lambda number: number == 5)
lengths = st.sampled_from([(3, 3), (30, 30), (2, 5), (10, 8), (25, 20), (1, 1), (0, 1), (40, 30)])
segments = st.builds(lambda length, *ends: Segment(*length, *ends), lengths, rare, rare)
slow = st.builds(Model, st.sampled_from([0.09, 0.1, 0.11]), max_batch=st.just(8))
models = slow | st.builds(
    Model,
    st.sampled_from([0.09, 0.1, 0.02, 2.0]),
    st.sampled_from([0.0, 0.02]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([8, 2, 1]),
)
terms = st.just({}) | st.fixed_dictionaries(
    {
        "service_class": rare.map(lambda is_bulk: ServiceClass.BULK if is_bulk else ServiceClass.INTERACTIVE),
        "playback_rate": st.sampled_from([1.0, 1.1, 0.5]),
        "max_lead_s": st.sampled_from([math.inf, 30.0, 1.0]),
    }
)
newest = st.integers(0, 3) | st.integers(0, 30)
"""A job, counted from the one submitted last."""
speaks = st.tuples(
    st.just("speak"),
    st.sampled_from(["", "", "", "x", "y"]),
    st.lists(segments, min_size=2, max_size=4) | st.lists(segments, min_size=1, max_size=4),
    st.just(1e6) | st.sampled_from([10.0, 1.0, 0.1]),
    terms,
    st.just(0) | st.sampled_from([1, 3]),
)
actions = st.one_of(
    speaks,
    speaks,
    st.tuples(st.just("cancel"), newest),
    st.tuples(st.just("credit"), newest, st.floats(0.05, 5.0)),
    st.tuples(st.just("pace"), newest, st.sampled_from([0.5, 1.0, 1.2])),
    st.tuples(st.just("turn"), st.integers(1, 6)),
    st.tuples(st.just("turn"), st.integers(1, 20)),
    st.tuples(st.just("wait"), st.floats(0.0, 5.0)),
)


@settings(max_examples=200, deadline=None)
@given(models, st.lists(actions, min_size=4, max_size=30))
def test_whatever_is_held_goes_out_once_in_order_and_in_time(model: Model, script: list[tuple]):
    room = Room(model)
    for number, action in enumerate(script):
        room.act(number, action)
    room.finish()


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 4),
    st.lists(st.builds(Segment, st.integers(1, 4), st.just(3)), min_size=2, max_size=4),
    st.integers(1, 9),
    st.lists(actions, min_size=1, max_size=6),
)
def test_segments_that_end_while_the_first_audio_is_held(
    utterances: int, parts: list[Segment], turns: int, script: list[tuple]
):
    room = Room(Model(0.1, max_batch=8))
    long = Segment(30, 30)
    for number in range(utterances):
        room.act(-number, ("speak", "", [*parts, long], 1e6, {}, 0))
    room.act(0, ("turn", turns))
    assert not any(job.samples for job in list(room.jobs.values())[1:]), "all are held"
    for number, action in enumerate(script):
        room.act(number, action)
    room.finish()
