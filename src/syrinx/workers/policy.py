"""The knobs of a model's processes as data, and which backend they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .headstart import HeadStartPolicy
from .launch.process import ProcessSpec
from .recovery import RestartPolicy, RetryPolicy
from .runaway import RunawayPolicy
from .schedule import SchedulePolicy


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """What a worker loads."""

    backend: str
    """A name from ``models.registry``, or ``"module:callable"`` that takes the options and returns a ``Backend``."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Plain values that msgpack can carry."""


@dataclass(frozen=True, slots=True)
class SupervisorPolicy:
    workers: int = 1
    """Processes that share the model's jobs."""
    load_timeout_s: float = 600.0
    step_timeout_s: float = 30.0
    """A step longer than this is a hang."""
    prepare_timeout_s: float = 60.0
    """Preparing a voice longer than this is a hang. The model's jobs stand still meanwhile."""
    silence_margin_s: float = 2.0
    """Four heartbeats: a step may hold on to the interpreter for the whole step timeout, but a process that was not
    heard of for this much longer is hung as a whole."""
    stop_grace_s: float = 3.0
    """Time to unload before a worker is killed."""
    window_s: float = 10.0
    """Most audio of one job that waits for its reader; past it the job pauses."""
    max_jobs: int = 4096
    """Most jobs at once, waiting ones included."""
    schedule: SchedulePolicy = field(default_factory=SchedulePolicy)
    """``max_batch`` is replaced by the model's own."""
    runaway: RunawayPolicy = field(default_factory=RunawayPolicy)
    head_start: HeadStartPolicy = field(default_factory=HeadStartPolicy)
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    process: ProcessSpec = field(default_factory=ProcessSpec)
    """``processes`` is replaced by ``workers``."""
