"""Text of one utterance on its way to the model: what came in, cut and normalised only as far as it is needed.

Text is cut lazily in slices, so that a long text costs nothing until its turn and never occupies the event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from syrinx.core.errors import TextTooLong
from syrinx.text.front import Prepared, TextFront
from syrinx.text.segmenter import Piece

SLICE_CHARS = 2000
"""Fed to the segmenter at once: about 2 ms of work at the most."""


class _Mark:
    """A flush or the end, in its place between texts."""


FLUSH = _Mark()
END = _Mark()


class Inbox:
    """Accepts text at once; gives out pieces in order. Not thread-safe."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._chars = 0
        self._items: deque[str | _Mark] = deque()
        self._pieces: deque[Piece] = deque()
        self._front: TextFront | None = None
        self.ended = False

    @property
    def chars(self) -> int:
        """Characters received so far."""
        return self._chars

    @property
    def exhausted(self) -> bool:
        """True when the end was reached and every piece was taken."""
        return self.ended and not self._items and not self._pieces

    @property
    def holds_text(self) -> bool:
        """True while received text waits for more before it can be cut."""
        return self._front is not None and not self._items and self._front.buffered > 0

    def open(self, front: TextFront) -> None:
        """Set the front end that cuts this utterance's text; text may have come before."""
        self._front = front

    def append(self, text: str) -> None:
        """Take more text. Raises ``TextTooLong`` and takes nothing when the utterance would pass its bound."""
        if self._chars + len(text) > self._max_chars:
            raise TextTooLong(self._max_chars, self._chars + len(text))
        self._chars += len(text)
        self._items.extend(text[i : i + SLICE_CHARS] for i in range(0, len(text), SLICE_CHARS))

    def flush(self) -> None:
        self._items.append(FLUSH)

    def end(self) -> None:
        self.ended = True
        self._items.append(END)

    def next_piece(self) -> Piece | None:
        """Return the next piece that is certain, or None until more text comes."""
        front = self._front
        if front is None:
            return None
        while not self._pieces and self._items:
            self._pieces.extend(_cut(front, self._items.popleft()))
        return self._pieces.popleft() if self._pieces else None

    def prepare(self, piece: Piece) -> Callable[[], list[Prepared]]:
        """Return the work of normalising ``piece``, to be called here or, if ``is_slow``, in a thread."""
        front = self._front
        assert front is not None, "pieces come from a front"
        return lambda: front.prepare(piece)

    def is_slow(self, piece: Piece) -> bool:
        return self._front is not None and self._front.is_slow(piece)


def _cut(front: TextFront, item: str | _Mark) -> list[Piece]:
    if isinstance(item, str):
        return front.feed(item)
    return front.flush() if item is FLUSH else front.end()
