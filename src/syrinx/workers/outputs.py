"""What a step made of a job, as it is told to the server. Pure."""

from __future__ import annotations

import numpy as np

from syrinx.core.errors import ModelFailed
from syrinx.core.types import AudioChunk, Samples

from .messages import Output
from .timeline import RunningJob
from .wire import MAX_SAMPLES, audio_bytes


def checked(chunk: AudioChunk, sample_rate: int) -> Samples:
    """Return the samples as they must be. Raises ``ModelFailed`` for what is not audio at ``sample_rate`` (Hz)."""
    if chunk.sample_rate != sample_rate:
        raise ModelFailed(f"The model gave audio at {chunk.sample_rate} Hz, not at {sample_rate} Hz.")
    try:
        samples = np.ascontiguousarray(chunk.samples, np.float32)
    except (TypeError, ValueError) as error:
        raise ModelFailed(f"The model gave something that is not audio: {error}") from None
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise ModelFailed("The model gave something that is not audio: not mono, or not finite.")
    return samples


def outputs_of(running: RunningJob, samples: Samples, chunk: AudioChunk) -> tuple[list[Output], int]:
    """Return messages of all of a chunk but what the listener's side has from another worker already, and the number
    of samples in them. ``samples``: those of the chunk, checked. What is skipped is taken off the job's account."""
    marks = chunk.marks
    skipped = min(running.skip_marks, len(marks))
    running.skip_marks -= skipped
    marks = marks[skipped:]
    skipped = min(running.skip_samples, len(samples))
    running.skip_samples -= skipped
    samples = samples[skipped:]
    job_id = running.job.job_id
    if not len(samples):
        return ([Output(job_id, None, chunk.sample_rate, marks)] if marks else []), 0
    running.alone = False  # past the place where the worker died
    starts = range(0, len(samples), MAX_SAMPLES)
    return [
        Output(
            job_id,
            audio_bytes(samples[start : start + MAX_SAMPLES]),
            chunk.sample_rate,
            marks if start == 0 else (),
        )
        for start in starts
    ], len(samples)
