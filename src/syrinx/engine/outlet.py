"""From model audio to events for one utterance: the audio chain, framing, marks and counts.

Synchronous and free of I/O except for the thread that heavy chains (stretching, lossy encoders) are sent to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np

from syrinx.audio.encode import container
from syrinx.audio.framing import Framer, Framing
from syrinx.audio.level import first_audible
from syrinx.audio.pipeline import Pipeline, PipelineSpec
from syrinx.core.types import Audio, AudioChunk, EncodedAudio, ServerEvent

INLINE_S = 1.0
"""Most audio pushed through a light chain at once on the event loop (about 0.3 ms of work)."""


class Outlet:
    """Turns chunks into ``Audio`` events through ``emit``. One task at a time may use it."""

    def __init__(
        self,
        utterance_id: str,
        spec: PipelineSpec,
        framing: Framing | None,
        emit: Callable[[ServerEvent], None],
        executor: Executor,
    ) -> None:
        self._id = utterance_id
        """Raises ``UnsupportedFormat`` or ``InvalidRequest`` for what the chain cannot deliver."""
        self._pipeline = Pipeline(spec)
        self._bytes_per_sample = container(spec.format.container).bytes_per_sample
        rate = self._pipeline.sample_rate
        self._framer = None if framing is None else Framer(framing, rate, self._bytes_per_sample)
        self._emit = emit
        self._executor = executor
        self._busy: asyncio.Future[tuple[bytes, int]] | None = None
        self._head = b""
        self._begun_once = False
        self._pending_samples = 0
        self._closed = False
        self.samples = 0
        """Delivered samples emitted so far."""
        self.audible = False
        """True once a sample above -60 dBFS went in."""

    @property
    def sample_rate(self) -> int:
        return self._pipeline.sample_rate

    @property
    def segment_start_s(self) -> float:
        """When the current segment's first sample is heard, in delivered seconds of the utterance."""
        return self._pipeline.segment_start_s

    @property
    def holding(self) -> bool:
        """True while the framer gathers audio that could be sent."""
        return self._framer is not None and self._framer.pending > 0

    async def push(
        self, chunks: list[AudioChunk], segment_index: int, *, new_segment: bool, tell: Callable[[float], None]
    ) -> None:
        """Send model audio through the chain and emit what comes out.

        ``tell`` is called with the time at which the segment's first sample is heard, before its audio is emitted.
        """
        samples = chunks[0].samples if len(chunks) == 1 else np.concatenate([chunk.samples for chunk in chunks])
        step = int(INLINE_S * chunks[0].sample_rate)
        for start in range(0, len(samples), step):
            part = samples[start : start + step]
            self.audible = self.audible or first_audible(part) is not None
            first = new_segment and start == 0
            data, count = await self._run(lambda p=part, n=first: self._pipeline.push(p, new_segment=n))
            if start == 0:
                tell(self._pipeline.segment_start_s)
            else:
                await asyncio.sleep(0)
            self._send(data, count, segment_index)

    async def finish(self, segment_index: int) -> None:
        """Drain the chain and emit the rest."""
        data, count = await self._run(self._pipeline.finish)
        self._send(data, count, segment_index)
        self.release_held(segment_index)

    def release_held(self, segment_index: int) -> None:
        """Emit what the framer gathered."""
        if self._framer is not None and not self._closed:
            for message in self._framer.flush():
                self._emit_message(message, segment_index)

    def close(self) -> None:
        """Free the chain; if a thread is in it, as soon as that is done. Nothing is emitted any more."""
        self._closed = True
        if self._busy is not None and not self._busy.done():
            self._busy.add_done_callback(lambda _: self._pipeline.close())
        else:
            self._pipeline.close()

    async def _run(self, work: Callable[[], tuple[bytes, int]]) -> tuple[bytes, int]:
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

    def _send(self, data: bytes, count: int, segment_index: int) -> None:
        self._pending_samples += count
        if not data:
            return
        for message in [data] if self._framer is None else self._framer.push(data):
            self._emit_message(message, segment_index)

    def _emit_message(self, message: bytes, segment_index: int) -> None:
        count = self._samples_in(message)
        message, self._head = self._head + message, b""
        self._pending_samples -= count
        self.samples += count
        audio = EncodedAudio(message, count, self.sample_rate, self._pipeline.media_type, segment_index)
        self._emit(Audio(self._id, audio))

    def _samples_in(self, message: bytes) -> int:
        """Samples a message stands for: counted where bytes are samples, else all that went in since the last one."""
        if not self._bytes_per_sample:
            return self._pending_samples
        return min(self._pending_samples, len(message) // self._bytes_per_sample)
