"""Voices that workers are preparing: who waits for which, and what has come of it so far. On one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from syrinx.core.errors import InvalidRequest, ModelNotReady, Overloaded, WorkerLost
from syrinx.core.ids import new_id
from syrinx.models.base import ReferenceClip
from syrinx.models.prompt import MAX_PROMPT_BYTES

from .faults import error_of
from .messages import Message, PrepareVoice, VoicePrepared
from .stream import Stream
from .wire import MAX_FRAME_BYTES, audio_bytes

MAX_ERRANDS = 4
"""Voices of one model that are with its workers at once; what a caller gave up on counts until the worker is done."""
RETRY_AFTER_S = 5.0


class Porter(Protocol):
    """A worker that may be ready (``slot.Slot``)."""

    ready: bool
    streams: dict[str, Stream]
    preparing: set[str]

    def send(self, message: Message) -> None: ...


@dataclass(slots=True, eq=False)
class _Errand:
    porter: Porter
    answer: asyncio.Future[list[bytes]]
    parts: list[bytes] = field(default_factory=list)
    size: int = 0


class Errands:
    """Of one model."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._running: dict[str, _Errand] = {}

    async def prepare(self, clip: ReferenceClip, porters: Sequence[Porter]) -> bytes:
        """Have the worker with fewest jobs derive a voice prompt; returns its file.

        Raises ``ModelNotReady`` where none is ready, ``Overloaded`` over ``MAX_ERRANDS``, ``InvalidRequest`` for a clip
        that is too long or that the model refuses, ``WorkerLost``, ``ModelFailed``.
        """
        ready = [porter for porter in porters if porter.ready]
        if not ready:
            raise ModelNotReady(f"The model {self._model} does not run yet.")
        if len(self._running) >= MAX_ERRANDS:
            raise Overloaded(f"The model {self._model} prepares {len(self._running)} voices already.", RETRY_AFTER_S)
        samples = np.ascontiguousarray(clip.samples, np.float32)
        if not len(samples) or samples.nbytes > MAX_FRAME_BYTES // 2:
            raise InvalidRequest("The recording is empty or too long for a voice.", code="audio_too_long")
        porter = min(ready, key=lambda porter: len(porter.streams))
        ticket = new_id("voice")
        errand = self._running[ticket] = _Errand(porter, asyncio.get_running_loop().create_future())
        porter.preparing.add(ticket)
        porter.send(PrepareVoice(ticket, audio_bytes(samples), clip.sample_rate, clip.text, clip.language))
        parts = await errand.answer
        return await asyncio.to_thread(b"".join, parts)

    def heard(self, message: VoicePrepared) -> None:
        """Take a piece of a prompt, or the end of it."""
        errand = self._running.get(message.ticket)
        if errand is None:
            return
        if message.data is not None and errand.size <= MAX_PROMPT_BYTES:
            errand.parts.append(bytes(message.data))
            errand.size += len(message.data)
        if message.done:
            self._end(message.ticket, None if message.fault is None else error_of(message.fault))

    def lost(self, porter: Porter, cause: str) -> None:
        """The worker died: with it, all it was asked for."""
        for ticket in list(porter.preparing):
            self._end(ticket, WorkerLost(f"The model's process was lost while it prepared a voice. {cause}"))

    def _end(self, ticket: str, error: Exception | None) -> None:
        errand = self._running.pop(ticket)
        errand.porter.preparing.discard(ticket)
        if errand.answer.done():  # the caller gave up
            return
        if error is not None:
            errand.answer.set_exception(error)
        else:
            errand.answer.set_result(errand.parts)
