"""What one job has said so far, for any number of listeners, each at its own pace."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass

from syrinx.core.errors import SyrinxError
from syrinx.protocols.voicereader.answers import AudioPiece


class FellBehind(SyrinxError):
    """The listener was so slow, or came so late, that what it would hear next is kept no more."""

    code = "fell_behind"


@dataclass(slots=True)
class Kept:
    """What several tapes keep together."""

    size: int = 0
    """Bytes of audio."""


class Tape:
    """Pieces in order, the oldest of which may be gone, and an end. Samples are kept as they are, not as text."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._pieces: deque[AudioPiece] = deque()
        self._gone = 0
        self._stopped = False
        self._news = asyncio.Event()
        self._telling: set[asyncio.Task[object]] = set()
        self._attended = asyncio.Event()
        self.size = 0
        """Bytes of audio kept."""
        self.last: bytes | None = None
        """The message that ends it, once it has ended."""

    @property
    def count(self) -> int:
        """Pieces that there have been."""
        return self._gone + len(self._pieces)

    async def attended(self, patience_s: float) -> None:
        """Return once somebody listens or it has ended, at the latest after ``patience_s``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._attended.wait()

    def add(self, piece: AudioPiece) -> None:
        """Let it be heard."""
        self._pieces.append(piece)
        self._grow(len(piece.data))
        self._tell()

    def drop_oldest(self) -> None:
        """Keep one piece less."""
        self._grow(-len(self._pieces.popleft().data))
        self._gone += 1

    def wipe(self) -> None:
        """Keep no audio any more: who has not heard all of it has fallen behind."""
        self._gone += len(self._pieces)
        self._pieces.clear()
        self._grow(-self.size)
        self._tell()

    def end(self, last: bytes) -> None:
        """Nothing but this message comes any more."""
        self.last = last
        self._attended.set()
        self._tell()

    def stop(self, last: bytes) -> None:
        """End at once: what nobody has heard yet is heard by nobody, late listeners included."""
        self._stopped = True
        self.last = last
        self._attended.set()
        self.wipe()
        telling, self._telling = self._telling, set()
        for task in telling:
            task.cancel()

    async def listen(self) -> AsyncIterator[AudioPiece | bytes]:
        """Every piece from the oldest that is kept, then the message that ends it. Raises ``FellBehind``."""
        self._attended.set()
        at = self._gone
        while True:
            if at < self.count and not self._stopped:
                if at < self._gone:
                    raise FellBehind("This listener fell so far behind that what comes next is kept no more.")
                yield self._pieces[at - self._gone]
                at += 1
            elif self.last is not None:
                yield self.last
                return
            else:
                await self._news.wait()

    async def unless_stopped(self, tell: Coroutine[None, None, None]) -> None:
        """Tell a listener a piece; where that waits for the listener as ``stop`` comes, it is not told any more."""
        this = asyncio.current_task()
        assert this is not None, "listeners are told in a task"
        self._telling.add(this)
        try:
            await tell
        except asyncio.CancelledError:
            if this in self._telling or this.uncancel():  # somebody else wants it to end
                raise
        finally:
            self._telling.discard(this)

    def _grow(self, size: int) -> None:
        self.size += size
        self._kept.size += size

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
