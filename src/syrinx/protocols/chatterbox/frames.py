"""How the Chatterbox dialect cuts its audio: frames of so many tokens, or all in one."""

from __future__ import annotations

SAMPLE_BYTES = 4
"""Of a 32-bit float."""
RATE = 24_000
"""Hertz."""
TOKEN_BYTES = 960 * SAMPLE_BYTES
"""A token of the model stands for 40 ms: 960 samples at 24 kHz."""
WHOLE_BYTES = 300 * RATE * SAMPLE_BYTES
"""Longest frame of a request that does not stream: five minutes, so that what is gathered for it has a bound."""


class Frames:
    """Joined, the frames are the bytes that went in. Holds less than one frame."""

    def __init__(self, frame: int, first: int) -> None:
        """``frame`` and ``first``: bytes of a frame and of the first one, whole samples.

        No frame is longer than all that were sent before it together, so a listener who begins with a short first one
        does not wait for a long second one.
        """
        self._frame = frame
        self._next = min(first, frame)
        self._sent = 0
        self._held = bytearray()

    @staticmethod
    def length(frame_s: float) -> int:
        """Bytes of so many seconds."""
        return round(frame_s * RATE) * SAMPLE_BYTES

    @staticmethod
    def whole() -> Frames:
        """All in one frame."""
        return Frames(WHOLE_BYTES, WHOLE_BYTES)

    def push(self, data: bytes) -> list[bytes]:
        """Take audio; return the frames that are full."""
        self._held += data
        frames: list[bytes] = []
        start = 0
        while len(self._held) - start >= self._next:
            frames.append(bytes(self._held[start : start + self._next]))
            start += self._next
            self._sent += self._next
            self._next = min(self._frame, max(self._next, self._sent))
        del self._held[:start]
        return frames

    def rest(self) -> list[bytes]:
        """Return what is held as a last frame, or none."""
        held, self._held = bytes(self._held), bytearray()
        return [held] if held else []
