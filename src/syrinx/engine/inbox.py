"""Text of one utterance on its way to the model: what came in, cut only as far as it is needed.

Text is cut lazily in slices, so that a long text costs nothing until its turn and never occupies the event loop.
"""

from __future__ import annotations

from collections import deque

from syrinx.core.errors import TextTooLong
from syrinx.text.front import TextFront
from syrinx.text.segmenter import Piece

SLICE_CHARS = 500
"""Fed to the segmenter at once: about 0.3 ms of work, and enough for the first piece of any text."""


class _Mark:
    """A flush or the end, in its place between texts."""


FLUSH = _Mark()
END = _Mark()


class Inbox:
    """Accepts text at once; gives out pieces in order. Not thread-safe.

    Holds at most ``max_chars`` characters, and at most one flush for each run of text.
    """

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._chars = 0
        self._items: deque[str | _Mark] = deque()
        self._pieces: deque[Piece] = deque()
        self._front: TextFront | None = None
        self._flushed_chars = 0
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
        """True while all received text is cut as far as it can be, and some waits for more."""
        return self._front is not None and not self._items and self._front.buffered > 0

    def open(self, front: TextFront) -> None:
        """Set the front end that cuts this utterance's text; text may have come before."""
        self._front = front

    def append(self, text: str) -> None:
        """Take more text. Raises ``TextTooLong`` and takes nothing when the utterance would pass its bound."""
        if self._chars + len(text) > self._max_chars:
            raise TextTooLong(self._max_chars, self._chars + len(text))
        self._chars += len(text)
        last = self._items[-1] if self._items else None
        if isinstance(last, str) and len(last) + len(text) <= SLICE_CHARS:  # tokens that wait cost as one text
            self._items[-1] = last + text
        else:
            self._items.extend(text[i : i + SLICE_CHARS] for i in range(0, len(text), SLICE_CHARS))

    def flush(self) -> bool:
        """Have all text so far cut. False: nothing came since the last flush."""
        if self._flushed_chars == self._chars:
            return False
        self._flushed_chars = self._chars
        self._items.append(FLUSH)
        return True

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            self._items.append(END)

    def take(self) -> Piece | None:
        """Return the next piece that is cut, or None: ``cut`` may give more."""
        return self._pieces.popleft() if self._pieces else None

    def cut(self) -> bool:
        """Do one small share of the cutting. False: there is nothing to cut until more text comes."""
        if self._front is None or not self._items:
            return False
        item = self._items.popleft()
        if isinstance(item, str):
            self._pieces.extend(self._front.feed(item))
        else:
            self._pieces.extend(self._front.flush() if item is FLUSH else self._front.end())
        return True
