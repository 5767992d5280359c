"""An utterance's record as the row that is kept of it: who asked is kept only where it is a key's fingerprint."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from syrinx.engine.record import UtteranceRecord
from syrinx.store.rows import JobRow

FINGERPRINT = "key-"
"""How fingerprints of keys begin (``server.auth``); an owner that does not is an address, which is not kept."""


class Rows(Protocol):
    """Where rows go (``store.recorder.Recorder``)."""

    def add_job(self, row: JobRow) -> None: ...


class JobLog:
    """Implements ``engine.record.Observer``."""

    def __init__(self, rows: Rows, wall_clock: Callable[[], float] = time.time) -> None:
        self._rows = rows
        self._wall_clock = wall_clock

    def utterance_ended(self, record: UtteranceRecord) -> None:
        """Hand the row over; it is written elsewhere."""
        self._rows.add_job(job_row(record, self._wall_clock()))


def job_row(record: UtteranceRecord, ended_at: float) -> JobRow:
    """What is kept of an utterance that ended at this Unix time."""
    return JobRow(
        ended_at=ended_at,
        utterance_id=record.utterance_id,
        protocol=record.protocol,
        model=record.model,
        outcome=record.outcome,
        owner=record.owner if record.owner.startswith(FINGERPRINT) else "",
        cached=record.cached,
        ttfa_s=record.ttfa_s,
        audible_ttfa_s=record.audible_ttfa_s,
        queue_s=record.queue_s,
        wall_s=record.wall_s,
        audio_s=record.audio_s,
        audio_bytes=record.audio_bytes,
        underruns=record.underruns,
        underrun_s=record.underrun_s,
        cancel_to_idle_s=record.cancel_to_idle_s,
    )
