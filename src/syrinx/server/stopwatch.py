"""Tells a codec how long its utterances took, because it has no clock of its own."""

from __future__ import annotations

from collections.abc import Callable

from syrinx.core.errors import SyrinxError
from syrinx.core.types import Accepted, Audio, Failed, Finished, ServerEvent
from syrinx.protocols.base import Action, Close, Reply, TimedCodec, Timing


class Stopwatch:
    """A ``SocketCodec`` around another: events are timed as they are handed to the client."""

    def __init__(self, codec: TimedCodec, now: Callable[[], float]) -> None:
        self._codec = codec
        self._now = now
        self._accepted: dict[str, float] = {}
        self._first: dict[str, float] = {}

    @property
    def ordered(self) -> bool:
        return self._codec.ordered

    def opened(self) -> list[Action]:
        return self._codec.opened()

    def receive(self, message: str | bytes) -> list[Action]:
        return self._codec.receive(message)

    def refuse(self, error: SyrinxError) -> list[Action]:
        return self._codec.refuse(error)

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        name = event.utterance_id
        if isinstance(event, Accepted):
            self._accepted[name] = self._now()
        elif isinstance(event, Audio) and event.audio.samples:
            self._first.setdefault(name, self._now())
        elif isinstance(event, Finished | Failed) and name in self._accepted:
            self._codec.note_timing(name, self._timing(name))
        return self._codec.render(event)

    def _timing(self, name: str) -> Timing:
        began, first = self._accepted.pop(name), self._first.pop(name, None)
        return Timing(None if first is None else first - began, self._now() - began)
