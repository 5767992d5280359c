"""Reads audio files of any usual container into samples: playback, reference clips, tests. Bounded; trusts nothing."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Samples

FORMATS = "wav,w64,aiff,au,caf,mp3,ogg,flac,aac,mov,matroska,amr"
"""FFmpeg demuxers that may open untrusted bytes. Not among them: playlists and scripts (hls, concat, dash, ...), which
would make it open files and addresses that the bytes name."""


MAX_RATE = 192_000
"""Hertz; with the length it bounds the memory."""
PACKED = "flt"
"""What is read of frames: PyAV finds the end of 8 or more planes only by chance, and takes the process with it."""


def decode_audio(data: bytes, max_seconds: float, *, cut: bool = False) -> tuple[Samples, int]:
    """Return (float32 mono samples, rate in Hertz) of the first audio stream; mono is the mean of the channels.

    ``cut``: of what lasts longer than ``max_seconds`` (> 0), read no more than that; otherwise it is refused.

    Raises ``InvalidRequest`` for what is not audio (``bad_audio``), has none or more than ``MAX_RATE``, or is too long
    (``audio_too_long``). Memory is bounded by ``max_seconds`` and the size of ``data``.
    """
    import av
    from av.error import FFmpegError

    try:
        options = {"format_whitelist": FORMATS, "protocol_whitelist": ""}
        with av.open(io.BytesIO(data), "r", options=options, metadata_errors="replace") as source:
            if not source.streams.audio:
                raise InvalidRequest("The file has no audio in it.", code="bad_audio")
            return _read(source, max_seconds, cut)
    except FFmpegError as error:
        raise InvalidRequest(f"The audio cannot be read: {error.strerror}.", code="bad_audio") from None
    except (ValueError, OverflowError) as error:  # what else PyAV raises for broken files
        raise InvalidRequest(f"The audio cannot be read: {error}.", code="bad_audio") from None


def _read(source: Any, max_seconds: float, cut: bool) -> tuple[Samples, int]:
    from av import AudioResampler

    resampler: AudioResampler | None = None
    rate, count, most = 0, 0, 0
    pieces: list[Any] = []
    for frame in source.decode(audio=0):
        if resampler is None:
            rate = frame.sample_rate
            if rate > MAX_RATE:
                raise InvalidRequest(f"The audio has {rate} Hz; the limit is {MAX_RATE}.", code="bad_audio")
            most = math.ceil(max_seconds * rate)
            resampler = AudioResampler(format=PACKED, rate=rate)
        for packed in resampler.resample(frame):
            pieces.append(_mono(packed))
            count += len(pieces[-1])
        if count > most and not cut:
            raise InvalidRequest(f"The audio is longer than {max_seconds:g} s.", code="audio_too_long")
        if count > most:
            break
    for packed in resampler.resample(None) if resampler is not None and count <= most else []:
        pieces.append(_mono(packed))
    if not pieces:
        raise InvalidRequest("The file has no audio in it.", code="bad_audio")
    return np.concatenate(pieces)[:most].astype(np.float32, copy=False), rate


def _mono(packed: Any) -> Any:
    """FFmpeg's own way to mono makes equal channels 3 dB louder, past full scale."""
    return packed.to_ndarray().reshape(-1, packed.layout.nb_channels).mean(axis=1, dtype=np.float32)
