"""What a container is, as data, and what an encoder does: begin, encode any number of times, finish, close.

The order of calls is checked here once, so that each container's file holds its format and nothing else.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from syrinx.core.errors import SyrinxError
from syrinx.core.types import Samples

MIN_RATE = 8_000
MAX_RATE = 48_000
"""Hertz; the range of rates that Syrinx delivers (telephony to studio)."""


@dataclass(frozen=True, slots=True)
class ContainerInfo:
    """A container as data. Ask these fields; never compare names."""

    name: str
    media_type: str
    extension: str
    """File name ending without the dot."""
    sample_rates: tuple[int, ...] | None = None
    """Legal rates in Hertz, ascending; None: any from ``MIN_RATE`` to ``MAX_RATE``."""
    default_rate: int | None = None
    """Hertz where the client asks for none; None: the model's own, or the nearest legal rate above it."""
    cheap: bool = False
    """Encoding costs under 1 ms per second of audio, so it may run on the event loop."""
    lossless: bool = False
    """Decodes to the 16-bit (or float) samples that went in."""
    bytes_per_sample: int = 0
    """Bytes of one sample of raw data; 0 where the stream has a structure of its own."""
    bitrates: tuple[int, int] | None = None
    """Lowest and highest bits per second that may be asked for; None: it has no such choice."""
    default_bitrate: int = 0


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """All an encoder is told. ``create_encoder`` has checked it against the container's ``ContainerInfo``."""

    sample_rate: int
    bitrate: int = 0
    """Bits per second; 0 where the container has no such choice."""
    total_samples: int | None = None
    """Exact length where it is known beforehand."""
    opus_application: str = "audio"
    """``"audio"``, ``"voip"`` or ``"lowdelay"``."""


class _State(enum.Enum):
    NEW = "begin"
    OPEN = "open"
    FINISHED = "finish"
    CLOSED = "close"


class Encoder(ABC):
    """Samples in, container bytes out. One object per stream; not thread-safe, but may move between threads.

    Order: ``begin`` once, ``encode`` any number of times, ``finish`` once; ``close`` at any time, and again. Anything
    else raises ``SyrinxError`` naming the call. Bytes may come later than the samples they stand for; all have come
    when ``finish`` returns. What comes out does not depend on how the samples are cut into calls.
    """

    def __init__(self, spec: EncoderSpec) -> None:
        self.spec = spec
        self._state = _State.NEW

    def begin(self, total_samples: int | None = None) -> bytes:
        """Start the stream; return its header (may be empty). ``total_samples``: the exact length, where known."""
        self._expect(_State.NEW, "begin")
        self._state = _State.OPEN
        return self._begin(self.spec.total_samples if total_samples is None else total_samples)

    def encode(self, samples: Samples) -> bytes:
        """Encode finite float32 mono samples, shape (n,), n >= 0; values beyond [-1, 1] are clamped where need be."""
        self._expect(_State.OPEN, "encode")
        return self._encode(samples) if len(samples) else b""

    def finish(self) -> bytes:
        """Return everything still held and the trailer, then free what the encoder took."""
        self._expect(_State.OPEN, "finish")
        try:
            return self._finish()
        finally:
            self.close()
            self._state = _State.FINISHED

    def close(self) -> None:
        """Free what the encoder took, finished or not. Held audio is dropped. Calling it again does nothing."""
        if self._state not in (_State.FINISHED, _State.CLOSED):
            self._state = _State.CLOSED
            self._close()

    def _expect(self, state: _State, call: str) -> None:
        if self._state is not state:
            said = {
                _State.NEW: "before begin()",
                _State.OPEN: "a second time",
                _State.FINISHED: "after finish()",
                _State.CLOSED: "after close()",
            }
            raise SyrinxError(f"{type(self).__name__}.{call}() was called {said[self._state]}.")

    @abstractmethod
    def _begin(self, total_samples: int | None) -> bytes: ...

    @abstractmethod
    def _encode(self, samples: Samples) -> bytes: ...

    def _finish(self) -> bytes:
        return b""

    def _close(self) -> None:
        return None


def unsealed(data: bytes, samples: int) -> bytes:
    """Leave a complete file as it is: the container has no field that depends on its length."""
    return data


@dataclass(frozen=True, slots=True)
class Container:
    """One entry of the registry: what it is, how to make an encoder, and how to complete a file made of a stream."""

    info: ContainerInfo
    create: Callable[[EncoderSpec], Encoder]
    seal: Callable[[bytes, int], bytes] = unsealed
    """Takes all bytes of a stream and its number of samples; returns the file with true lengths in its header."""
