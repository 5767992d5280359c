"""What the desktop sidecar's socket tells of a job, as typed values."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syrinx.core.errors import InvalidRequest, SyrinxError

from .sidecar_refusals import error_of_envelope


@dataclass(frozen=True, slots=True)
class JobStarted:
    """The first event of a job."""

    job_id: str


@dataclass(frozen=True, slots=True)
class JobAudio:
    """The audio of one chunk of the text."""

    job_id: str
    seq: int
    """From 1, without gaps."""
    data: bytes
    """16-bit little-endian mono PCM."""
    sample_rate: int
    chunk_index: int
    """From 0."""
    start_char: int
    end_char: int
    """Half-open, in the text as it was sent."""

    @property
    def duration_s(self) -> float:
        return len(self.data) / 2 / self.sample_rate


@dataclass(frozen=True, slots=True)
class JobDone:
    """All of it was sent."""

    job_id: str


@dataclass(frozen=True, slots=True)
class JobCanceled:
    """It was canceled, or another job took its place. What is None, the server did not tell."""

    job_id: str
    heard: str | None = None
    """Its text as far as it was heard, as it was sent."""
    remaining: str | None = None
    """The rest of its text."""


@dataclass(frozen=True, slots=True)
class JobFailed:
    """It could not be spoken to its end."""

    job_id: str
    error: SyrinxError


JobEvent = JobStarted | JobAudio | JobDone | JobCanceled | JobFailed
TERMINAL = (JobDone, JobCanceled, JobFailed)
NAMES: Mapping[type, str] = {JobDone: "JOB_DONE", JobCanceled: "JOB_CANCELED", JobFailed: "JOB_ERROR"}
"""Of terminal events, on the wire."""


def parse_job_event(message: str | bytes) -> JobEvent:
    """Read one message of the server. Raises ``InvalidRequest`` (code ``bad_event``) if it is none of a job."""
    try:
        fields = json.loads(message)
        return _READERS[fields["type"]](fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise InvalidRequest(f"The server sent something that is no event: {error!r}.", code="bad_event") from None


def _audio(fields: Mapping[str, Any]) -> JobAudio:
    audio, place = fields["audio"], fields["text_range"]
    if audio["format"] != "pcm_s16le" or audio["channels"] != 1:
        raise ValueError(f"audio in {audio['format']}, {audio['channels']} channels")
    data = base64.b64decode(audio["data_base64"], validate=True)
    rate = int(audio["sample_rate"])
    if len(data) % 2 or rate <= 0:
        raise ValueError("audio that is no 16-bit PCM")
    start, end = int(place["start_char"]), int(place["end_char"])
    return JobAudio(str(fields["job_id"]), int(fields["seq"]), data, rate, int(place["chunk_index"]), start, end)


def _failed(fields: Mapping[str, Any]) -> JobFailed:
    return JobFailed(str(fields["job_id"]), error_of_envelope(fields["error"], "The job failed."))


_READERS = {
    "JOB_STARTED": lambda fields: JobStarted(str(fields["job_id"])),
    "AUDIO_CHUNK": _audio,
    "JOB_DONE": lambda fields: JobDone(str(fields["job_id"])),
    "JOB_CANCELED": lambda fields: JobCanceled(str(fields["job_id"]), fields.get("heard"), fields.get("remaining")),
    "JOB_ERROR": _failed,
}
