"""What is kept of an utterance: every figure of its record, and who asked only by a key's fingerprint."""

from __future__ import annotations

import dataclasses

import pytest

from syrinx.engine.record import Observers, UtteranceRecord
from syrinx.server.job_log import JobLog, job_row
from syrinx.store.rows import JobRow

RECORD = UtteranceRecord(
    utterance_id="utt",
    protocol="openai",
    model="espeak",
    outcome="completed",
    ttfa_s=0.1,
    audible_ttfa_s=0.2,
    queue_s=0.3,
    wall_s=0.4,
    audio_s=0.5,
    audio_bytes=6,
    underruns=7,
    underrun_s=0.8,
    cancel_to_idle_s=0.9,
    owner="key-0123abcd",
    cached=True,
)


class Kept:
    def __init__(self) -> None:
        self.rows: list[JobRow] = []

    def add_job(self, row: JobRow) -> None:
        self.rows.append(row)


def test_every_field_of_the_record_is_kept_with_the_time() -> None:
    row = job_row(RECORD, 1234.5)
    assert dataclasses.asdict(row) == {**dataclasses.asdict(RECORD), "ended_at": 1234.5}


@pytest.mark.parametrize("owner", ["", "127.0.0.1", "2001:db8::1", "local"])
def test_an_address_is_not_kept(owner: str) -> None:
    assert job_row(dataclasses.replace(RECORD, owner=owner), 0.0).owner == ""


def test_an_observer_hands_its_rows_over_beside_others() -> None:
    kept, also = Kept(), Kept()
    Observers(JobLog(kept, lambda: 1.0), JobLog(also, lambda: 2.0)).utterance_ended(RECORD)
    assert [row.ended_at for row in kept.rows + also.rows] == [1.0, 2.0]
