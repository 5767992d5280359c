"""The tables. ``migrations/`` makes them; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, MetaData, String, Table

metadata = MetaData()

LONG_ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself in an INTEGER key only, which holds 64 bits there."""

utterances = Table(
    "utterances",
    metadata,
    Column("id", LONG_ID, primary_key=True),
    Column("ended_at", Double, nullable=False),
    Column("utterance_id", String, nullable=False),
    Column("protocol", String, nullable=False),
    Column("model", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("cached", Boolean, nullable=False),
    Column("ttfa_s", Double),
    Column("audible_ttfa_s", Double),
    Column("queue_s", Double, nullable=False),
    Column("wall_s", Double, nullable=False),
    Column("audio_s", Double, nullable=False),
    Column("audio_bytes", BigInteger, nullable=False),
    Column("underruns", Integer, nullable=False),
    Column("underrun_s", Double, nullable=False),
    Column("cancel_to_idle_s", Double),
    Index("ix_utterances_ended_at", "ended_at"),
)
"""One row per utterance that has ended: the fields of ``rows.JobRow``."""

cached_audio = Table(
    "cached_audio",
    metadata,
    Column("place", String, primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("used_at", Double, nullable=False),
    Column("prompt", String, nullable=False),
)
"""What the response cache holds. ``place`` names the folder or bucket, since several may share a database."""
