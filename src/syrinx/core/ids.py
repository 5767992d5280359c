"""Identifiers: short, unguessable, and telling their kind by a prefix."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 16 random lower-case hex digits (64 bits), e.g. ``utt_9f2c51d07be4a863``."""
    return f"{prefix}_{secrets.token_hex(8)}"
