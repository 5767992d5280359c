"""One job's audio between two threads: a slot pushes what the library makes, the step loop takes chunks of it.

The two hardly ever run at once: the slot makes the first chunk while the first step waits, pauses, and makes all the
rest while the second step waits. Racing for the interpreter instead made first audio 3 ms late, at worst 10 (measured).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np

from syrinx.core.errors import ModelFailed
from syrinx.core.types import AudioChunk, Mark

from .binding import Utterance, WordEvent
from .words import WordMarks

LEAST_CHUNK_S = 0.05
"""The first chunk is no shorter (unless the speech is): one callback of the library holds 60 ms."""
MOST_CHUNK_S = 0.4
"""Take no more at a time: few chunks for speech made far ahead, yet each step stays well under a millisecond."""

PAUSE_S = 0.1
"""The slot goes on by itself when no second step came for this long (its listener stopped reading, say)."""


class Speech:
    """The state of one job. Memory is bounded by its text: at most ``max_segment_chars`` are spoken, about 1 MB.

    The first chunk holds back the audio of a word whose end is not known yet, so that no mark is later than its audio.
    """

    def __init__(self, utterance: Utterance, sample_rate: int) -> None:
        self.utterance = utterance
        self._rate = sample_rate
        self._changed = threading.Condition()
        self._pcm = bytearray()
        self._made = 0
        self._taken = 0
        self._words = WordMarks(utterance.text, sample_rate)
        self._marks: deque[Mark] = deque()
        self._over = False
        self._go_on = False
        self._stopped = False
        self._error: BaseException | None = None

    # --- the slot's side

    def push(self, pcm: bytes, words: Sequence[WordEvent], *, may_pause: bool) -> bool:
        """Take audio and the words that begin in it. Returns True when nobody wants more.

        Where it ``may_pause``, it waits up to ``PAUSE_S`` once the first chunk is there, until more is asked for.
        """
        with self._changed:
            for word in words:
                self._keep(self._words.add(word))
            self._pcm += pcm
            self._made += len(pcm) // 2
            if self._begun() and not self._go_on:
                self._changed.notify_all()
                if may_pause:
                    self._changed.wait_for(lambda: self._go_on, PAUSE_S)
                self._go_on = True
            return self._stopped

    def end(self, error: BaseException | None = None) -> None:
        """All audio was pushed, or ``error`` stopped it."""
        with self._changed:
            self._keep(self._words.end(self._made))
            self._over, self._error = True, error
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        return self._stopped

    # --- the step loop's side

    def take(self, timeout_s: float) -> tuple[AudioChunk | None, bool]:
        """Wait for audio; return a chunk (None: there is no more) and whether it was the last.

        Raises what the slot reported, or ``ModelFailed`` when nothing came within ``timeout_s``.
        """
        with self._changed:
            if self._taken:
                self._resume()
            if not self._changed.wait_for(self._finished if self._taken else self._begun, timeout_s):
                raise ModelFailed(f"espeak-ng made no audio for {timeout_s:g} s.")
            if self._error is not None:
                raise self._error
            count = min(self._settled() - self._taken, round(MOST_CHUNK_S * self._rate))
            chunk = self._cut(count) if count > 0 else None
            return chunk, self._over and self._taken == self._made

    def stop(self) -> None:
        """Want no more: the library's next callback ends the synthesis."""
        self._stopped = True
        self.resume()

    def resume(self) -> bool:
        """Let the slot make the rest and be free, wanted yet or not. Returns False when it had leave already."""
        with self._changed:
            return self._resume()

    def _resume(self) -> bool:
        if self._go_on:
            return False
        self._go_on = True
        self._changed.notify_all()
        return True

    def _begun(self) -> bool:
        return self._over or self._settled() >= LEAST_CHUNK_S * self._rate

    def _finished(self) -> bool:
        return self._over

    def _settled(self) -> int:
        """Samples made whose words all have an end."""
        if self._over or self._words.open_since is None:
            return self._made
        return min(self._made, self._words.open_since)

    def _cut(self, count: int) -> AudioChunk:
        end = self._taken + count
        samples = np.frombuffer(bytes(self._pcm[: count * 2]), np.int16).astype(np.float32) / np.float32(32768)
        del self._pcm[: count * 2]
        self._taken = end
        marks = []
        last = self._over and end == self._made
        while self._marks and (last or self._marks[0].start_s * self._rate < end):
            marks.append(self._marks.popleft())
        return AudioChunk(samples, self._rate, tuple(marks))

    def _keep(self, mark: Mark | None) -> None:
        if mark is not None:
            self._marks.append(mark)
