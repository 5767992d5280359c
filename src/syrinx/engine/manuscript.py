"""What one utterance has to say: text as it comes in, speakable segments as they are asked for, waits between them."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from syrinx.core.errors import InvalidRequest
from syrinx.engine.inbox import Inbox
from syrinx.text.front import Prepared, TextFront
from syrinx.text.segmenter import Piece

BREATH_S = 0.001
"""Longest work on text before others get the event loop."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for text."""

    text_timeout_s: float
    """Then the utterance is given up."""
    idle_flush_s: float | None
    """Then what is buffered is spoken as it is; None: only Flush and End do that."""


class Manuscript:
    """Text in by ``append``, ``flush`` and ``end``; segments out by ``fill`` and ``take``. For one task."""

    def __init__(self, max_chars: int, patience: Patience, executor: Executor) -> None:
        self._inbox = Inbox(max_chars)
        self._patience = patience
        self._executor = executor
        self._front: TextFront | None = None
        self._script = io.StringIO(newline="")
        self._ready: deque[Prepared] = deque()
        self._news = asyncio.Event()
        self._silent = False
        """No text came for ``idle_flush_s``."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def chars(self) -> int:
        """Characters received so far."""
        return self._inbox.chars

    @property
    def script(self) -> str:
        """All text received so far, as it came."""
        return self._script.getvalue()

    @property
    def ended(self) -> bool:
        """True once ``end`` was called: no more text is taken."""
        return self._inbox.ended

    @property
    def exhausted(self) -> bool:
        """True when the end was reached and every segment was taken."""
        return self._inbox.exhausted and not self._ready

    @property
    def ready(self) -> Sequence[Prepared]:
        """The segments that ``take`` will give."""
        return self._ready

    # --- text in ---------------------------------------------------------------------------------------------------

    def append(self, text: str) -> None:
        """Take text; an empty one says that more will come, and the wait for it begins anew. Raises ``TextTooLong``,
        ``InvalidRequest`` after ``end``."""
        if self._inbox.ended:
            raise InvalidRequest("This utterance has ended; it takes no more text.", code="utterance_ended")
        if not text:
            self._news.set()
            return
        self._inbox.append(text)
        self._script.write(text)
        self._news.set()
        self._await_silence()

    def flush(self) -> None:
        """Speak what came so far as it is."""
        if not self._inbox.ended and self._inbox.flush():
            self._news.set()

    def end(self) -> None:
        """No more text comes. Idempotent."""
        self._inbox.end()
        self._news.set()
        self.close()

    def close(self) -> None:
        """Stop waiting for a silence. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- segments out ----------------------------------------------------------------------------------------------

    def open(self, front: TextFront) -> None:
        """Set the front end that cuts and normalises; text may have come before."""
        self._front = front
        self._inbox.open(front)

    async def fill(self, wanted: int) -> bool:
        """Have up to ``wanted`` segments ready, as far as text is there; True if there is any.

        Returns without giving up the event loop once the text is used up, so that ``wait`` misses nothing.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        while len(self._ready) < wanted:
            piece = self._inbox.take()
            if piece is not None:
                self._ready.extend(await self._prepare(piece))
            elif not self._inbox.cut() and not self._flush_after_silence():
                break
            if loop.time() - began > BREATH_S:
                await asyncio.sleep(0)
                began = loop.time()
        return bool(self._ready)

    def take(self) -> Prepared | None:
        """Return the next segment that is ready, or None."""
        return self._ready.popleft() if self._ready else None

    async def wait(self) -> None:
        """Wait for news after ``fill`` had too little. Raises ``InvalidRequest`` where none come in time."""
        self._news.clear()
        waits_s = self._patience.text_timeout_s
        try:
            # Not wait_for: in Python 3.11 it swallows a cancel that comes in the same turn of the loop as the news.
            async with asyncio.timeout(waits_s):
                await self._news.wait()
        except TimeoutError:
            raise InvalidRequest(f"No text came for {waits_s:g} s.", code="text_timeout") from None

    async def _prepare(self, piece: Piece) -> list[Prepared]:
        front = self._front
        assert front is not None, "pieces come from a front"
        if front.is_slow(piece):
            return await asyncio.get_running_loop().run_in_executor(self._executor, front.prepare, piece)
        return front.prepare(piece)

    # --- silence ---------------------------------------------------------------------------------------------------

    def _await_silence(self) -> None:
        """Begin the silence anew after which buffered text is spoken."""
        self._silent = False
        self.close()
        if self._patience.idle_flush_s is not None:
            self._timer = asyncio.get_running_loop().call_later(self._patience.idle_flush_s, self._fell_silent)

    def _fell_silent(self) -> None:
        self._timer = None
        self._silent = True
        self._news.set()

    def _flush_after_silence(self) -> bool:
        """Flush what waits for more text if it has waited long enough. Text that is not yet cut is asked again later,
        so a silence during a long speech is not lost, and no word is torn while there is still something to say."""
        return self._silent and self._inbox.holds_text and self._inbox.flush()
