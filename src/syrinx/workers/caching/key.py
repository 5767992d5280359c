"""What two jobs must have in common to sound alike, as one number. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from syrinx.core.types import SynthesisJob
from syrinx.models.base import ModelInfo

_encoder = msgspec.msgpack.Encoder(order="deterministic")


def key_of(job: SynthesisJob, info: ModelInfo, model_options: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 (hexadecimal) of all that the job's sound depends on; None where that cannot be told.

    ``model_options``: what the model was loaded with. Ids of job and utterance and the segment's place are left out: a
    model whose sound depends on those says that it is ``sampled``. The text itself cannot be read back from it.
    """
    if job.prompt is not None and not job.prompt.digest:
        return None
    delivery = job.delivery
    meant = (
        (info.name, info.revision, info.sample_rate, dict(model_options)),
        (job.voice, job.prompt.digest if job.prompt is not None else None, job.language),
        (float(delivery.speed), float(delivery.pitch), float(delivery.volume)),
        (dict(job.options), job.seed, job.text),
    )
    try:
        return hashlib.sha256(_encoder.encode(meant)).hexdigest()
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None  # the worker's wire will refuse it, in its own words
