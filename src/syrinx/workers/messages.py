"""What server and worker say to each other. Frozen values; the framing is in ``wire``.

``Hello``, then ``Load``, then ``Ready`` or ``LoadFailed``; from there on jobs. ``docs/workers.md`` has the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from syrinx.core.types import Mark, SynthesisJob
from syrinx.models.base import ModelInfo

from .faults import Fault
from .headstart import HeadStartPolicy
from .host import JobTerms
from .runaway import RunawayPolicy
from .schedule import SchedulePolicy


class Message(msgspec.Struct, frozen=True, array_like=True):
    """A row of fields, led by the tag of its kind."""


# --- server to worker -----------------------------------------------------------------------------------------------


class Load(Message, frozen=True, array_like=True, tag="load"):
    """Bring this backend into memory. The first message of the server, once the worker has shown its secret."""

    backend: str
    """A model's name, or ``"module:callable"`` that takes ``options`` and returns a ``Backend``."""
    options: Mapping[str, Any]
    schedule: SchedulePolicy = SchedulePolicy()
    """``max_batch`` is replaced by the model's own."""
    runaway: RunawayPolicy = RunawayPolicy()
    head_start: HeadStartPolicy = HeadStartPolicy()
    deadman_s: float = 600.0
    """If not even the heartbeat thread ran for this long (C code that never lets go of the interpreter), the kernel
    ends the process: should the server be dead too, nobody else would. Longer than any import of a model library."""


class Submit(Message, frozen=True, array_like=True, tag="submit"):
    """A job, and how far it had come on a worker that died."""

    job: SynthesisJob
    terms: JobTerms
    order: int
    """Rises over all jobs of a model; jobs of a timeline are made in this order even if they come in another."""
    credit_s: float
    """Seconds of audio that may be sent before more is granted."""
    skip_samples: int = 0
    """The listener's side has these already: make them, but send what comes after."""
    skip_marks: int = 0
    lead_s: float = 0.0
    """The listener's side has audio for this long to come (only where ``skip_samples`` is not 0)."""
    alone: bool = False
    """Step it alone until it has passed ``skip_samples``: it was being stepped when a worker died."""


class Cancel(Message, frozen=True, array_like=True, tag="cancel"):
    """Stop the job before the next step. Always answered by ``Idle``."""

    job_id: str


class Credit(Message, frozen=True, array_like=True, tag="credit"):
    """The reader took audio: so many more seconds may be sent."""

    job_id: str
    seconds: float


class Pace(Message, frozen=True, array_like=True, tag="pace"):
    """The listener hears the job faster or slower from now on (``JobTerms.playback_rate``)."""

    job_id: str
    playback_rate: float


class PrepareVoice(Message, frozen=True, array_like=True, tag="prepare"):
    """Derive a voice prompt of a reference clip, before the next step. Answered by ``VoicePrepared``."""

    ticket: str
    samples: memoryview
    """float32, mono, native byte order, as bytes."""
    sample_rate: int
    text: str = ""
    language: str = ""


class Shutdown(Message, frozen=True, array_like=True, tag="shutdown"):
    """Unload and exit."""


ToWorker = Load | Submit | Cancel | Credit | Pace | PrepareVoice | Shutdown

# --- worker to server -----------------------------------------------------------------------------------------------


class Hello(Message, frozen=True, array_like=True, tag="hello"):
    """The first message on a connection."""

    secret: str
    pid: int


class Ready(Message, frozen=True, array_like=True, tag="ready"):
    """Loaded and warmed up."""

    info: ModelInfo
    load_s: float


class LoadFailed(Message, frozen=True, array_like=True, tag="load_failed"):
    """It cannot be loaded, and trying again will not help by itself. The process ends after this."""

    fault: Fault


class Output(Message, frozen=True, array_like=True, tag="output"):
    """Audio of a job, its end, or both. Nothing of the job follows ``done``."""

    job_id: str
    samples: memoryview | None = None
    """float32, mono, native byte order (both ends are one machine, or of one kind), as bytes."""
    sample_rate: int = 0
    marks: tuple[Mark, ...] = ()
    done: bool = False
    fault: Fault | None = None
    """Why it ended early; implies ``done``."""


class Idle(Message, frozen=True, array_like=True, tag="idle"):
    """The canceled job is closed: the model no longer works on it."""

    job_id: str


class VoicePrepared(Message, frozen=True, array_like=True, tag="prepared"):
    """A piece of a voice prompt's file, its end, or both. Nothing of the ticket follows ``done``."""

    ticket: str
    data: memoryview | None = None
    done: bool = False
    fault: Fault | None = None
    """Why there is none; implies ``done``."""


class Measured(Message, frozen=True, array_like=True, tag="measured"):
    """What steps cost (``meter.StepCost``)."""

    base: float
    per_row: float


class Heartbeat(Message, frozen=True, array_like=True, tag="beat"):
    """The process lives."""

    step_s: float | None
    """Age of the step (or open, or close) that is running; None: the model is not at work."""
    preparing: bool = False
    """It is no step, but a voice that is prepared."""


FromWorker = Hello | Ready | LoadFailed | Output | Idle | VoicePrepared | Measured | Heartbeat
