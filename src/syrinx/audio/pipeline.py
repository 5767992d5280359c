"""One utterance's sound, from the model's samples to the client's bytes, as one stateful chain.

Order: clean up, join segments, resample, speed and pitch, gain and limiter, encode.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from syrinx.core.errors import InvalidRequest, ModelFailed
from syrinx.core.types import AudioFormat, Delivery, Samples

from .delivery import check_residual
from .encode import container, create_encoder, output_rate
from .join import Joiner, JoinSpec
from .level import Volume, sanitize
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


def delivered_rate(spec: PipelineSpec) -> int:
    """Hertz delivered. Raises ``InvalidRequest`` (delivery) or ``UnsupportedFormat`` (container, rate)."""
    check_residual(spec.residual)
    return output_rate(spec.format, spec.native_rate)


class Stage(Protocol):
    """A step of the chain: samples in, samples out, now or later."""

    def push(self, samples: Samples) -> Samples: ...

    def flush(self) -> Samples: ...


class Pipeline:
    """``begin``, then ``push`` as audio comes, then ``finish``; ``close`` at any time. Not thread-safe.

    Where ``heavy``, call ``begin``, ``push`` and ``finish`` in a thread (one at a time); else the event loop may.
    Delivered samples = samples kept by the joiner x rate / native rate / speed, within 1 ms; with ``adjust``, the sum
    of the parts.
    """

    media_type: str
    sample_rate: int
    """Hertz delivered."""

    def __init__(self, spec: PipelineSpec) -> None:
        """Cheap: codecs and filters open at first use. Raises as ``delivered_rate`` does."""
        info, rate = container(spec.format.container), delivered_rate(spec)
        self.media_type = info.media_type
        self.sample_rate = rate
        self._cheap = info.cheap
        self._ratio = rate / spec.native_rate
        self._native_rate = spec.native_rate
        self._encoder = create_encoder(spec.format, rate, opus_application=spec.opus_application)
        self._total = spec.total_samples
        self._joiner = Joiner(spec.native_rate, spec.join)
        self._residual = spec.residual
        self._joined = 0
        """Samples that the joiner let go."""
        self._stretch = Stretch(rate, spec.residual.speed, spec.residual.pitch)
        self._volume = Volume(rate, spec.residual.volume)
        resampler = Resampler(spec.native_rate, rate, prompt=self.heavy)
        self._stages: tuple[Stage, ...] = (resampler, self._stretch, self._volume)
        self._unsaid = 0

    @property
    def heavy(self) -> bool:
        """Costs over 1 ms per second of audio; may become true with ``adjust``."""
        return not self._cheap or self._stretch.active

    def adjust(self, residual: Delivery) -> None:
        """Speak on otherwise: what the joiner holds back and all that is pushed next. Cheap, and not for two threads.

        Raises ``InvalidRequest``, and then nothing has changed.
        """
        if residual == self._residual:
            return
        check_residual(residual)
        self._residual = residual
        self._stretch.adjust(residual.speed, residual.pitch, self._joined * self._ratio)
        self._volume.adjust(residual.volume)

    def heard_at(self, job_s: float) -> float:
        """When that moment of the current segment is heard, in delivered seconds of the utterance.

        It may be negative, and moves back while leading silence is cut: ask after the push that brought the moment.
        What was not pushed yet is taken to be heard at the speed of now.
        """
        return self._stretch.out(self._joiner.origin * self._ratio + job_s * self.sample_rate) / self.sample_rate

    def begin(self) -> bytes:
        """Return the container's header (may be empty)."""
        return self._encoder.begin(self._total)

    def push(self, samples: Samples, *, new_segment: bool = False) -> tuple[bytes, int]:
        """Take model samples, float32 (n,), any n; ``new_segment``: they begin a new segment.

        Returns bytes (maybe none yet) and the number of delivered samples they stand for. Raises ``ModelFailed`` for
        what is not mono audio. NaN and infinity become silence.
        """
        kept = self._joiner.push(_as_samples(samples), new_segment=new_segment)
        if new_segment:
            self._stretch.forget(self._joiner.origin * self._ratio)
        return self._encode(self._through(kept))

    def pause(self, seconds: float) -> tuple[bytes, int]:
        """End the segment and add silence, heard for ``seconds`` (0 to ``MAX_PAUSE_S``) and never trimmed."""
        if not 0.0 <= seconds <= MAX_PAUSE_S:
            raise InvalidRequest(f"A pause of {seconds} s is out of range; choose 0 to {MAX_PAUSE_S:g}.")
        samples = round(seconds * self._residual.speed * self._native_rate)
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
        """Free the codec, finished or not; a second call does nothing."""
        self._encoder.close()

    def _through(self, samples: Samples) -> Samples:
        self._joined += len(samples)
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
