"""Opus in Ogg (RFC 7845): one packet of 20 ms a page, so every page can be played the moment it arrives."""

from __future__ import annotations

import secrets
import struct
from typing import TYPE_CHECKING, Any

from syrinx.core.types import Samples

from .base import Container, ContainerInfo, Encoder, EncoderSpec
from .convert import clamp
from .libav import audio_frame
from .ogg import FIRST, LAST, OggStream

if TYPE_CHECKING:
    from av import AudioFrame

OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
"""Hertz; all that libopus encodes (RFC 6716)."""
BITRATES = (6_000, 256_000)
"""Bits per second, mono (RFC 6716, 2.1.1; FFmpeg's upper bound for one channel)."""
GRANULE_RATE = 48_000
FRAME_MS = 20
VENDOR = b"Syrinx"


class OggOpus(Encoder):
    """Granule positions are exact, so the decoded length is the length that went in."""

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__(spec)
        self._codec: Any = None
        self._ogg = OggStream(secrets.randbits(32))
        self._position = 0
        self._granule = 0

    def _begin(self, total_samples: int | None) -> bytes:
        from fractions import Fraction

        from av import CodecContext

        codec: Any = CodecContext.create("libopus", "w")
        codec.sample_rate = self.spec.sample_rate
        codec.time_base = Fraction(1, self.spec.sample_rate)
        codec.layout, codec.format, codec.bit_rate = "mono", "flt", self.spec.bitrate
        codec.options = {"frame_duration": str(FRAME_MS), "application": self.spec.opus_application}
        codec.open()
        self._codec = codec
        head = bytes(codec.extradata)
        (self._pre_skip,) = struct.unpack_from("<H", head, 10)
        tags = struct.pack("<8sI", b"OpusTags", len(VENDOR)) + VENDOR + struct.pack("<I", 0)
        return self._ogg.page(head, 0, FIRST) + self._ogg.page(tags, 0)

    def _encode(self, samples: Samples) -> bytes:
        frame = audio_frame(clamp(samples), "flt", self.spec.sample_rate, self._position)
        self._position += len(samples)
        return b"".join(self._ogg.page(packet, self._advance()) for packet in self._packets(frame))

    def _finish(self) -> bytes:
        end = self._pre_skip + self._position * GRANULE_RATE // self.spec.sample_rate
        packets = self._packets(None) if self._position else []
        pages = [self._ogg.page(packet, self._advance()) for packet in packets[:-1]]
        last = packets[-1] if packets else b""
        pages.append(self._ogg.page(last, min(self._advance(), end) if last else end, LAST))
        return b"".join(pages)

    def _packets(self, frame: AudioFrame | None) -> list[bytes]:
        return [bytes(packet) for packet in self._codec.encode(frame)]

    def _advance(self) -> int:
        self._granule += GRANULE_RATE * FRAME_MS // 1000
        return self._granule

    def _close(self) -> None:
        self._codec = None


OPUS = Container(
    ContainerInfo("opus", "audio/ogg", "opus", sample_rates=OPUS_RATES, bitrates=BITRATES, default_bitrate=48_000),
    OggOpus,
)
