"""One listener's play-head and the jobs that it will hear, as the step loop keeps them. Pure."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field, replace

from syrinx.core.types import ServiceClass, SynthesisJob

from .headstart import Held
from .host import JobTerms
from .messages import Output
from .schedule import Candidate

REST_SHARE = 0.25
"""A job at its lead rests until this share of it was heard, and then makes that much at once: a few long messages cost
every stage after it far less than many short ones."""
LONGEST_REST_S = 1.0


@dataclass(slots=True)
class RunningJob:
    """A job that is open in the backend, and how far it is."""

    job: SynthesisJob
    terms: JobTerms
    order: int
    arrived_at: float
    credit_s: float
    """Seconds that may be sent; a chunk may overdraw it."""
    budget_s: float
    """Most seconds it may make (``runaway``)."""
    skip_samples: int = 0
    skip_marks: int = 0
    alone: bool = False
    made_s: float = 0.0
    """Audio made, sent or skipped."""
    silent_s: float = 0.0
    """Stepping time since the last audio."""
    sent: bool = False
    """Some of its audio went out."""
    expected_s: float = 0.0
    """How long it usually takes to say, in seconds of model audio."""
    stepped: bool = False
    held: list[Output] = field(default_factory=list)
    """What was made and not sent, because the listener is to have a head start (``headstart``)."""
    held_s: float = 0.0
    """Audio in it."""
    held_since: float = 0.0
    chunk_s: float = 0.0
    """Audio that came with the last of it."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """A stream whose first audio went out after it was held, as it was then."""

    utterance: str
    at: float
    made_s: float
    """Audio of the utterance that was made."""
    speed: float
    """Seconds of audio per second that streams got."""


@dataclass(slots=True)
class Timeline:
    """Jobs of one listener in the order they are heard; only the first is made."""

    jobs: list[RunningJob] = field(default_factory=list)
    runs_dry_at: float = -math.inf
    """When all that was sent will have been heard; -inf: nothing was sent yet."""
    utterance: str = ""
    """The one that audio was last sent of."""
    utterance_dry_at: float = -math.inf
    """When all that was sent of it would have been heard, had it been heard from its first sample on."""
    resting: bool = False
    """It reached its lead and now waits until a good part of it was heard."""
    spoken: str = ""
    """The utterance that ``spoken_s`` and ``promised_s`` are of."""
    spoken_s: float = 0.0
    """Audio of those of its jobs that spoke to their end."""
    promised_s: float = 0.0
    """What was expected of them."""
    let_go: LetGo | None = None
    """How the last stream began that was hardly faster than it is heard."""

    def add(self, job: RunningJob) -> None:
        """Put the job in its place by ``order``."""
        bisect.insort(self.jobs, job, key=lambda other: other.order)

    def remove(self, job: RunningJob) -> None:
        self.jobs.remove(job)

    def spoke(self, job: RunningJob) -> None:
        """The job spoke to its end."""
        if job.job.utterance_id != self.spoken:
            self.spoken, self.spoken_s, self.promised_s = job.job.utterance_id, 0.0, 0.0
        self.spoken_s += job.made_s
        self.promised_s += job.expected_s

    def made_s(self, job: RunningJob) -> float:
        """Audio of the job's utterance that was made, in the job and in those that ended before it."""
        return job.made_s + (self.spoken_s if self.spoken == job.job.utterance_id else 0.0)

    def after(self, job: RunningJob) -> RunningJob | None:
        """The next job of the same utterance, where it is here already."""
        at = self.jobs.index(job) + 1
        following = self.jobs[at] if at < len(self.jobs) else None
        return following if following is not None and following.job.utterance_id == job.job.utterance_id else None

    def forget_audio(self) -> None:
        """What was sent will not be heard (a cancel dropped it): the listener waits anew."""
        self.runs_dry_at = -math.inf

    def begins(self, job: RunningJob, now: float) -> bool:
        """Whether nothing of the job's utterance was heard yet and the listener waits for it in silence."""
        fresh = not job.sent and job.job.utterance_id != self.utterance
        return fresh and self.runs_dry_at <= now and job.terms.service_class is not ServiceClass.BULK

    def held(self, job: RunningJob, now: float) -> Held:
        """What ``headstart`` decides by. Where the end of the utterance is not known, neither is its length."""
        rate = job.terms.playback_rate
        parts = [other for other in self.jobs if other.job.utterance_id == job.job.utterance_id]
        known = any(other.job.is_last for other in parts)
        expected_s = sum(other.expected_s for other in parts) if known else math.inf
        expected_s += self.promised_s if self.spoken == job.job.utterance_id else 0.0
        waited_s = now - job.held_since
        return Held(job.held_s / rate, expected_s / rate, waited_s, job.chunk_s / rate, fresh=waited_s == 0)

    def resume(self, job: RunningJob, now: float, lead_s: float) -> None:
        """The listener began to hear the job on another worker, and has ``lead_s`` seconds of it to come."""
        self.runs_dry_at = max(self.runs_dry_at, now + lead_s)
        self.utterance, self.utterance_dry_at = job.job.utterance_id, -math.inf

    def sent(self, job: RunningJob, now: float, audio_s: float) -> None:
        """Count audio that went out for ``job``; a player that ran dry begins again with it."""
        heard_s = audio_s / job.terms.playback_rate
        self.runs_dry_at = max(self.runs_dry_at, now) + heard_s
        if job.job.utterance_id != self.utterance:
            self.utterance, self.utterance_dry_at = job.job.utterance_id, now
        self.utterance_dry_at = max(self.utterance_dry_at, now) + heard_s
        self.resting = self.utterance_dry_at - now >= _lead_s(job)
        job.sent = True

    def paced(self, job: RunningJob, playback_rate: float, now: float) -> None:
        """The listener hears the job at another rate from now on.

        What was sent and not heard may be played sooner, and runs dry sooner; that it lasts longer is not counted on,
        because part of it is at the client already."""
        sooner = min(1.0, job.terms.playback_rate / playback_rate)
        job.terms = replace(job.terms, playback_rate=playback_rate)
        if self.jobs[0] is job:
            self.runs_dry_at = min(self.runs_dry_at, now + (self.runs_dry_at - now) * sooner)
            self.utterance_dry_at = min(self.utterance_dry_at, now + (self.utterance_dry_at - now) * sooner)

    def candidate(self) -> Candidate | None:
        """Return what of this timeline could step, or None: no job, or the reader must read first.

        Depends on no time that passes, so it holds until a job, a credit or audio changes it.
        """
        if not self.jobs or self.jobs[0].credit_s <= 0:
            return None
        job, terms = self.jobs[0], self.jobs[0].terms
        playing = job.sent or self.runs_dry_at >= job.arrived_at
        due = self.runs_dry_at if playing else job.arrived_at - terms.waited_s + terms.target_ttfa_s
        due += job.held_s / terms.playback_rate  # who has some of a head start waits for those who have nothing yet
        return Candidate(
            job_id=job.job.job_id,
            owner=terms.owner,
            order=job.order,
            service_class=terms.service_class,
            due=math.inf if terms.service_class is ServiceClass.BULK else due,
            heard=playing,
            ready_at=self._lead_allows_at(job),
            alone=job.alone,
        )

    def _lead_allows_at(self, job: RunningJob) -> float:
        """When the job may make more. The lead is an utterance's own: a client that asks for one after the other
        without playing any is not held to real time, and what a barge-in can waste stays bounded all the same."""
        if job.job.utterance_id != self.utterance:
            return -math.inf
        lead_s = _lead_s(job)
        return self.utterance_dry_at - (lead_s - min(REST_SHARE * lead_s, LONGEST_REST_S) if self.resting else lead_s)


def _lead_s(job: RunningJob) -> float:
    """The most that may be unheard, in seconds of the listener's time."""
    return job.terms.max_lead_s / job.terms.playback_rate
