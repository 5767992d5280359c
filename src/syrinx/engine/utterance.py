"""One utterance's life: text to segments, segments to a model, audio to events; one task, one end, undone on cancel."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from syrinx.audio.pipeline import plan
from syrinx.core.clock import Clock
from syrinx.core.errors import EmptyText, ModelFailed, SyrinxError
from syrinx.core.ids import new_id
from syrinx.core.types import (
    AudioChunk,
    Failed,
    Finished,
    FinishReason,
    Mark,
    Marks,
    Open,
    SegmentDone,
    ServerEvent,
    Started,
)
from syrinx.engine.admission import Ticket
from syrinx.engine.catalog import Choice
from syrinx.engine.gate import Gate
from syrinx.engine.jobs import Brief, Listener
from syrinx.engine.ledger import Ledger
from syrinx.engine.manuscript import Manuscript, Patience
from syrinx.engine.marks import SegmentClock, WordEstimate, map_marks
from syrinx.engine.outlet import Outlet, Packing
from syrinx.engine.playhead import Player
from syrinx.engine.policy import EnginePolicy, SessionOptions
from syrinx.engine.record import UtteranceRecord
from syrinx.text.front import Prepared
from syrinx.workers.host import JobStream

COMFORTABLE_S = 0.5
"""A listener with this much left to play can wait a little for more."""
GATHER_S = 0.2
"""What it waits for. Ten small chunks cost the server nearly ten times what one large one does (measured)."""


@dataclass(frozen=True, slots=True)
class Services:
    """What an utterance needs of the engine."""

    resolve: Callable[[str | None, str | None], Choice]
    gate: Callable[[str], Gate]
    policy: EnginePolicy
    clock: Clock
    observe: Callable[[UtteranceRecord], None]
    """Told once of every utterance; does not raise."""
    executor: Executor
    report: Callable[[BaseException], None]
    """Told of errors that are nobody's on purpose."""
    background: Callable[[Coroutine[None, None, None]], None]
    """Runs something to its end that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its session an utterance stands."""

    timeline: str
    """Who listens, as the scheduler knows it; empty: nobody hears other utterances with it."""
    player: Player
    emit: Callable[[ServerEvent], None]
    room: Callable[[], Awaitable[object]]
    """Returns when the client has taken enough for more audio to be made."""
    owner: str


@dataclass(slots=True)
class _Spoken:
    """A segment that was handed to the model."""

    prepared: Prepared
    stream: JobStream
    estimate: WordEstimate | None
    time_scale: float
    """Delivered seconds per model second."""
    model_s: float = 0.0
    begun: bool = False


class Utterance:
    """Driven by its session: text in by ``append``/``flush``/``end``, events out through ``Place.emit``."""

    def __init__(self, opened: Open, options: SessionOptions, place: Place, services: Services) -> None:
        self.id = opened.utterance_id
        self._uid = new_id("utt")
        self._request = opened.request
        self._options = options
        self._services = services
        self._place = place
        self._ledger = Ledger(opened.utterance_id, options.protocol, services.clock, place.player)
        self._listener = Listener(place.timeline or self._uid, place.owner, options.max_lead_s)
        self._ticket = Ticket(self._uid, place.owner, opened.request.service_class)
        policy = services.policy
        patience = Patience(policy.text_timeout_s, options.idle_flush_s)
        self._text = Manuscript(policy.max_text_chars, patience, services.executor)
        self._spoken: deque[_Spoken] = deque()
        self._segments = 0
        self._outlet: Outlet | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    # --- called by the session -------------------------------------------------------------------------------------

    def append(self, text: str) -> None:
        """Take text. Raises ``TextTooLong``, ``InvalidRequest`` after ``end``."""
        if self._ended:
            return  # it failed by itself, and its last event is on its way to the client
        if not self._text.chars:
            self._ledger.asked()
        self._text.append(text)

    def flush(self) -> None:
        """Speak what came so far as it is."""
        if not self._ended:
            self._text.flush()

    def end(self) -> None:
        """No more text comes."""
        if not self._ended:
            self._text.end()

    def start(self, on_end: Callable[[Utterance], None]) -> None:
        """Begin to speak. ``on_end`` is called when all is over, unless it is canceled before it could begin."""
        self._task = asyncio.create_task(self._run(on_end), name=f"utterance {self._uid}")

    def cancel(self) -> Finished:
        """Stop at once; emits nothing any more. Returns the event that tells so. Call it once."""
        ledger = self._ledger
        finished = Finished(
            self.id, FinishReason.CANCELED, ledger.samples, ledger.delivered_s, spoken_until=ledger.heard_until
        )
        ledger.dropped()
        ledger.ended()
        streams = [spoken.stream for spoken in self._spoken]
        self._shut()
        if self._task is not None:
            self._task.cancel()
        self._services.background(self._record_cancel(streams))
        return finished

    def handed_over(self, event: ServerEvent) -> None:
        """Note that the client takes ``event`` now; its last one closes the books."""
        self._ledger.handed_over(event, None if self._outlet is None else self._outlet.audible_from)
        if isinstance(event, Finished):
            self._services.observe(self._ledger.record(event.reason.value))
        elif isinstance(event, Failed):
            self._services.observe(self._ledger.record(event.error.code))

    # --- the task --------------------------------------------------------------------------------------------------

    async def _run(self, on_end: Callable[[Utterance], None]) -> None:
        try:
            samples, rate = await self._speak()
            self._emit(Finished(self.id, FinishReason.COMPLETED, samples, samples / rate, self._text.chars))
        except asyncio.CancelledError:
            raise  # the session asked for it and has told the client already
        except SyrinxError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001  a bug must end one utterance with a word, not hang its client
            self._services.report(error)
            self._fail(ModelFailed(f"Speaking failed inside the server: {type(error).__name__}."))
        finally:
            self._shut()
            on_end(self)

    async def _speak(self) -> tuple[int, int]:
        """Speak all of it; returns samples emitted and their rate."""
        services = self._services
        choice = services.resolve(self._request.model, self._request.voice)
        self._ledger.model = choice.model
        brief = Brief.of(self._uid, self._request, choice)
        spec = brief.pipeline(services.policy)
        rate = plan(spec).rate
        self._text.open(brief.front(services.policy))
        await self._wait_for_first()
        self._ledger.joined_line()
        gate = services.gate(choice.model)
        try:
            await gate.enter(self._ticket)
            self._ledger.left_line()
            self._emit(Started(self.id, choice.model, choice.voice, rate))
            await self._submit_ahead(brief)
            # The chain is set up while the model is at work on the first segment.
            packing = Packing(self._options.framing, self._options.max_latency_s)
            self._outlet = Outlet(self.id, spec, packing, self._emit, services.executor)
            return await self._speak_through(self._outlet, brief)
        finally:
            gate.leave(self._ticket)

    async def _speak_through(self, outlet: Outlet, brief: Brief) -> tuple[int, int]:
        while True:
            if self._spoken:
                await self._hear(self._spoken[0], outlet)
            elif self._text.exhausted:
                break
            else:
                await self._text.wait()
            await self._submit_ahead(brief)
        await outlet.finish()
        return outlet.samples, outlet.sample_rate

    async def _wait_for_first(self) -> None:
        """Wait for something speakable, before a place among the running is asked for."""
        while not await self._text.fill(1):
            if self._text.exhausted:
                raise EmptyText("There is nothing to speak in this text.", param="input")
            await self._text.wait()

    async def _submit_ahead(self, brief: Brief) -> None:
        missing = self._services.policy.segments_ahead - len(self._spoken)
        if missing <= 0:
            return
        await self._text.fill(missing)
        for _ in range(missing):
            prepared = self._text.take()
            if prepared is None:
                break
            self._submit(brief, prepared)

    def _submit(self, brief: Brief, prepared: Prepared) -> None:
        job = brief.job(prepared, self._segments, is_last=self._text.exhausted)
        waited_s = 0.0 if self._segments else self._ledger.waiting_s()
        terms = brief.terms(self._listener, self._services.policy, waited_s)
        estimate = None if brief.choice.info.word_times else WordEstimate(job.text, brief.seconds_per_char)
        stream = brief.choice.host.submit(job, terms)
        self._spoken.append(_Spoken(prepared, stream, estimate, 1 / brief.residual.speed))
        self._segments += 1

    async def _hear(self, spoken: _Spoken, outlet: Outlet) -> None:
        """Take what the model made of the oldest segment and pass it on."""
        chunks = await spoken.stream.read(*_patience(outlet.unheard_s))
        if not spoken.begun:
            spoken.begun = True
            outlet.begin_segment(spoken.prepared.index)
        if not chunks:
            await self._end_segment(spoken, outlet)
            return
        spoken.model_s += sum(len(chunk.samples) / chunk.sample_rate for chunk in chunks)
        marks = _marks_of(chunks, spoken)
        await outlet.push(chunks, lambda starts_s: self._tell_marks(spoken, marks, starts_s))
        await self._place.room()
        await asyncio.sleep(0)  # a model far ahead has its next audio there already: others get their turn first

    async def _end_segment(self, spoken: _Spoken, outlet: Outlet) -> None:
        await outlet.end_segment()
        if spoken.estimate is not None:
            self._tell_marks(spoken, spoken.estimate.rest(spoken.model_s), outlet.segment_start_s)
        self._spoken.popleft()
        self._emit(SegmentDone(self.id, spoken.prepared.index, spoken.prepared.span))

    def _tell_marks(self, spoken: _Spoken, marks: Sequence[Mark], starts_s: float) -> None:
        if not marks:
            return
        mapped = map_marks(marks, spoken.prepared, SegmentClock(starts_s, spoken.time_scale))
        self._ledger.marked(mapped)
        if self._options.marks:
            self._emit(Marks(self.id, mapped))

    # --- the end ---------------------------------------------------------------------------------------------------

    def _emit(self, event: ServerEvent) -> None:
        """Nothing comes after the end, whatever still runs."""
        if not self._ended:
            self._place.emit(event)

    def _fail(self, error: SyrinxError) -> None:
        if self._outlet is not None:
            self._outlet.release()  # what was made before it went wrong is heard
        samples = self._outlet.samples if self._outlet else 0
        self._emit(Failed(self.id, error, samples, self._ledger.heard_until))

    def _shut(self) -> None:
        """Stop the model, free the chain. Idempotent. Its place is given back where it was taken, by the task's end."""
        if self._ended:
            return
        self._ended = True
        self._text.close()
        for spoken in self._spoken:
            spoken.stream.cancel()
        self._spoken.clear()
        if self._outlet is not None:
            self._outlet.close()

    async def _record_cancel(self, streams: Sequence[JobStream]) -> None:
        """Write the record once the model has said that it stopped; end when the task has."""
        idle_s: float | None = None
        try:
            answers = await asyncio.gather(*(stream.wait_idle() for stream in streams), return_exceptions=True)
            idle_s = max((answer for answer in answers if isinstance(answer, float)), default=None)
        finally:
            self._services.observe(self._ledger.record(FinishReason.CANCELED.value, idle_s))
        if self._task is not None:
            await asyncio.wait([self._task])


def _patience(unheard_s: float) -> tuple[float, float]:
    """How much audio to wait for at once, and how long, with that much left to play: fewer, larger pieces of work."""
    return (GATHER_S, unheard_s / 4) if unheard_s >= COMFORTABLE_S else (0.0, 0.0)


def _marks_of(chunks: list[AudioChunk], spoken: _Spoken) -> list[Mark]:
    if spoken.estimate is not None:
        return spoken.estimate.until(spoken.model_s)
    return [mark for chunk in chunks for mark in chunk.marks]
