"""Cuts an utterance's bytes into chunks of one size. Pure."""

from __future__ import annotations


class Cutter:
    """``push`` bytes as they come, ``take`` chunks; ``finish`` lets the last, shorter one out."""

    def __init__(self, size: int | None) -> None:
        """``size``: bytes of a chunk; None: all that is pushed is one chunk."""
        self._size = size
        self._held = bytearray()
        self._short = False
        """The next chunk may be a short one."""

    @property
    def waiting(self) -> bool:
        """True while it holds part of a chunk that could be given as it is."""
        return self._size is not None and bool(self._held)

    def push(self, data: bytes) -> None:
        self._held += data

    def flush(self) -> None:
        """Give what is held as a chunk of its own; the utterance goes on."""
        self._short = True

    def finish(self, padding: int = 0) -> None:
        """Nothing more comes but ``padding`` bytes of silence."""
        self._held += bytes(padding)
        self._short = True

    def take(self) -> bytes | None:
        """The next chunk that is whole (or the last), or None."""
        size = self._size
        if size is None or len(self._held) < size:
            if not (self._short and self._held):
                return None
            size, self._short = len(self._held), False
        chunk = bytes(self._held[:size])
        del self._held[:size]
        return chunk
