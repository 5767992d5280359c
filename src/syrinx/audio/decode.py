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


def decode_audio(data: bytes, max_seconds: float) -> tuple[Samples, int]:
    """Return (float32 mono samples, rate in Hertz) of the first audio stream; channels are mixed down.

    Raises ``InvalidRequest`` for what is not audio, has none, or lasts longer than ``max_seconds`` (> 0). Memory is
    bounded by ``max_seconds`` and the size of ``data``.
    """
    import av
    from av.error import FFmpegError

    try:
        options = {"format_whitelist": FORMATS, "protocol_whitelist": ""}
        with av.open(io.BytesIO(data), "r", options=options, metadata_errors="replace") as source:
            if not source.streams.audio:
                raise InvalidRequest("The file has no audio in it.", code="bad_audio")
            return _read(source, max_seconds)
    except (FFmpegError, ValueError, OverflowError) as error:  # what PyAV raises for broken files
        raise InvalidRequest(f"The audio cannot be read: {error}.", code="bad_audio") from None


def _read(source: Any, max_seconds: float) -> tuple[Samples, int]:
    from av import AudioResampler

    resampler: AudioResampler | None = None
    rate, count = 0, 0
    pieces: list[Any] = []
    for frame in source.decode(audio=0):
        if resampler is None:
            rate = frame.sample_rate
            resampler = AudioResampler(format="flt", layout="mono", rate=rate)
        for mono in resampler.resample(frame):
            pieces.append(mono.to_ndarray().reshape(-1))
            count += len(pieces[-1])
        if count > math.ceil(max_seconds * rate):
            raise InvalidRequest(f"The audio is longer than {max_seconds:g} s.", code="audio_too_long")
    for mono in resampler.resample(None) if resampler is not None else []:
        pieces.append(mono.to_ndarray().reshape(-1))
    if not pieces:
        raise InvalidRequest("The file has no audio in it.", code="bad_audio")
    return np.concatenate(pieces).astype(np.float32, copy=False), rate
