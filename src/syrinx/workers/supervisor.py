"""A model as the engine sees it, over one or more worker processes: who gets which job, and what becomes of it.

Lives on one event loop and only passes things on: each message costs it microseconds.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from syrinx.core.errors import (
    InvalidRequest,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    WorkerLost,
)
from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import ModelInfo, ReferenceClip

from .errands import Errands
from .faults import error_of
from .host import HostLoad, HostState, HostStatus, JobTerms
from .messages import Cancel, Credit, FromWorker, Idle, Output, Pace, VoicePrepared
from .meter import StepCost
from .placement import choose
from .policy import BackendSpec, SupervisorPolicy
from .recovery import Casualty, reason_to_fail
from .slot import Death, Slot
from .stream import Stream
from .wire import Encoder, WireError, samples_of

Log = Callable[[str, str], None]
"""Takes a worker's name (``model-0``) and a line that it printed."""
RETRY_AFTER_S = 1.0
NO_SAMPLES = np.zeros(0, np.float32)


def _no_log(worker: str, line: str) -> None:
    return None


class Supervisor:
    """Implements ``host.ModelHost`` for one model."""

    def __init__(
        self, name: str, backend: BackendSpec, policy: SupervisorPolicy | None = None, log: Log = _no_log
    ) -> None:
        self.name = name
        self._backend = backend
        self._policy = policy or SupervisorPolicy()
        self._log = log
        self._info: ModelInfo | None = None
        self._slots: list[Slot] = []
        self._failure = ""
        self._streams: dict[str, Stream] = {}
        self._waiting: dict[str, Stream] = {}
        self._suspects: dict[str, Slot] = {}
        """Waiting streams that may go only to the slot whose worker they may have killed."""
        self._homes: OrderedDict[str, Slot] = OrderedDict()
        """Where a timeline's jobs went (``placement.choose``)."""
        self._errands = Errands(name)
        self._order = 0
        self._encoder = Encoder()

    # --- what the engine sees ---------------------------------------------------------------------------------------

    @property
    def info(self) -> ModelInfo | None:
        return self._info

    @property
    def status(self) -> HostStatus:
        restarts = sum(slot.deaths for slot in self._slots)
        return HostStatus(self._state(), self._failure, restarts, len(self._streams))

    @property
    def load(self) -> HostLoad:
        measured = [slot.measured for slot in self._slots if slot.ready and slot.measured is not None]
        count, ready = len(measured), sum(slot.ready for slot in self._slots)
        mean = StepCost(sum(m.base for m in measured) / max(1, count), sum(m.per_row for m in measured) / max(1, count))
        return HostLoad(mean if count else None, self._info.max_batch if self._info is not None else 1, max(1, ready))

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers that live now."""
        return [slot.pid for slot in self._slots if slot.pid is not None]

    async def start(self) -> None:
        """See ``ModelHost.start``. All workers must come up; if one cannot, none is left behind."""
        await self._end_slots()
        self._failure = ""
        self._slots = [Slot(index, self._backend, self._policy, self) for index in range(self._policy.workers)]
        death: Death | None = Death("Its start was called off.")
        try:
            death = await self._first_death()
        finally:
            if death is not None:
                await self._end_slots()
                self._failure = death.cause
                self._fail_waiting(death)
        if death is not None:
            raise ModelNotReady(f"The model {self.name} cannot be loaded: {death.cause}")

    def submit(self, job: SynthesisJob, terms: JobTerms) -> Stream:
        """See ``ModelHost.submit``. Raises also ``Overloaded`` over ``max_jobs`` and ``InvalidRequest`` for a job that
        cannot be sent: an id in use, options that are no plain values, text that is no Unicode, no speed."""
        if self._state() in (HostState.STOPPED, HostState.FAILED):
            raise ModelNotReady(f"The model {self.name} does not run. {self._failure}".strip())
        if not (terms.playback_rate > 0 and job.delivery.speed > 0):
            raise InvalidRequest("A speed must be more than 0.", param="speed")
        if job.job_id in self._streams:
            raise InvalidRequest(f"There is a job {job.job_id!r} already.")
        if len(self._streams) >= self._policy.max_jobs:
            raise Overloaded(f"The model {self.name} has {len(self._streams)} jobs already.", RETRY_AFTER_S)
        now = asyncio.get_running_loop().time()
        self._order += 1
        stream = Stream(job, terms, self._order, now, self._policy.window_s, self)
        try:
            self._encoder.encode([stream.message(now)])
        except WireError as error:
            raise InvalidRequest(f"The request cannot be passed to the model: {error}") from None
        self._streams[job.job_id] = stream
        self._place(stream)
        return stream

    def keeps(self, job: SynthesisJob, terms: JobTerms) -> bool:
        """See ``host.ModelHost.keeps``."""
        return False

    async def prepare_voice(self, clip: ReferenceClip) -> bytes:
        """See ``ModelHost.prepare_voice``. Its jobs stand still meanwhile, for ``prepare_timeout_s`` at the longest.

        Raises also ``Overloaded`` where too many are prepared already."""
        if self._info is not None and not self._info.clones:
            raise InvalidRequest(f"The model {self.name} cannot clone voices.", code="cannot_clone")
        return await self._errands.prepare(clip, self._slots)

    async def stop(self) -> None:
        """See ``ModelHost.stop``. Takes at most ``stop_grace_s`` and what a killed process needs to vanish."""
        for stream in list(self._streams.values()):
            self._finish(stream, WorkerLost(f"The model {self.name} was stopped."))
        await self._end_slots()
        self._failure = ""

    # --- what streams ask (stream.Keeper) ---------------------------------------------------------------------------

    def grant(self, stream: Stream, seconds: float) -> None:
        slot = self._slot_of(stream)
        if slot is not None:
            slot.send(Credit(stream.job.job_id, seconds))

    def pace(self, stream: Stream) -> None:
        slot = self._slot_of(stream)
        if slot is not None:  # else it goes out with the job
            slot.send(Pace(stream.job.job_id, stream.terms.playback_rate))

    def cancel(self, stream: Stream) -> None:
        slot = self._slot_of(stream)
        if slot is not None:
            slot.send(Cancel(stream.job.job_id))
        else:
            self._finish(stream)

    # --- what slots tell (slot.SlotOwner) ---------------------------------------------------------------------------

    def slot_ready(self, slot: Slot, info: ModelInfo) -> None:
        self._info = info
        self._place_waiting()

    def slot_heard(self, slot: Slot, message: FromWorker) -> None:
        match message:
            case Output(job_id):
                if (stream := slot.streams.get(job_id)) is not None:
                    self._take(slot, stream, message)
            case Idle(job_id):
                if (stream := slot.streams.get(job_id)) is not None:
                    self._finish(stream)
            case VoicePrepared():
                self._errands.heard(message)
            case _:
                pass  # the rest is about the worker itself, and the slot's to act on

    def slot_died(self, slot: Slot, death: Death) -> None:
        lost, slot.streams = list(slot.streams.values()), {}
        suspects = f" It was at work on {', '.join(death.suspects)}." if death.suspects else ""
        self.slot_printed(slot, f"The worker was lost with {len(lost)} jobs. {death.cause}{suspects}")
        for stream in lost:
            self._mourn(slot, stream, death)
        self._errands.lost(slot, death.cause)
        if slot.failed:
            self._failure = death.cause
        if all(other.failed for other in self._slots):
            self._fail_waiting(death)
        self._place_waiting()

    def slot_printed(self, slot: Slot, line: str) -> None:
        self._log(f"{self.name}-{slot.index}", line)

    # --- placing ----------------------------------------------------------------------------------------------------

    def _place(self, stream: Stream) -> None:
        """Send the job to a worker, or let it wait for one."""
        job_id = stream.job.job_id
        suspected_by = self._suspects.get(job_id)
        slot = suspected_by or choose(self._homes, self._slots, stream.terms.timeline, self._info)
        if slot is None or not slot.ready:
            self._waiting[job_id] = stream
            return
        self._waiting.pop(job_id, None)
        self._suspects.pop(job_id, None)
        slot.streams[job_id] = stream
        slot.send(stream.message(asyncio.get_running_loop().time()))

    def _place_waiting(self) -> None:
        """Send what can be sent: those above suspicion first, each group in the order of submission."""
        line = sorted(self._waiting.values(), key=lambda s: (s.progress.suspected > 0, s.order))
        for stream in line:
            suspected_by = self._suspects.get(stream.job.job_id)
            if suspected_by is not None and suspected_by.failed:
                del self._suspects[stream.job.job_id]
            self._place(stream)

    # --- audio and ends ---------------------------------------------------------------------------------------------

    def _take(self, slot: Slot, stream: Stream, output: Output) -> None:
        samples = samples_of(output)
        if samples is not None or output.marks:
            chunk = AudioChunk(NO_SAMPLES if samples is None else samples, max(1, output.sample_rate), output.marks)
            stream.received(chunk, asyncio.get_running_loop().time())
        if output.done:
            fault = None if stream.canceled else output.fault
            self._finish(stream, error_of(fault) if fault is not None else None)

    def _finish(self, stream: Stream, error: SyrinxError | None = None) -> None:
        """The job is on no worker any more, and never will be."""
        job_id = stream.job.job_id
        self._streams.pop(job_id, None)
        self._waiting.pop(job_id, None)
        self._suspects.pop(job_id, None)
        for slot in self._slots:
            slot.streams.pop(job_id, None)
        if stream.canceled and error is None:
            stream.stopped()
        else:
            stream.ended(error)

    def _mourn(self, slot: Slot, stream: Stream, death: Death) -> None:
        """Its worker died: let it wait for another, or give it up."""
        job_id, progress = stream.job.job_id, stream.progress
        if stream.canceled:
            self._finish(stream, WorkerLost(death.cause))
            return
        repeatable = self._info is not None and self._info.repeatable
        suspect = job_id in death.suspects
        casualty = Casualty(suspect, progress.suspected, progress.retries, progress.samples > 0, repeatable)
        error = reason_to_fail(casualty, death.cause, self._policy.retry)
        if error is not None:
            self._finish(stream, error)
            return
        if suspect:
            progress.suspected += 1
            self._suspects[job_id] = slot
        if suspect or len(death.suspects) != 1:  # where one other job alone is to blame, this one pays nothing
            progress.retries += 1
        self._waiting[job_id] = stream

    def _fail_waiting(self, death: Death) -> None:
        for stream in list(self._waiting.values()):
            cause = f"The model {self.name} was lost and cannot be loaded again: {death.cause}"
            self._finish(stream, WorkerLost(cause) if stream.progress.samples else ModelNotReady(cause))

    def _slot_of(self, stream: Stream) -> Slot | None:
        return next((slot for slot in self._slots if stream.job.job_id in slot.streams), None)

    def _state(self) -> HostState:
        if not self._slots:
            return HostState.FAILED if self._failure else HostState.STOPPED
        if any(slot.ready for slot in self._slots):
            return HostState.READY
        if all(slot.failed for slot in self._slots):
            return HostState.FAILED
        return HostState.STARTING if self._info is None else HostState.RESTARTING

    async def _first_death(self) -> Death | None:
        """Wait until every worker is ready, or one cannot be loaded; return how that one ended."""
        coming = {slot.first_outcome for slot in self._slots}
        while coming:
            came, coming = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
            for outcome in came:
                if outcome.cancelled():
                    return Death("It was stopped while it was loading.")
                if isinstance(death := outcome.result(), Death):
                    return death
        return None

    async def _end_slots(self) -> None:
        slots, self._slots = self._slots, []
        self._homes.clear()
        for slot in slots:
            self._errands.lost(slot, f"The model {self.name} was stopped.")
        await asyncio.gather(*(slot.stop() for slot in slots))
