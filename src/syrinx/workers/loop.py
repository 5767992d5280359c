"""The step loop of a worker without its I/O: messages in, steps of the backend, messages out.

Batching, fairness, deadlines, credits and cancels of every model are decided here, on one thread.
"""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np

from syrinx.core.clock import Clock
from syrinx.core.errors import InvalidRequest, ModelFailed, RunawayStopped
from syrinx.core.types import AudioChunk, Samples
from syrinx.models.base import Backend, ModelInfo, OutOfMemory, ReferenceClip, StepResult
from syrinx.models.prompt import encode_prompt

from .beginnings import Beginnings
from .faults import fault_of
from .headstart import HeadStartPolicy
from .messages import Cancel, Credit, FromWorker, Idle, Measured, Output, Pace, PrepareVoice, Submit, VoicePrepared
from .meter import CostBySize
from .outputs import checked, outputs_of
from .runaway import RunawayPolicy, budget_s, usual_s
from .schedule import Candidate, Pick, SchedulePolicy, owner_key, pick
from .timeline import RunningJob, Timeline
from .usage import Usage

REPORT_EVERY_S = 0.1
"""Speed is reported with audio at most this often (it costs a message)."""
MIN_CHARGE_S = 0.005
"""What a step costs its owner at least, in seconds of audio, so that silent work is not free."""
PROMPT_PIECE = 1 << 20
"""Bytes of a voice prompt in one message: the server copies each as it comes, and must not stand still for it."""

_T = TypeVar("_T")


class Recorder(Protocol):
    """Told what the model is at work on (``blackbox.BlackBox``)."""

    def begin(self, job_ids: Sequence[str]) -> None: ...

    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn gave."""

    messages: list[FromWorker]
    idle_until: float | None
    """None: more work is there, turn again. Else nothing to do until then (``inf``: until a message comes)."""


@dataclass(frozen=True, slots=True)
class LoopPolicy:
    schedule: SchedulePolicy = field(default_factory=SchedulePolicy)
    runaway: RunawayPolicy = field(default_factory=RunawayPolicy)
    head_start: HeadStartPolicy = field(default_factory=HeadStartPolicy)


class StepLoop:
    """Jobs of one loaded backend. ``receive`` what came, then ``turn``; ``working_since`` may be read by any thread."""

    def __init__(self, backend: Backend, info: ModelInfo, policy: LoopPolicy, clock: Clock, recorder: Recorder) -> None:
        self._backend = backend
        self._steps = backend.stepped()
        self._info = info
        self._schedule = replace(policy.schedule, max_batch=max(1, info.max_batch))
        self._runaway = policy.runaway
        self._clock = clock
        self._recorder = recorder
        self._jobs: dict[str, RunningJob] = {}
        self._timelines: dict[str, Timeline] = {}
        self._candidates: dict[str, Candidate] = {}
        self._sweep_at = 64
        self._usage = Usage()
        self._costs = CostBySize()
        self._beginnings = Beginnings(policy.head_start)
        self._reported_at = -math.inf
        self.working_since: float | None = None
        """When the call into the backend began that runs now; None: none runs."""
        self.preparing = False
        """That call prepares a voice; may be read by any thread."""
        self.spent = False
        """The model ran out of memory: the worker should say what there is to say, end, and begin anew."""

    @property
    def running(self) -> int:
        return len(self._jobs)

    def receive(self, message: Submit | Cancel | Credit | Pace | PrepareVoice) -> list[FromWorker]:
        """Apply a message; what is returned goes out before the next step."""
        match message:
            case Submit():
                return self._submit(message)
            case Cancel(job_id):
                return self._cancel(job_id)
            case Credit(job_id, seconds):
                if job_id in self._jobs:
                    self._jobs[job_id].credit_s += seconds
                    self._changed(self._jobs[job_id])
                return []
            case Pace(job_id, playback_rate):
                if (job := self._jobs.get(job_id)) is not None:
                    self._timelines[job.terms.timeline].paced(job, playback_rate, self._clock.now())
                    self._changed(job)
                return []
            case PrepareVoice():
                return self._prepare(message)

    def turn(self) -> Turn:
        """Step once those whose turn it is, if anyone's."""
        now = self._clock.now()
        picked = pick(now, self._candidates.values(), self._usage, self._schedule)
        if not picked.job_ids:
            return Turn([], picked.wake_at)
        try:
            results = self._call(picked.job_ids, lambda: self._steps.step(picked.job_ids))
        except Exception as error:  # noqa: BLE001 - whatever a model raises fails these jobs; the worker lives
            self._failed(error)
            results = [StepResult(job_id, done=True, error=error) for job_id in picked.job_ids]
        return Turn(self._account(picked, results, now), None)

    # --- what comes in ----------------------------------------------------------------------------------------------

    def _submit(self, message: Submit) -> list[FromWorker]:
        job, now = message.job, self._clock.now()
        try:
            if job.job_id in self._jobs:
                raise InvalidRequest(f"There is a job {job.job_id!r} already.")
            self._call([job.job_id], lambda: self._steps.open(job))
            told_s = self._call([job.job_id], lambda: self._backend.expected_s(job))
        except Exception as error:  # noqa: BLE001 - a job that a model cannot take fails alone
            self._failed(error)
            return [Output(job.job_id, done=True, fault=fault_of(error))]
        expected_s = usual_s(job, told_s, self._info.seconds_per_char)
        running = RunningJob(
            job,
            message.terms,
            message.order,
            arrived_at=now,
            credit_s=message.credit_s,
            budget_s=budget_s(expected_s, self._runaway),
            expected_s=expected_s,
            skip_samples=message.skip_samples,
            skip_marks=message.skip_marks,
            alone=message.alone,
        )
        self._jobs[job.job_id] = running
        self._sweep(now)
        timeline = self._timelines.setdefault(message.terms.timeline, Timeline())
        timeline.add(running)
        if message.skip_samples:
            timeline.resume(running, now, message.lead_s)
        self._changed(running)
        return []

    def _cancel(self, job_id: str) -> list[FromWorker]:
        if (holding := self._beginnings.forget(job_id)) is not None:
            self._changed(holding)
        running = self._jobs.get(job_id)
        if running is None:
            return [Idle(job_id)]
        self._timelines[running.terms.timeline].forget_audio()
        before = self._begin(running, self._clock.now())
        self._close(running)
        return [*before, Idle(job_id)]

    def _prepare(self, message: PrepareVoice) -> list[FromWorker]:
        ticket, samples = message.ticket, np.frombuffer(message.samples, np.float32).copy()
        clip = ReferenceClip(samples, message.sample_rate, message.text, message.language)
        self.preparing = True
        try:
            prompt = self._call([ticket], lambda: self._prompt(clip))
        except Exception as error:  # noqa: BLE001 - a clip that a model cannot take harms nobody else
            self._failed(error)
            return [VoicePrepared(ticket, done=True, fault=fault_of(error))]
        finally:
            self.preparing = False
        view = memoryview(prompt)
        pieces = [view[start : start + PROMPT_PIECE] for start in range(0, len(view), PROMPT_PIECE)]
        return [*(VoicePrepared(ticket, piece) for piece in pieces), VoicePrepared(ticket, done=True)]

    def _prompt(self, clip: ReferenceClip) -> bytes:
        tensors = self._backend.prepare_voice(clip)
        try:
            return encode_prompt(self._info.name, self._info.revision, tensors)
        except InvalidRequest as error:  # not the fault of whoever brought the clip
            raise ModelFailed(f"The model made no voice prompt. {error}") from None

    def _close(self, running: RunningJob) -> None:
        job_id = running.job.job_id
        self._beginnings.release(running)
        if running.stepped or running.made_s:
            self._costs.ended(running.made_s)
        del self._jobs[job_id]
        self._timelines[running.terms.timeline].remove(running)
        self._changed(running)
        try:
            self._call([job_id], lambda: self._steps.close(job_id))
        except Exception as error:  # noqa: BLE001 - a model's clean-up may raise; the job is gone either way
            self._failed(error)

    def _changed(self, running: RunningJob) -> None:
        """Work out anew what of the job's timeline could step."""
        name = running.terms.timeline
        candidate = self._timelines[name].candidate()
        if candidate is None:
            self._candidates.pop(name, None)
        else:
            self._candidates[name] = candidate

    def _failed(self, error: Exception) -> None:
        """Note what the model raised."""
        self.spent = self.spent or isinstance(error, OutOfMemory | MemoryError)
        _log(error)

    def _sweep(self, now: float) -> None:
        """Forget listeners that heard all there was; often enough to stay within twice the number of live ones."""
        if len(self._timelines) < self._sweep_at:
            return
        self._timelines = {k: t for k, t in self._timelines.items() if t.jobs or t.runs_dry_at > now}
        self._sweep_at = max(64, 2 * len(self._timelines))

    def _call(self, job_ids: Sequence[str], work: Callable[[], _T]) -> _T:
        """Call into the model, on record."""
        self._recorder.begin(job_ids)
        self.working_since = self._clock.now()
        try:
            return work()
        finally:
            self.working_since = None
            self._recorder.end()

    # --- what a step gave -------------------------------------------------------------------------------------------

    def _account(self, picked: Pick, results: Sequence[StepResult], began: float) -> list[FromWorker]:
        now = self._clock.now()
        messages: list[FromWorker] = []
        spare = set(picked.job_ids[len(picked.job_ids) - picked.spare :])
        stepped = [self._jobs[job_id] for job_id in picked.job_ids]
        made_s = dict.fromkeys(picked.job_ids, 0.0)
        for result in results:
            running = self._jobs.get(result.job_id)
            if running is None or result.job_id not in made_s:
                continue
            made_before = running.made_s
            messages += self._take(running, result, now)
            made_s[result.job_id] += running.made_s - made_before
        for job_id, seconds in made_s.items():
            running = self._jobs.get(job_id)
            if running is not None:
                running.silent_s = 0.0 if seconds else running.silent_s + now - began
                messages += self._check_silence(running)
                self._charge(running, now, seconds, job_id in spare)
        first = sum(not job.stepped for job in stepped)
        self._costs.stepped(now - began, len(stepped), sum(made_s.values()), began=first)
        self._beginnings.stepped(stepped, now - began, sum(made_s.values()))
        for running in self._beginnings.due(picked, self._timelines, now):
            messages += self._begin(running, now)
            self._changed(running)
        if now - self._reported_at >= REPORT_EVERY_S and (measured := self.measured()) is not None:
            self._reported_at = now
            messages.append(measured)
        return messages

    def measured(self) -> Measured | None:
        """Return what steps cost as far as is known now."""
        cost = self._costs.cost
        return None if cost is None else Measured(cost.base, cost.per_row)

    def _take(self, running: RunningJob, result: StepResult, now: float) -> list[FromWorker]:
        """Turn one job's result into what is sent of it, and end the job if it is over."""
        error, chunk = result.error, result.chunk
        samples: Samples | None = None
        if error is None and chunk is not None:
            try:
                samples = checked(chunk, self._info.sample_rate)
                running.made_s += len(samples) / chunk.sample_rate
                if running.made_s > running.budget_s:
                    raise RunawayStopped(
                        f"The model made {running.made_s:.1f} s of audio where at most {running.budget_s:.1f} s "
                        "fit the text, and was stopped."
                    )
            except ModelFailed as broken:
                error, samples = broken, None
        elif error is not None:
            self._failed(error)
        messages = self._send(running, samples, chunk, now) if samples is not None and chunk is not None else []
        if error is not None or result.done:
            messages += self._end(running, error, now)
        else:
            self._changed(running)
        return messages

    def _end(self, running: RunningJob, error: Exception | None, now: float) -> list[FromWorker]:
        """Close a job that is over, and return what is left to say of it: nothing yet where its listener waits on."""
        timeline = self._timelines[running.terms.timeline]
        end = Output(running.job.job_id, done=True, fault=fault_of(error) if error else None)
        following = timeline.after(running) if error is None and running.job.job_id in self._beginnings else None
        if error is None:
            self._beginnings.spoke(running, timeline, now)
        if following is not None:
            self._beginnings.carry(running, end, following)
            self._close(running)
            return []
        messages = [*self._begin(running, now), end]
        self._close(running)
        return messages

    def _send(self, running: RunningJob, samples: Samples, chunk: AudioChunk, now: float) -> list[FromWorker]:
        """Return what of a chunk goes out now; of a stream that is about to begin, nothing yet."""
        outputs, sent = outputs_of(running, samples, chunk)
        audio_s = sent / chunk.sample_rate
        running.credit_s -= audio_s
        if running.job.job_id in self._beginnings or self._timelines[running.terms.timeline].begins(running, now):
            self._beginnings.keep(running, outputs, audio_s, now)
            return []
        if sent:
            self._timelines[running.terms.timeline].sent(running, now, audio_s)
        return [*outputs]

    def _begin(self, running: RunningJob, now: float) -> list[FromWorker]:
        """Return what was held back of a job, which its listener begins to hear now."""
        outputs, audio_s = self._beginnings.release(running)
        if audio_s:
            self._timelines[running.terms.timeline].sent(running, now, audio_s)
        return [*outputs]

    def _check_silence(self, running: RunningJob) -> list[FromWorker]:
        """End a job that computes and computes and never makes a sound."""
        if running.silent_s <= self._runaway.max_silent_s:
            return []
        error = RunawayStopped(f"The model made no sound in {running.silent_s:.0f} s of work, and was stopped.")
        return self._end(running, error, self._clock.now())

    def _charge(self, running: RunningJob, now: float, audio_s: float, spare: bool) -> None:
        terms, amount = running.terms, max(audio_s, MIN_CHARGE_S)
        self._usage.charge(now, owner_key(terms.service_class, terms.owner), amount)
        if spare:
            self._usage.charge(now, terms.service_class, amount)


def _log(error: Exception) -> None:
    """Write the traceback to stderr, which the server keeps and forwards; callers' faults have none worth reading."""
    if not isinstance(error, InvalidRequest):
        traceback.print_exception(error, file=sys.stderr)
