"""What to do when a worker has died: when to start the next, and which of its jobs to try again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from syrinx.core.errors import ModelFailed, SyrinxError, WorkerLost


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    first_delay_s: float = 0.5
    """Before the second restart in a row; the first is at once. Doubles from then on ..."""
    max_delay_s: float = 30.0
    """... up to this."""
    healthy_s: float = 60.0
    """After living this long the past is forgiven."""
    max_load_deaths: int = 5
    """So many deaths in a row before it was ready, and it is given up."""


class Restarts:
    """The record of one worker's lives."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._deaths = 0
        self._load_deaths = 0

    def died(self, now: float, ready_at: float | None) -> float | None:
        """Count a death; return the seconds to wait before the next start, or None to give up.

        ``ready_at`` is when this life became ready, None if it never did.
        """
        if ready_at is None:
            self._load_deaths += 1
            if self._load_deaths >= self._policy.max_load_deaths:
                return None
        else:
            self._load_deaths = 0
            if now - ready_at >= self._policy.healthy_s:
                self._deaths = 0
        self._deaths += 1
        if self._deaths == 1:
            return 0.0
        doublings = min(self._deaths - 2, 32)  # more would only be cut off below
        return min(self._policy.first_delay_s * 2**doublings, self._policy.max_delay_s)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a job may be tried again, by what it was doing when its worker died."""

    bystander: int = 3
    """Not yet heard, and not being stepped."""
    suspect: int = 1
    """Being stepped: it may be what killed the worker."""
    heard: int = 2
    """Heard already, on a model that can repeat itself: resumed where the listener's side is."""


@dataclass(frozen=True, slots=True)
class Casualty:
    """A job whose worker died."""

    suspect: bool
    """It was being stepped."""
    suspected: int
    """Deaths before this one in which it was being stepped."""
    retries: int
    heard: bool
    repeatable: bool
    """``ModelInfo.repeatable``."""


def reason_to_fail(job: Casualty, cause: str, policy: RetryPolicy) -> SyrinxError | None:
    """Return why the job must not be tried again, or None: it is to be. ``cause`` says how the worker died."""
    if job.suspect and job.suspected >= policy.suspect:
        kind = WorkerLost if job.heard else ModelFailed
        return kind(f"The model's process died {job.suspected + 1} times while speaking this text. {cause}")
    if job.heard and not job.repeatable:
        return WorkerLost(f"The model's process was lost in mid-speech. {cause}")
    if job.retries >= (policy.heard if job.heard else policy.bystander):
        return WorkerLost(f"The model's process was lost {job.retries + 1} times during this text. {cause}")
    return None
