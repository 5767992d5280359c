"""One utterance's life: text to segments, segments to a model, audio to events; one task, one end, undone on cancel."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from syrinx.audio.delivery import check, remainder
from syrinx.audio.pipeline import delivered_rate
from syrinx.core.errors import EmptyText, ModelFailed, SyrinxError
from syrinx.core.ids import new_id
from syrinx.core.types import (
    Adjust,
    Delivery,
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
from syrinx.engine.jobs import Brief, Listener
from syrinx.engine.ledger import Ledger
from syrinx.engine.manuscript import Manuscript, Patience
from syrinx.engine.marks import Pace, WordEstimate, WordTimes, Written
from syrinx.engine.outlet import Outlet, Packing
from syrinx.engine.policy import SessionOptions
from syrinx.engine.services import Place, Services
from syrinx.engine.unheard import Said
from syrinx.text.front import Prepared
from syrinx.workers.host import JobStream, Origin

COMFORTABLE_S = 0.5
"""A listener with this much left to play can wait a little for more."""
LEAD_SLACK_S = 0.5
"""Beyond the lead: what a worker that keeps to it may be ahead all the same, so that its audio is never held here."""
GATHER_S = 0.2
"""What it waits for. Ten small chunks cost the server nearly ten times what one large one does (measured)."""


@dataclass(slots=True)
class _Spoken:
    """A segment that was handed to the model."""

    prepared: Prepared
    stream: JobStream
    words: WordTimes | WordEstimate
    native: Delivery
    """What the model was asked to do itself."""
    model_s: float = 0.0
    begun: bool = False


class Utterance:
    """Driven by its session: text in by ``append``/``flush``/``end``, events out through ``Place.emit``."""

    def __init__(self, opened: Open, options: SessionOptions, place: Place, services: Services) -> None:
        self.id = opened.utterance_id
        self.lane = opened.lane
        self._uid = self._timeline = new_id("utt")
        self._request = opened.request
        self._options = options
        self._services = services
        self._place = place
        self._ledger = Ledger(opened.utterance_id, options.protocol, services.clock, place.player)
        self._ledger.owner = place.owner
        self._ticket = Ticket(self._uid, place.owner, opened.request.service_class)
        policy = services.policy
        idle_flush_s = options.idle_flush_s if opened.idle_flush_s is None else opened.idle_flush_s
        patience = Patience(policy.text_timeout_s, idle_flush_s)
        self._text = Manuscript(policy.max_text_chars, patience, services.executor)
        self._spoken: deque[_Spoken] = deque()
        self._segments = 0
        self._written = Written()
        self._pace = Pace()
        self._brief: Brief | None = None
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

    def adjust(self, change: Adjust) -> None:
        """Speak otherwise from here on: what waits to be handed over is changed, what the model makes later is asked of
        it so. Raises ``InvalidRequest``, and then nothing has changed."""
        before = self._request.delivery
        wanted = Delivery(
            before.speed if change.speed is None else change.speed,
            before.pitch if change.pitch is None else change.pitch,
            before.volume if change.volume is None else change.volume,
        )
        check(wanted)
        if self._ended or wanted == before:
            return
        self._request = replace(self._request, delivery=wanted)
        if self._brief is None:
            return
        self._brief = self._brief.delivered(wanted)
        for spoken in self._spoken:
            spoken.stream.pace(remainder(wanted, spoken.native).speed)
        if self._outlet is not None and self._spoken:
            self._outlet.adjust(remainder(wanted, self._spoken[0].native))

    def start(self, on_end: Callable[[Utterance], None]) -> None:
        """Begin to speak. ``on_end`` is called when all is over, unless it is canceled before it could begin."""
        self._timeline = self._place.timeline() or self._uid
        self._task = asyncio.create_task(self._run(on_end), name=f"utterance {self._uid}")

    def cancel(self, played_s: float | None = None) -> Finished:
        """Stop at once; emits nothing any more. Returns the event that tells so. Call it once. ``played_s``: see
        ``core.types.Cancel``."""
        ledger, said = self._ledger, self.said
        until = said.until(played_s)
        finished = Finished(self.id, FinishReason.CANCELED, ledger.samples, ledger.delivered_s, until, said.text)
        ledger.dropped()
        ledger.ended()
        streams = [spoken.stream for spoken in self._spoken]
        self._shut()
        if self._task is not None:
            self._task.cancel()
        self._services.background(self._record_cancel(streams))
        return finished

    @property
    def said(self) -> Said:
        """What came to be spoken, and how far the listener is in it."""
        return Said(self.id, self._text.script, self._ledger)

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
            script = self._text.script
            self._emit(Finished(self.id, FinishReason.COMPLETED, samples, samples / rate, len(script), script))
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
        with services.using(choice.host):
            return await self._speak_with(choice)

    async def _speak_with(self, choice: Choice) -> tuple[int, int]:
        services = self._services
        self._brief = brief = Brief.of(self._uid, self._request, choice)
        spec = brief.pipeline(services.policy)
        rate = delivered_rate(spec)
        self._text.open(brief.front(services.policy))
        await self._wait_for_first()
        self._ledger.joined_line()
        gate, audio_s = services.gate(choice.host), None
        try:
            await gate.enter(self._ticket, self._is_kept)
            self._ledger.left_line()
            self._emit(Started(self.id, choice.model, choice.voice, rate))
            await self._submit_ahead(1)
            # The chain is set up, and more text looked at, while the model is at work on the first segment.
            packing = Packing(self._options.framing, self._options.max_latency_s)
            self._outlet = Outlet(self.id, spec, packing, self._emit, services.executor)
            if self._spoken[0].stream.origin is not Origin.CACHE:
                await self._submit_ahead(services.policy.segments_ahead)
            ends = self._text.exhausted  # else the model's worker gives no head start
            spoken = await self._speak_through(self._outlet)
            audio_s = spoken[0] / spoken[1] if ends else math.inf
            return spoken
        finally:
            gate.leave(self._ticket, audio_s=audio_s, measured=not self._ledger.cached)

    async def _speak_through(self, outlet: Outlet) -> tuple[int, int]:
        while True:
            if self._spoken:
                await self._hear(self._spoken[0], outlet)
            elif self._text.exhausted:
                break
            else:
                await self._text.wait()
            await self._submit_ahead(self._services.policy.segments_ahead)
        await outlet.finish()
        return outlet.samples, outlet.sample_rate

    async def _wait_for_first(self) -> None:
        """Wait for something speakable, before a place among the running is asked for."""
        while not await self._text.fill(1):
            if self._text.exhausted:
                raise EmptyText("There is nothing to speak in this text.", param="input")
            await self._text.wait()

    async def _is_kept(self) -> bool:
        """Whether all there is to say was said before and is kept, so that nothing of it needs the model."""
        brief = self._brief
        assert brief is not None, "a model is chosen before a place is asked for"
        terms = brief.terms(self._listener, self._services.policy, self._ledger.waiting_s())
        segments = 0
        while True:
            ended = self._text.ended
            await self._text.fill(segments + 1)
            if segments == len(self._text.ready):
                return ended
            if not brief.choice.host.keeps(brief.job(self._text.ready[segments], segments, is_last=False), terms):
                return False
            segments += 1

    async def _submit_ahead(self, segments: int) -> None:
        """Have so many at the model, as far as text is there."""
        missing = segments - len(self._spoken)
        if missing <= 0:
            return
        await self._text.fill(missing)
        for _ in range(missing):
            prepared = self._text.take()
            if prepared is None:
                break
            self._submit(prepared)

    def _submit(self, prepared: Prepared) -> None:
        brief = self._brief
        assert brief is not None, "segments come after the choice of a model"
        job = brief.job(prepared, self._segments, is_last=self._text.exhausted)
        waited_s = 0.0 if self._segments else self._ledger.waiting_s()
        terms = brief.terms(self._listener, self._services.policy, waited_s)
        stream = brief.choice.host.submit(job, terms)
        usual_s = brief.seconds_per_char
        words = WordTimes(job.text) if brief.choice.info.word_times else WordEstimate(job.text, usual_s, self._pace)
        self._spoken.append(_Spoken(prepared, stream, words, brief.native))
        self._segments += 1

    @property
    def _listener(self) -> Listener:
        return Listener(self._timeline, self._place.owner, self._options.max_lead_s)

    async def _hear(self, spoken: _Spoken, outlet: Outlet) -> None:
        """Take what the model made of the oldest segment and pass it on."""
        chunks = await spoken.stream.read(*_patience(outlet.unheard_s))
        if not spoken.begun:
            spoken.begun = True
            outlet.adjust(remainder(self._request.delivery, spoken.native))
            outlet.begin_segment(spoken.prepared.index, spoken.prepared.span)
        if not chunks:
            await self._end_segment(spoken, outlet)
            return
        spoken.words.add(mark for chunk in chunks for mark in chunk.marks)
        for piece in outlet.pieces(chunks):
            spoken.model_s += len(piece) / outlet.native_rate
            await outlet.push(piece, lambda: self._tell_marks(spoken, spoken.words.until(spoken.model_s)))
            await self._place.room()
            await asyncio.sleep(self._rest_s(spoken, outlet))  # also 0: others get their turn first

    def _rest_s(self, spoken: _Spoken, outlet: Outlet) -> float:
        """How long to wait because the listener has the lead it may have: audio from the cache comes all at once, and
        what was handed over cannot be adjusted any more. A worker keeps to the lead by itself."""
        rate = remainder(self._request.delivery, spoken.native).speed
        return max(0.0, outlet.unheard_s - self._options.max_lead_s / rate - LEAD_SLACK_S)

    async def _end_segment(self, spoken: _Spoken, outlet: Outlet) -> None:
        await outlet.end_segment()
        self._ledger.segment_ended(cached=spoken.stream.origin is Origin.CACHE)
        self._tell_marks(spoken, spoken.words.rest(spoken.model_s))
        self._spoken.popleft()
        self._ledger.passed_segment(outlet.heard_at(spoken.model_s), spoken.prepared.span.end)
        self._emit(SegmentDone(self.id, spoken.prepared.index, spoken.prepared.span))

    def _tell_marks(self, spoken: _Spoken, marks: Sequence[Mark]) -> None:
        if not marks or self._outlet is None:
            return
        mapped = self._written.map(marks, spoken.prepared, self._outlet.heard_at)
        self._ledger.marked(mapped)
        if self._options.marks:
            self._emit(Marks(self.id, mapped))

    # --- the end ---------------------------------------------------------------------------------------------------

    def _emit(self, event: ServerEvent) -> None:
        """Nothing comes after the end, whatever still runs."""
        if not self._ended:
            self._place.emit(event, self)

    def _fail(self, error: SyrinxError) -> None:
        if self._outlet is not None:
            self._outlet.release()  # what was made before it went wrong is heard
        samples = self._outlet.samples if self._outlet else 0
        self._emit(Failed(self.id, error, samples, self._ledger.heard_until()))

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
            self._task = None  # what canceled it remembers where it was, this utterance and its audio included


def _patience(unheard_s: float) -> tuple[float, float]:
    """How much audio to wait for at once, and how long, with that much left to play: fewer, larger pieces of work."""
    return (GATHER_S, unheard_s / 4) if unheard_s >= COMFORTABLE_S else (0.0, 0.0)
