"""Utterances that have ended, and the index of the response cache."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "utterances",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("ended_at", sa.Double, nullable=False),
        sa.Column("utterance_id", sa.String, nullable=False),
        sa.Column("protocol", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("cached", sa.Boolean, nullable=False),
        sa.Column("ttfa_s", sa.Double),
        sa.Column("audible_ttfa_s", sa.Double),
        sa.Column("queue_s", sa.Double, nullable=False),
        sa.Column("wall_s", sa.Double, nullable=False),
        sa.Column("audio_s", sa.Double, nullable=False),
        sa.Column("audio_bytes", sa.BigInteger, nullable=False),
        sa.Column("underruns", sa.Integer, nullable=False),
        sa.Column("underrun_s", sa.Double, nullable=False),
        sa.Column("cancel_to_idle_s", sa.Double),
    )
    op.create_index("ix_utterances_ended_at", "utterances", ["ended_at"])
    op.create_table(
        "cached_audio",
        sa.Column("place", sa.String, primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.Double, nullable=False),
        sa.Column("prompt", sa.String, nullable=False),
    )
