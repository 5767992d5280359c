"""The containers Syrinx can deliver, and how to get an encoder. Adding one is one file and one entry in ``_ALL``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from syrinx.core.errors import UnsupportedFormat
from syrinx.core.types import AudioFormat

from . import aac, flac, g711, mp3, opus, pcm, wav, webm
from .base import MAX_RATE, MIN_RATE, Container, ContainerInfo, Encoder, EncoderSpec

__all__ = [
    "ALIASES",
    "CONTAINERS",
    "MAX_RATE",
    "MIN_RATE",
    "ContainerInfo",
    "Encoder",
    "container",
    "create_encoder",
    "output_rate",
    "seal",
]

_ALL = (
    pcm.S16LE,
    pcm.F32LE,
    wav.WAV,
    mp3.MP3,
    opus.OPUS,
    aac.AAC,
    flac.FLAC,
    webm.WEBM,
    g711.MULAW,
    g711.ALAW,
    wav.WAV_F32LE,
    wav.WAV_MULAW,
    wav.WAV_ALAW,
)
_BY_NAME: dict[str, Container] = {entry.info.name: entry for entry in _ALL}

CONTAINERS: Mapping[str, ContainerInfo] = MappingProxyType({name: entry.info for name, entry in _BY_NAME.items()})
"""Every container by its name."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "pcm": "pcm_s16le",
        "pcm16": "pcm_s16le",
        "s16le": "pcm_s16le",
        "linear16": "pcm_s16le",
        "f32le": "pcm_f32le",
        "ulaw": "mulaw",
        "pcmu": "mulaw",
        "pcma": "alaw",
        "ogg": "opus",
        "adts": "aac",
    }
)
"""Names that clients use for ours."""


def container(name: str) -> ContainerInfo:
    """Return the container of that name or alias, in any case. Raises ``UnsupportedFormat`` naming what exists."""
    return _entry(name).info


def output_rate(format: AudioFormat, native_rate: int) -> int:
    """Return the rate in Hertz that will be delivered for a model of ``native_rate``.

    An asked rate is honoured or refused; else the container's default; else the model's own, or, where the container
    has no such rate, the nearest one above it (the highest, if there is none above). Raises ``UnsupportedFormat``.
    """
    info = container(format.container)
    if format.sample_rate is not None:
        _check_rate(info, format.sample_rate)
        return format.sample_rate
    if info.default_rate is not None:
        return info.default_rate
    if info.sample_rates is None:
        return min(max(native_rate, MIN_RATE), MAX_RATE)
    return next((rate for rate in info.sample_rates if rate >= native_rate), info.sample_rates[-1])


def create_encoder(format: AudioFormat, sample_rate: int, *, opus_application: str = "audio") -> Encoder:
    """Return a new encoder for samples at ``sample_rate`` Hertz. Cheap: codecs are opened by ``begin``.

    ``opus_application`` is ``"audio"``, ``"voip"`` or ``"lowdelay"`` and concerns Opus only. Raises
    ``UnsupportedFormat`` where the container cannot carry that rate or bit rate.
    """
    entry = _entry(format.container)
    _check_rate(entry.info, sample_rate)
    bitrate = _checked_bitrate(entry.info, format.bitrate)
    return entry.create(EncoderSpec(sample_rate, bitrate, opus_application=opus_application))


def seal(format: AudioFormat, data: bytes, samples: int) -> bytes:
    """Turn all bytes of a finished stream of ``samples`` samples into a file with true lengths in its header.

    Streams cannot tell their length beforehand; files should. Containers without such a field come back as they are.
    """
    return _entry(format.container).seal(data, samples)


def _entry(name: str) -> Container:
    lowered = name.lower()
    entry = _BY_NAME.get(ALIASES.get(lowered, lowered))
    if entry is None:
        raise UnsupportedFormat(
            f"There is no audio format named {name[:40]!r}; choose one of {', '.join(CONTAINERS)}.", param="container"
        )
    return entry


def _check_rate(info: ContainerInfo, sample_rate: int) -> None:
    if info.sample_rates is not None and sample_rate not in info.sample_rates:
        legal = ", ".join(map(str, info.sample_rates))
        raise UnsupportedFormat(
            f"{info.name} cannot carry {sample_rate} Hz; choose one of {legal}.", param="sample_rate"
        )
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise UnsupportedFormat(
            f"A sample rate of {sample_rate} Hz is out of range; choose {MIN_RATE} to {MAX_RATE}.", param="sample_rate"
        )


def _checked_bitrate(info: ContainerInfo, bitrate: int | None) -> int:
    if bitrate is None:
        return info.default_bitrate
    if info.bitrates is None:
        raise UnsupportedFormat(f"{info.name} has no bit rate to choose.", param="bitrate")
    low, high = info.bitrates
    if not low <= bitrate <= high:
        raise UnsupportedFormat(
            f"A bit rate of {bitrate} is out of range for {info.name}; choose {low} to {high}.", param="bitrate"
        )
    return bitrate
