"""From model audio to events for one utterance: the audio chain, framing, marks and counts.

Free of I/O except for the thread that heavy chains (stretching, lossy encoders) are sent to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from syrinx.audio.encode import container
from syrinx.audio.framing import Framer, Framing
from syrinx.audio.level import first_audible
from syrinx.audio.pipeline import Pipeline, PipelineSpec
from syrinx.core.types import Audio, AudioChunk, Delivery, EncodedAudio, Samples, ServerEvent, Span

INLINE_S = 1.0
"""Most audio pushed through a light chain at once on the event loop (about 0.3 ms of work)."""
NO_SAMPLES = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Packing:
    """How audio is put into messages."""

    framing: Framing | None
    """None: as it comes."""
    max_latency_s: float
    """Longest time that gathered audio is held back, counted from its oldest sample."""


class Outlet:
    """Turns chunks into ``Audio`` events through ``emit``. One task at a time may use it."""

    def __init__(
        self,
        utterance_id: str,
        spec: PipelineSpec,
        packing: Packing,
        emit: Callable[[ServerEvent], None],
        executor: Executor,
    ) -> None:
        """Raises ``UnsupportedFormat`` or ``InvalidRequest`` for what the chain cannot deliver."""
        self._id = utterance_id
        self._pipeline = Pipeline(spec)
        self.native_rate = spec.native_rate
        """Hertz of what is pushed."""
        self._step = int(INLINE_S * spec.native_rate)
        self._bytes_per_sample = container(spec.format.container).bytes_per_sample
        rate, framing = self._pipeline.sample_rate, packing.framing
        if framing is not None:
            framing.check(container(spec.format.container), rate)
        self._gathers = framing is not None and not framing.exact
        self._framer = None if framing is None else Framer(framing, rate, self._bytes_per_sample)
        self._max_latency_s = packing.max_latency_s
        self._emit = emit
        self._executor = executor
        self._busy: asyncio.Future[tuple[bytes, int]] | None = None
        self._head = b""
        self._begun_once = False
        self._pending_samples = 0
        self._segment_index = 0
        self._span = Span(0, 0)
        self._new_segment = False
        self._release_timer: asyncio.TimerHandle | None = None
        self._first_at: float | None = None
        self._closed = False
        self._residual = spec.residual
        self.samples = 0
        """Delivered samples emitted so far."""
        self.audible_from: int | None = None
        """Samples emitted before the first push with a sample above -60 dBFS; None: there was none yet."""

    @property
    def sample_rate(self) -> int:
        return self._pipeline.sample_rate

    def heard_at(self, job_s: float) -> float:
        """See ``Pipeline.heard_at``."""
        return self._pipeline.heard_at(job_s)

    def adjust(self, residual: Delivery) -> None:
        """From the next push on it is spoken otherwise, also what the chain still holds. At any time; raises nothing
        for what ``delivery.remainder`` gives."""
        self._residual = residual

    @property
    def unheard_s(self) -> float:
        """What a listener who began with the first message has left to play now."""
        if self._first_at is None:
            return 0.0
        return max(0.0, self.samples / self.sample_rate - (asyncio.get_running_loop().time() - self._first_at))

    def begin_segment(self, index: int, span: Span) -> None:
        """What is pushed from now on belongs to the segment of that index and place in the text."""
        self._segment_index = index
        self._span = span
        self._new_segment = True

    def pieces(self, chunks: Sequence[AudioChunk]) -> Iterator[Samples]:
        """Cut model audio into what one ``push`` may take; at least one piece, though it be empty."""
        samples = chunks[0].samples if len(chunks) == 1 else np.concatenate([chunk.samples for chunk in chunks])
        for start in range(0, max(1, len(samples)), self._step):
            yield samples[start : start + self._step]

    async def push(self, piece: Samples, tell: Callable[[], None]) -> None:
        """Send a piece of model audio through the chain and emit what comes out. ``tell`` is called in between, when
        ``heard_at`` knows of it."""
        data, count = await self._through(piece)
        tell()
        self._send(data, count)

    async def end_segment(self) -> None:
        """Emit all that was gathered of the segment (its last few milliseconds come with what follows it, and what does
        not fill an exact frame)."""
        if self._new_segment:  # it had no audio, and begins where it ends
            self._send(*await self._through(NO_SAMPLES))
        self._let_go()

    async def finish(self) -> None:
        """Drain the chain and emit the rest."""
        data, count = await self._run(self._pipeline.finish)
        self._send(data, count)
        self.release()

    def release(self) -> None:
        """Emit all that the framer holds, now: nothing comes after it."""
        self._let_go(end=True)

    def _let_go(self, *, end: bool = False) -> None:
        """Emit what was gathered; only at the ``end`` also what does not fill an exact frame."""
        self._stop_timer()
        if self._framer is not None and not self._closed:
            for message in self._framer.flush(end=end):
                self._emit_message(message)

    def close(self) -> None:
        """Free the chain; if a thread is in it, as soon as that is done. Nothing is emitted any more."""
        self._closed = True
        self._stop_timer()
        self._emit = _to_nobody  # who owns this outlet is behind it: a circle would keep both until the collector runs
        if self._busy is not None and not self._busy.done():
            self._busy.add_done_callback(lambda _: self._pipeline.close())
        else:
            self._pipeline.close()

    # --- the chain -------------------------------------------------------------------------------------------------

    async def _through(self, samples: Samples) -> tuple[bytes, int]:
        new_segment, self._new_segment = self._new_segment, False
        data, count = await self._run(lambda: self._pipeline.push(samples, new_segment=new_segment))
        if self.audible_from is None and first_audible(samples) is not None:
            self.audible_from = self.samples
        return data, count

    async def _run(self, work: Callable[[], tuple[bytes, int]]) -> tuple[bytes, int]:
        self._pipeline.adjust(self._residual)  # here nobody else is in it
        if not self._pipeline.heavy:
            return self._begun(work)
        self._busy = asyncio.get_running_loop().run_in_executor(self._executor, self._begun, work)
        return await asyncio.shield(self._busy)

    def _begun(self, work: Callable[[], tuple[bytes, int]]) -> tuple[bytes, int]:
        """Do the work, after writing the container's header if that is not done."""
        if not self._begun_once:
            self._begun_once = True
            self._head = self._pipeline.begin()
        return work()

    # --- messages --------------------------------------------------------------------------------------------------

    def _send(self, data: bytes, count: int) -> None:
        self._pending_samples += count
        if not data:
            return
        messages = [data] if self._framer is None else self._framer.push(data)
        for message in messages:
            self._emit_message(message)
        if messages:
            self._stop_timer()  # what is held now came later
        if self._gathers and self._framer and self._framer.pending and not self._release_timer and not self._closed:
            self._release_timer = asyncio.get_running_loop().call_later(self._hold_s(), self._let_go)

    def _hold_s(self) -> float:
        """How long gathered audio may be held: never past half of what the listener has left to play."""
        if self._first_at is None:
            return self._max_latency_s
        return min(self._max_latency_s, self.unheard_s / 2)

    def _stop_timer(self) -> None:
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None

    def _emit_message(self, message: bytes) -> None:
        count = self._samples_in(message)
        message, self._head = self._head + message, b""
        self._pending_samples -= count
        self.samples += count
        if self._first_at is None:
            self._first_at = asyncio.get_running_loop().time()
        chain = self._pipeline
        audio = EncodedAudio(message, count, chain.sample_rate, chain.media_type, self._segment_index, self._span)
        self._emit(Audio(self._id, audio))

    def _samples_in(self, message: bytes) -> int:
        """Samples a message stands for: counted where bytes are samples, else all that went in since the last one."""
        if not self._bytes_per_sample:
            return self._pending_samples
        return min(self._pending_samples, len(message) // self._bytes_per_sample)


def _to_nobody(event: ServerEvent) -> None:
    """Where events go after the end."""
