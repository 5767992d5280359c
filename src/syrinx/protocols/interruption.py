"""What clients say when they interrupt, and what they are told then: how far the listener is."""

from __future__ import annotations

from typing import Any

from syrinx.core.types import Finished, Interrupted
from syrinx.protocols.jsonwire import Fields, number

MAX_PLAYED_S = 1e9
"""More than anybody's lifetime of audio has; what is beyond was not counted but computed wrongly."""


def played_of(fields: Fields) -> float | None:
    """Return ``played_s``, the seconds of an utterance's audio that the client says to have played; None if absent.

    Raises ``InvalidRequest``."""
    return number(fields, "played_s", 0.0, MAX_PLAYED_S)


def heard_fields(event: Finished | Interrupted) -> dict[str, Any]:
    """What an interrupted utterance's last message says of its text."""
    return {"spoken_until": event.spoken_until, "heard": event.heard, "remaining": event.remaining}
