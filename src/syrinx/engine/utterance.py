"""One utterance's life: text to segments, segments to a model, audio to events; one task, one end, undone on cancel."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass

from syrinx.audio.pipeline import plan
from syrinx.core.clock import Clock
from syrinx.core.errors import EmptyText, InvalidRequest, ModelFailed, SyrinxError
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
    Span,
    Started,
)
from syrinx.engine.admission import Ticket
from syrinx.engine.catalog import Choice
from syrinx.engine.gate import Gate
from syrinx.engine.inbox import Inbox
from syrinx.engine.jobs import Brief, Listener
from syrinx.engine.ledger import Ledger
from syrinx.engine.marks import SegmentClock, WordEstimate, map_marks
from syrinx.engine.outlet import Outlet
from syrinx.engine.policy import EnginePolicy, SessionOptions
from syrinx.engine.record import Observer
from syrinx.text.front import Prepared
from syrinx.workers.host import JobStream


@dataclass(frozen=True, slots=True)
class Services:
    """What an utterance needs of the engine."""

    resolve: Callable[[str | None, str | None], Choice]
    gate: Callable[[str], Gate]
    policy: EnginePolicy
    clock: Clock
    observer: Observer
    executor: Executor
    report: Callable[[BaseException], None]
    """Told of errors that are nobody's on purpose."""
    background: Callable[[Coroutine[None, None, None]], None]
    """Runs something to its end that nobody waits for."""


@dataclass(slots=True)
class _Spoken:
    """A segment that was handed to the model."""

    prepared: Prepared
    stream: JobStream
    estimate: WordEstimate | None
    time_scale: float
    """Delivered seconds per model second."""
    model_s: float = 0.0


class Utterance:
    """Driven by its session: text in by ``append``/``flush``/``end``, events out through ``emit``."""

    def __init__(
        self,
        opened: Open,
        options: SessionOptions,
        timeline: str,
        services: Services,
        emit: Callable[[ServerEvent], None],
        room: Callable[[], Awaitable[None]],
    ) -> None:
        self.id = opened.utterance_id
        self._ledger = Ledger(opened.utterance_id, options.protocol, services.clock)
        self._uid = new_id("utt")
        self._request = opened.request
        self._options = options
        self._services = services
        self._emit = emit
        self._room = room
        owner = options.owner or timeline
        self._listener = Listener(timeline if options.ordered else self._uid, owner, options.max_lead_s)
        self._ticket = Ticket(self._uid, owner, opened.request.service_class)
        self._inbox = Inbox(services.policy.max_text_chars)
        self._text_came = asyncio.Event()
        self._ready: deque[Prepared] = deque()
        self._spoken: deque[_Spoken] = deque()
        self._segments = 0
        self._model: str | None = None
        self._outlet: Outlet | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self._hold_timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    # --- called by the session -------------------------------------------------------------------------------------

    def append(self, text: str) -> None:
        """Take text. Raises ``TextTooLong``, ``InvalidRequest`` after ``end``."""
        if self._inbox.ended:
            raise InvalidRequest("This utterance has ended; it takes no more text.", code="utterance_ended")
        if not self._inbox.chars:
            self._ledger.asked()
        self._inbox.append(text)
        self._text_came.set()
        self._restart_idle_flush()

    def flush(self) -> None:
        self._inbox.flush()
        self._text_came.set()

    def end(self) -> None:
        if not self._inbox.ended:
            self._inbox.end()
            self._text_came.set()

    def start(self, on_end: Callable[[Utterance], None]) -> None:
        """Begin to speak. ``on_end`` is called once, when all is over."""
        self._task = asyncio.create_task(self._run(on_end), name=f"utterance {self.id}")

    def cancel(self) -> Finished:
        """Stop at once; emits nothing any more. Returns the event that tells so."""
        ledger = self._ledger
        finished = Finished(
            self.id, FinishReason.CANCELED, ledger.samples, ledger.delivered_s, spoken_until=ledger.heard_until
        )
        streams = [spoken.stream for spoken in self._spoken]
        self._shut()
        if self._task is not None:
            self._task.cancel()
        self._services.background(self._record_cancel(streams))
        return finished

    def handed_over(self, event: ServerEvent) -> None:
        """Note that the client takes ``event`` now; its last one closes the books."""
        self._ledger.handed_over(event, audible=self._outlet is not None and self._outlet.audible)
        if isinstance(event, Finished):
            self._services.observer.utterance_ended(self._ledger.record(event.reason.value))
        elif isinstance(event, Failed):
            self._services.observer.utterance_ended(self._ledger.record(event.error.code))

    # --- the task --------------------------------------------------------------------------------------------------

    async def _run(self, on_end: Callable[[Utterance], None]) -> None:
        try:
            samples, rate = await self._speak()
            self._emit(Finished(self.id, FinishReason.COMPLETED, samples, samples / rate, self._inbox.chars))
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
        choice = self._services.resolve(self._request.model, self._request.voice)
        self._model = self._ledger.model = choice.model
        policy = self._services.policy
        brief = Brief.of(self._uid, self._request, choice)
        spec = brief.pipeline(policy)
        rate = plan(spec).rate
        self._inbox.open(brief.front(policy))
        self._restart_idle_flush()
        await self._wait_for_first()
        self._ledger.joined_line()
        await self._services.gate(choice.model).enter(self._ticket)
        self._ledger.left_line()
        self._emit(Started(self.id, choice.model, choice.voice, rate))
        await self._submit_ahead(brief)
        # The chain is set up while the model is at work on the first segment.
        outlet = self._outlet = Outlet(self.id, spec, self._options.framing, self._emit, self._services.executor)
        while True:
            if self._spoken:
                await self._hear(self._spoken[0])
            elif self._inbox.exhausted and not self._ready:
                break
            else:
                await self._wait_for_text()
            await self._submit_ahead(brief)
        await outlet.finish(max(0, self._segments - 1))
        return outlet.samples, outlet.sample_rate

    async def _wait_for_first(self) -> None:
        """Wait for something speakable, before a place among the running is asked for."""
        while not await self._fill(1):
            if self._inbox.exhausted:
                raise EmptyText("There is nothing to speak in this text.", param="input")
            await self._wait_for_text()

    async def _wait_for_text(self) -> None:
        self._text_came.clear()
        try:
            await asyncio.wait_for(self._text_came.wait(), self._services.policy.text_timeout_s)
        except TimeoutError:
            waited = self._services.policy.text_timeout_s
            raise InvalidRequest(f"No text came for {waited:.0f} s.", code="text_timeout") from None

    async def _fill(self, wanted: int) -> bool:
        """Have up to ``wanted`` prepared segments ready; True if there is any."""
        while len(self._ready) < wanted and (piece := self._inbox.next_piece()) is not None:
            work = self._inbox.prepare(piece)
            loop = asyncio.get_running_loop()
            slow = self._inbox.is_slow(piece)
            self._ready.extend(await loop.run_in_executor(self._services.executor, work) if slow else work())
        return bool(self._ready)

    async def _submit_ahead(self, brief: Brief) -> None:
        missing = self._services.policy.segments_ahead - len(self._spoken)
        if missing <= 0:
            return
        await self._fill(missing)
        while self._ready and missing > 0:
            self._submit(brief, self._ready.popleft())
            missing -= 1

    def _submit(self, brief: Brief, prepared: Prepared) -> None:
        last = self._inbox.exhausted and not self._ready
        job = brief.job(prepared, self._segments, is_last=last)
        waited_s = 0.0 if self._segments else self._ledger.waiting_s()
        terms = brief.terms(self._listener, self._services.policy, waited_s)
        estimate = None if brief.choice.info.word_times else WordEstimate(job.text, brief.seconds_per_char)
        stream = brief.choice.host.submit(job, terms)
        self._spoken.append(_Spoken(prepared, stream, estimate, 1 / brief.residual.speed))
        self._segments += 1

    async def _hear(self, spoken: _Spoken) -> None:
        """Take what the model made of the oldest segment and pass it on."""
        outlet = self._outlet
        assert outlet is not None, "set before the first segment"
        chunks = await spoken.stream.read()
        self._cancel_hold()
        if not chunks:
            if spoken.estimate is not None:
                self._tell_marks(spoken, spoken.estimate.rest(spoken.model_s), outlet.segment_start_s)
            self._spoken.popleft()
            span = Span(spoken.prepared.span.start, spoken.prepared.span.end)
            self._emit(SegmentDone(self.id, spoken.prepared.index, span))
            return
        new_segment = not spoken.model_s
        spoken.model_s += sum(len(chunk.samples) / chunk.sample_rate for chunk in chunks)
        marks = _marks_of(chunks, spoken)
        await outlet.push(
            chunks,
            spoken.prepared.index,
            new_segment=new_segment,
            tell=lambda starts_s: self._tell_marks(spoken, marks, starts_s),
        )
        if outlet.holding:
            self._hold_timer = asyncio.get_running_loop().call_later(
                self._options.max_latency_s, outlet.release_held, spoken.prepared.index
            )
        await self._room()

    def _tell_marks(self, spoken: _Spoken, marks: list[Mark], starts_s: float) -> None:
        if not marks:
            return
        mapped = map_marks(marks, spoken.prepared, SegmentClock(starts_s, spoken.time_scale))
        self._ledger.marked(mapped)
        if self._options.marks:
            self._emit(Marks(self.id, mapped))

    # --- timers ----------------------------------------------------------------------------------------------------

    def _restart_idle_flush(self) -> None:
        """Begin the silence anew after which buffered text is spoken."""
        if self._options.idle_flush_s is None or self._inbox.ended:
            return
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        loop = asyncio.get_running_loop()
        self._flush_timer = loop.call_later(self._options.idle_flush_s, self._idle_flush)

    def _idle_flush(self) -> None:
        if not self._ended and self._inbox.holds_text:
            self.flush()

    def _cancel_hold(self) -> None:
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None

    # --- the end ---------------------------------------------------------------------------------------------------

    def _fail(self, error: SyrinxError) -> None:
        samples = self._outlet.samples if self._outlet else 0
        self._emit(Failed(self.id, error, samples, self._ledger.heard_until))

    def _shut(self) -> None:
        """Undo everything. Idempotent."""
        if self._ended:
            return
        self._ended = True
        self._cancel_hold()
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        for spoken in self._spoken:
            spoken.stream.cancel()
        self._spoken.clear()
        if self._outlet is not None:
            self._outlet.close()
        if self._model is not None:
            self._services.gate(self._model).leave(self._ticket)

    async def _record_cancel(self, streams: list[JobStream]) -> None:
        """Write the record once the model has said that it stopped."""
        idle_s = [await stream.wait_idle() for stream in streams]
        known = [seconds for seconds in idle_s if seconds is not None]
        record = self._ledger.record(FinishReason.CANCELED.value, max(known, default=None))
        self._services.observer.utterance_ended(record)


def _marks_of(chunks: list[AudioChunk], spoken: _Spoken) -> list[Mark]:
    if spoken.estimate is not None:
        return spoken.estimate.until(spoken.model_s)
    return [mark for chunk in chunks for mark in chunk.marks]
