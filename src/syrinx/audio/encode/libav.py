"""Encoders on PyAV (FFmpeg's libraries): what MP3, AAC, FLAC and WebM have in common.

PyAV is imported when a stream begins, so that PCM, WAV and G.711 need none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from syrinx.core.types import Samples

from .base import Encoder, EncoderSpec
from .convert import clamp, to_int16

if TYPE_CHECKING:
    from av import AudioFrame


@dataclass(frozen=True, slots=True)
class Recipe:
    """FFmpeg's names for one container. Options are passed as they are, so they stay greppable in its manual."""

    muxer: str
    codec: str
    sample_format: str
    """``"flt"``, ``"fltp"`` (alike for mono) or ``"s16"``."""
    muxer_options: Mapping[str, str] = field(default_factory=dict)
    codec_options: Mapping[str, str] = field(default_factory=dict)


class Outlet:
    """The write-only file that FFmpeg sees. It cannot seek, so no muxer can go back and patch what was sent."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return and forget what was written."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def audio_frame(samples: Samples, sample_format: str, sample_rate: int, position: int) -> AudioFrame:
    """Wrap samples, shape (n,), n >= 1, for FFmpeg. ``position`` is the index of the first one in its stream."""
    from fractions import Fraction

    from av import AudioFrame

    plane: NDArray[Any] = to_int16(samples) if sample_format == "s16" else samples
    frame = AudioFrame.from_ndarray(plane.reshape(1, -1), format=sample_format, layout="mono")
    frame.sample_rate = sample_rate
    frame.time_base = Fraction(1, sample_rate)
    frame.pts = position
    return frame


class LibavEncoder(Encoder):
    """Feeds an FFmpeg codec and muxer."""

    recipe: Recipe

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__(spec)
        self._container: Any = None
        self._stream: Any = None
        self._outlet = Outlet()
        self._position = 0

    def _begin(self, total_samples: int | None) -> bytes:
        import av

        recipe, rate = self.recipe, self.spec.sample_rate
        options = {"flush_packets": "1", **recipe.muxer_options}
        self._container = av.open(self._outlet, "w", format=recipe.muxer, options=options)
        stream = self._container.add_stream(recipe.codec, rate=rate, layout="mono", options=self._codec_options())
        stream.codec_context.format = recipe.sample_format
        if self.spec.bitrate:
            stream.bit_rate = self.spec.bitrate
        self._stream = stream
        self._container.start_encoding()
        return self._outlet.take()

    def _codec_options(self) -> dict[str, str]:
        return dict(self.recipe.codec_options)

    def _encode(self, samples: Samples) -> bytes:
        self._mux(audio_frame(clamp(samples), self.recipe.sample_format, self.spec.sample_rate, self._position))
        self._position += len(samples)
        return self._outlet.take()

    def _finish(self) -> bytes:
        if self._position:  # some codecs refuse to be drained before they were fed
            self._mux(None)
        self._close()
        return self._outlet.take()

    def _mux(self, frame: AudioFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def __del__(self) -> None:
        """Free what was dropped without ``close``: FFmpeg's objects form a cycle, which waits for the collector."""
        self.close()

    def _close(self) -> None:
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            container.close()
