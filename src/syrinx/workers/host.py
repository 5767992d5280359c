"""What the engine sees of a model: submit a job, read its audio, stop it. Where and how it runs is hidden behind this.

``supervisor.Supervisor`` implements it with worker processes; tests use an in-process fake.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Protocol

from syrinx.core.types import AudioChunk, ServiceClass, SynthesisJob
from syrinx.models.base import ModelInfo, ReferenceClip

from .meter import StepCost


class HostState(enum.Enum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    """It could not be loaded, or crashed too often; ``HostStatus.detail`` says why."""


@dataclass(frozen=True, slots=True)
class JobTerms:
    """How a job is scheduled; travels with it to the worker."""

    timeline: str
    """Jobs of one timeline are heard one after the other by one listener, and are made in the order submitted."""
    owner: str = ""
    """Whose job it is, for fairness (a key's or a client's name)."""
    service_class: ServiceClass = ServiceClass.INTERACTIVE
    waited_s: float = 0.0
    """Time since the listener asked, counted towards ``target_ttfa_s``."""
    target_ttfa_s: float = 0.2
    playback_rate: float = 1.0
    """Seconds of model audio heard per second of time (the speed that is applied after the model)."""
    max_lead_s: float = math.inf
    """Make no more than this much model audio ahead of the play-head."""
    cache: bool | None = None
    """``SpeechRequest.cache``."""


@dataclass(frozen=True, slots=True)
class HostLoad:
    """What is measured of a running model, for admission."""

    cost: StepCost | None
    """What a process's steps cost (moving average); None: nothing measured yet."""
    max_batch: int
    """Most jobs that a process advances together."""
    workers: int = 1
    """Processes of this model that are ready."""

    def listeners(self, slowest: float = 1.0) -> int | None:
        """How many are kept gapless by all processes; None: nothing measured yet. ``slowest``: as in ``StepCost``."""
        return None if self.cost is None else self.cost.listeners(self.max_batch, slowest) * self.workers


@dataclass(frozen=True, slots=True)
class HostStatus:
    state: HostState
    detail: str = ""
    restarts: int = 0
    running_jobs: int = 0


class Origin(enum.Enum):
    """How a job's audio came about."""

    MODEL = "model"
    """Made for it, in one run."""
    RESUMED = "resumed"
    """Made for it by more than one worker: the one before died in mid-air."""
    CACHE = "cache"
    """Made for another job that asked for the same, earlier or just now."""


class JobStream(Protocol):
    """One job's audio as it is made. Reading grants the worker leave to make more."""

    @property
    def origin(self) -> Origin:
        """Settled once all was read."""
        ...

    async def read(self, least_s: float = 0.0, patience_s: float = 0.0) -> list[AudioChunk]:
        """Wait for audio; return every chunk that is there, or ``[]`` once the job has ended.

        A reader with time to spare may wait for ``least_s`` seconds of audio at once, for at most ``patience_s`` (then
        it gets the next chunk as usual).
        Raises ``ModelFailed`` (or its kinds), ``ModelNotReady`` or ``InvalidRequest`` where the job could not be done.
        """
        ...

    def pace(self, playback_rate: float) -> None:
        """From now on it is heard at another rate (``JobTerms.playback_rate``, > 0). Returns at once."""
        ...

    def cancel(self) -> None:
        """Stop the job within one step of the model. Returns at once; ``read`` gives ``[]`` from now on."""
        ...

    async def wait_idle(self) -> float | None:
        """After ``cancel``: wait until the model has stopped and return the seconds that took; None if it is lost."""
        ...


class ModelHost(Protocol):
    """A model that runs somewhere."""

    name: str

    @property
    def info(self) -> ModelInfo | None:
        """Known once the model was loaded for the first time."""
        ...

    @property
    def status(self) -> HostStatus: ...

    @property
    def load(self) -> HostLoad: ...

    async def start(self) -> None:
        """Begin loading; returns when ready. Raises ``ModelNotReady`` with the reason if it cannot be loaded."""
        ...

    def submit(self, job: SynthesisJob, terms: JobTerms) -> JobStream:
        """Hand over a job. Never blocks. Raises ``ModelNotReady`` when the model is stopped or has failed."""
        ...

    def keeps(self, job: SynthesisJob, terms: JobTerms) -> bool:
        """Whether the job's audio is there already: submitted now, it takes nothing of the model."""
        ...

    async def prepare_voice(self, clip: ReferenceClip) -> bytes:
        """Have the model derive a voice prompt; returns the file ``prompt.safetensors`` is made of.

        Raises ``InvalidRequest`` where the model cannot clone or refuses the clip, ``ModelNotReady``, ``ModelFailed``.
        """
        ...

    async def stop(self) -> None:
        """Stop the model; running jobs fail with ``WorkerLost``."""
        ...
