"""Rows for the tests of the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from syrinx.store.rows import JobRow

ROW = JobRow(
    ended_at=1000.0,
    utterance_id="utt",
    protocol="openai",
    model="espeak",
    outcome="completed",
    owner="key-0123abcd",
    cached=False,
    ttfa_s=0.05,
    audible_ttfa_s=0.06,
    queue_s=0.0,
    wall_s=1.0,
    audio_s=4.0,
    audio_bytes=192_000,
    underruns=0,
    underrun_s=0.0,
    cancel_to_idle_s=None,
)


def job(**fields: Any) -> JobRow:
    return replace(ROW, **fields)
