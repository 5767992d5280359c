"""Cuts encoded bytes into the messages of a socket: the first at once, later ones gathered, or all alike for a
telephone line. Pure; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

from syrinx.audio.encode import ContainerInfo
from syrinx.core.errors import UnsupportedFormat


@dataclass(frozen=True, slots=True)
class Framing:
    """How audio is put into messages. Defaults as the settings of the same names (see ``config.Settings``)."""

    chunk_s: float = 0.04
    """Length of a frame of raw samples."""
    first_immediate: bool = True
    """The first frame goes alone as soon as it is full."""
    buffer_bytes: int = 16384
    """A message is full when it has at least this many bytes ..."""
    flush_every: int = 16
    """... or this many frames."""
    exact: bool = False
    """Every message is one frame, only the last of a stream may be shorter; raw samples only. What gathers is off."""

    def check(self, info: ContainerInfo, sample_rate: int) -> None:
        """Raise ``UnsupportedFormat`` where exact frames cannot be had: the stream has a structure of its own, or a
        frame would be no whole number of samples."""
        if not self.exact:
            return
        if not info.bytes_per_sample:
            raise UnsupportedFormat(
                f"{info.name} is not cut into frames of equal length: only raw samples are (pcm_s16le, pcm_f32le, "
                "mulaw, alaw). Leave frame_ms out.",
                param="frame_ms",
            )
        if abs(self.chunk_s * sample_rate - round(self.chunk_s * sample_rate)) > 1e-6:
            raise UnsupportedFormat(
                f"{self.chunk_s * 1000:g} ms at {sample_rate} Hz is no whole number of samples; choose another "
                "frame_ms or sample rate.",
                param="frame_ms",
            )


class Framer:
    """One stream's messages. Joined, they are the bytes that went in.

    With ``bytes_per_sample`` (raw samples, ``ContainerInfo.bytes_per_sample``) every frame is ``chunk_s`` long; with 0
    each ``push`` is one frame, whatever its size. Holds less than ``buffer_bytes`` and one frame; of exact frames less
    than one.
    """

    def __init__(self, framing: Framing, sample_rate: int, bytes_per_sample: int) -> None:
        self._framing = framing
        self._frame = max(1, round(framing.chunk_s * sample_rate)) * bytes_per_sample
        self._width = max(1, bytes_per_sample)
        self._alone = framing.first_immediate
        self._ready = bytearray()
        self._frames = 0
        self._partial = bytearray()

    @property
    def pending(self) -> int:
        """Bytes held."""
        return len(self._ready) + len(self._partial)

    def push(self, data: bytes) -> list[bytes]:
        """Take encoded bytes; return the messages that are full now."""
        messages: list[bytes] = []
        for frame in self._cut(data):
            self._ready += frame
            self._frames += 1
            if (
                self._framing.exact
                or self._alone
                or len(self._ready) >= self._framing.buffer_bytes
                or self._frames >= self._framing.flush_every
            ):
                messages.append(self._take())
                self._alone = False
        return messages

    def header(self, data: bytes) -> list[bytes]:
        """Pass a container's header at once; the first frame after it still goes alone."""
        return [data] if data else []

    def flush(self, *, end: bool = False) -> list[bytes]:
        """Return all whole samples held, as one message or none. The stream may go on. Of exact frames, a part is only
        given at the ``end``."""
        if self._framing.exact and not end:
            return []
        whole = len(self._partial) // self._width * self._width
        self._ready += self._partial[:whole]
        del self._partial[:whole]
        message = self._take()
        return [message] if message else []

    def _cut(self, data: bytes) -> list[bytes]:
        if not self._frame:
            return [data] if data else []
        self._partial += data
        end = len(self._partial) // self._frame * self._frame
        whole = bytes(self._partial[:end])
        del self._partial[:end]
        return [whole[start : start + self._frame] for start in range(0, end, self._frame)]

    def _take(self) -> bytes:
        message = bytes(self._ready)
        self._ready.clear()
        self._frames = 0
        return message
