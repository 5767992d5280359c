"""The number that an utterance's noise is drawn from."""

from __future__ import annotations

import zlib

from syrinx.core.types import SynthesisJob


def seed_of(job: SynthesisJob) -> int:
    """The job's seed; where it has none, one of its own that is the same when the job is repeated after a crash."""
    if job.seed is not None:
        return job.seed
    return zlib.crc32(f"{job.utterance_id} {job.segment_index} {job.text}".encode("utf-8", "replace"))
