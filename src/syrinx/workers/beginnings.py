"""Streams of a step loop that are about to begin: their audio is kept until ``headstart`` lets it go. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .headstart import HeadStartPolicy, may_start
from .lengths import LengthDoubt
from .messages import Output
from .meter import Speed, SpeedBySize
from .schedule import Pick
from .slowing import SpeedDoubt
from .timeline import LetGo, RunningJob, Timeline


class Beginnings:
    """Jobs of which audio was made and nothing sent, and how fast the model is just now."""

    def __init__(self, policy: HeadStartPolicy) -> None:
        self._policy = policy
        self._speeds = SpeedBySize()
        self.lengths = LengthDoubt(policy.length_doubt)
        self.slowing = SpeedDoubt(policy.speed_doubt)
        self._jobs: dict[str, RunningJob] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def keep(self, job: RunningJob, outputs: Sequence[Output], audio_s: float, now: float) -> None:
        """Hold ``outputs``, with ``audio_s`` seconds of audio, back behind what is held of the job."""
        if job.job.job_id not in self._jobs:
            self._jobs[job.job.job_id] = job
            job.held_since = now
        job.held += outputs
        job.held_s += audio_s
        job.chunk_s = audio_s

    def release(self, job: RunningJob) -> tuple[list[Output], float]:
        """Return what was held of the job, and the seconds of audio in it; nothing is from now on."""
        self._jobs.pop(job.job.job_id, None)
        outputs, audio_s = job.held, job.held_s
        job.held, job.held_s = [], 0.0
        return outputs, audio_s

    def forget(self, job_id: str) -> RunningJob | None:
        """Nothing of that job goes out any more; return the one it would have gone out with, if any."""
        for job in self._jobs.values():
            left = [output for output in job.held if output.job_id != job_id]
            if len(left) < len(job.held):
                job.held, job.held_s = left, sum(map(_seconds, left))
                return job
        return None

    def stepped(self, jobs: Sequence[RunningJob], step_s: float, audio_s: float) -> None:
        """Count a step of ``jobs`` (>= 1) that made ``audio_s`` in all."""
        self._speeds.stepped(step_s, len(jobs), audio_s, began=not all(job.stepped for job in jobs))
        for job in jobs:
            job.stepped = True

    def spoke(self, job: RunningJob, timeline: Timeline, now: float) -> None:
        """The job spoke to its end."""
        timeline.spoke(job)
        if not job.job.is_last:
            return
        self.lengths.heard(timeline.promised_s, timeline.spoken_s)
        begun = timeline.let_go
        if begun is not None and begun.utterance == job.job.utterance_id:
            self.slowing.heard(begun.speed, timeline.spoken_s - begun.made_s, now - begun.at)

    def carry(self, job: RunningJob, end: Output, following: RunningJob) -> None:
        """The job ends with that message and its listener waits on: what is held of it goes out with the next one's."""
        since, chunk_s = job.held_since, job.chunk_s
        outputs, audio_s = self.release(job)
        self.keep(following, [*outputs, end], audio_s, since)
        following.chunk_s = chunk_s
        following.arrived_at = job.arrived_at - job.terms.waited_s + following.terms.waited_s  # as urgent as before

    def due(self, picked: Pick, timelines: Mapping[str, Timeline], now: float) -> list[RunningJob]:
        """Return those whose audio goes out now. ``picked``: the last step; its batch is shared by all listeners."""
        if not self._jobs:
            return []
        rows = len(picked.job_ids)
        speed = self._speeds.of(rows).times(min(1.0, rows / max(1, picked.listeners)))
        policy = replace(self._policy, length_doubt=self.lengths.doubt, speed_doubt=self.slowing.doubt)
        due = [job for job in self._jobs.values() if _may_go(job, timelines[job.terms.timeline], now, speed, policy)]
        for job in due:
            if speed.least == speed.most and speed.most * policy.speed_doubt < job.terms.playback_rate:
                timeline = timelines[job.terms.timeline]
                timeline.let_go = LetGo(job.job.utterance_id, now, timeline.made_s(job), speed.most)
        return due


def _may_go(job: RunningJob, timeline: Timeline, now: float, speed: Speed, policy: HeadStartPolicy) -> bool:
    if job.credit_s <= 0 or job.held_s >= job.terms.max_lead_s:
        return True
    return may_start(timeline.held(job, now), speed.times(1 / job.terms.playback_rate), policy)


def _seconds(output: Output) -> float:
    return 0.0 if output.samples is None else output.samples.nbytes / 4 / output.sample_rate
