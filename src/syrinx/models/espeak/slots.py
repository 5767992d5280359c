"""A few threads, each with a library copy of its own, that speak jobs in the order asked for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Protocol

from .binding import Sink, Utterance, WordEvent
from .speech import Speech

JOIN_S = 10.0
"""Longest wait for a thread at the end: it stops at its next callback, which comes within milliseconds."""


class Speaker(Protocol):
    """What a slot needs of a library."""

    def speak(self, utterance: Utterance, sink: Sink) -> None: ...

    def close(self) -> None: ...


class Slots:
    """Speaks each submitted ``Speech`` on the first free slot. Waiting ones are bounded by the jobs that are open."""

    def __init__(self, count: int, make_speaker: Callable[[], Speaker]) -> None:
        self._waiting: queue.SimpleQueue[Speech | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current: list[Speech] = []  # in the order begun
        speakers = [make_speaker() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._run, args=(speaker,), name=f"espeak-{index}", daemon=True)
            for index, speaker in enumerate(speakers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, speech: Speech) -> None:
        """Have it spoken as soon as a slot is free."""
        current = self._begun()
        if len(current) >= len(self._threads):
            any(other.resume() for other in current)  # the first that pauses makes way
        self._waiting.put(speech)

    def close(self) -> None:
        """Stop what is being spoken and end every thread."""
        for speech in self._begun():
            speech.stop()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(JOIN_S)

    def _run(self, speaker: Speaker) -> None:
        while (speech := self._waiting.get()) is not None:
            with self._lock:
                self._current.append(speech)
            self._speak(speaker, speech)
            with self._lock:
                self._current.remove(speech)
        speaker.close()

    def _begun(self) -> list[Speech]:
        with self._lock:
            return list(self._current)

    def _speak(self, speaker: Speaker, speech: Speech) -> None:
        def sink(pcm: bytes, words: list[WordEvent]) -> bool:
            return speech.push(pcm, words, may_pause=self._waiting.empty())

        if speech.stopped:
            return
        try:
            speaker.speak(speech.utterance, sink)
        except Exception as error:  # noqa: BLE001  the job's step raises it; the slot lives on
            speech.end(error)
        else:
            speech.end()
