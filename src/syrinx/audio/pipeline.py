"""One utterance's sound, from the model's samples to the client's bytes, as one stateful chain.

Order: clean up, join segments, change tempo, resample (with it: pitch), gain and limiter, encode.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from syrinx.core.errors import InvalidRequest, ModelFailed
from syrinx.core.types import AudioFormat, Delivery, Samples

from .delivery import check
from .encode import container, create_encoder, output_rate
from .join import Joiner, JoinSpec
from .level import Gain, Limiter, sanitize
from .resample import Resampler
from .stretch import Stretch

MAX_PAUSE_S = 60.0
"""Longest pause that can be put between segments; a longer one is a mistake, and its samples are made at once."""


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """All that is known when an utterance begins."""

    native_rate: int
    """Hertz of the model's samples."""
    format: AudioFormat = field(default_factory=AudioFormat)
    residual: Delivery = field(default_factory=Delivery)
    """What the model does not do itself (see ``delivery.split``)."""
    total_samples: int | None = None
    """Samples that will be delivered, where known beforehand; only some headers tell it."""
    opus_application: str = "audio"
    join: JoinSpec = field(default_factory=JoinSpec)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the chain does, in its own terms."""

    tempo: float
    """Of the stretch: speed / pitch, because playing faster for the pitch takes the rest."""
    play_rate: float
    """Hertz that stretched samples are taken for: native rate x pitch."""
    rate: int
    """Hertz delivered."""


def plan(spec: PipelineSpec) -> Plan:
    """Work out tempo and rates. Raises ``InvalidRequest`` (delivery) or ``UnsupportedFormat`` (container, rate)."""
    check(spec.residual)
    speed, pitch = spec.residual.speed, spec.residual.pitch
    return Plan(speed / pitch, spec.native_rate * pitch, output_rate(spec.format, spec.native_rate))


class Stage(Protocol):
    """A step of the chain: samples in, samples out, now or later."""

    def push(self, samples: Samples) -> Samples: ...

    def flush(self) -> Samples: ...


class Pipeline:
    """``begin``, then ``push`` as audio comes, then ``finish``; ``close`` at any time. Not thread-safe.

    Where ``heavy``, call ``begin``, ``push`` and ``finish`` in a thread (one at a time); else the event loop may.
    Delivered samples = samples kept by the joiner x rate / native rate / speed, within 1 ms.
    """

    media_type: str
    sample_rate: int
    """Hertz delivered."""
    heavy: bool
    """Costs over 1 ms per second of audio."""
    time_scale: float
    """Delivered seconds per model second."""

    def __init__(self, spec: PipelineSpec) -> None:
        """Cheap: codecs and filters open at first use. Raises as ``plan`` does."""
        info, steps = container(spec.format.container), plan(spec)
        self.media_type = info.media_type
        self.sample_rate = steps.rate
        self.time_scale = 1.0 / spec.residual.speed
        self._native_rate = spec.native_rate
        self._encoder = create_encoder(spec.format, steps.rate, opus_application=spec.opus_application)
        self._total = spec.total_samples
        self._joiner = Joiner(spec.native_rate, spec.join)
        self._stretch = Stretch(spec.native_rate, steps.tempo)
        self.heavy = not info.cheap or self._stretch.active
        volume = spec.residual.volume
        level = Gain(volume) if volume <= 1.0 else Limiter(steps.rate, volume)
        self._stages: tuple[Stage, ...] = (self._stretch, Resampler(steps.play_rate, steps.rate), level)
        self._unsaid = 0

    @property
    def segment_start_s(self) -> float:
        """When the current segment's first model sample is heard, in delivered seconds of the utterance.

        A mark at ``t`` model seconds into the segment is heard at ``segment_start_s + t * time_scale``. It may be
        negative, and moves back while leading silence is cut: read it after the push that brought the mark.
        """
        return self._joiner.origin / self._native_rate * self.time_scale

    def begin(self) -> bytes:
        """Return the container's header (may be empty)."""
        return self._encoder.begin(self._total)

    def push(self, samples: Samples, *, new_segment: bool = False) -> tuple[bytes, int]:
        """Take model samples, float32 (n,), any n; ``new_segment``: they begin a new segment.

        Returns bytes (maybe none yet) and the number of delivered samples they stand for. Raises ``ModelFailed`` for
        what is not mono audio. NaN and infinity become silence.
        """
        return self._encode(self._through(self._joiner.push(_as_samples(samples), new_segment=new_segment)))

    def pause(self, seconds: float) -> tuple[bytes, int]:
        """End the segment and add silence, heard for ``seconds`` (0 to ``MAX_PAUSE_S``) and never trimmed."""
        if not 0.0 <= seconds <= MAX_PAUSE_S:
            raise InvalidRequest(f"A pause of {seconds} s is out of range; choose 0 to {MAX_PAUSE_S:g}.")
        samples = round(seconds / self.time_scale * self._native_rate)
        return self._encode(self._through(self._joiner.pause(samples)))

    def finish(self) -> tuple[bytes, int]:
        """Return everything still held, the trailer, and the samples not yet accounted for; then free all."""
        samples = self._joiner.finish()
        for stage in self._stages:
            samples = np.concatenate((stage.push(samples), stage.flush()))
        data = self._encoder.encode(samples) + self._encoder.finish()
        said, self._unsaid = self._unsaid + len(samples), 0
        return data, said

    def close(self) -> None:
        """Free codecs and filters, finished or not; a second call does nothing."""
        self._encoder.close()
        self._stretch.close()

    def _through(self, samples: Samples) -> Samples:
        for stage in self._stages:
            samples = stage.push(samples)
        return samples

    def _encode(self, samples: Samples) -> tuple[bytes, int]:
        """Encode; samples that gave no bytes yet are counted with the next bytes."""
        data = self._encoder.encode(samples)
        self._unsaid += len(samples)
        if not data:
            return data, 0
        said, self._unsaid = self._unsaid, 0
        return data, said


def _as_samples(samples: Samples) -> Samples:
    array = np.asarray(samples)
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        raise ModelFailed(f"The model gave {array.dtype} of shape {array.shape}; mono float samples were expected.")
    return sanitize(array.astype(np.float32, copy=False))
