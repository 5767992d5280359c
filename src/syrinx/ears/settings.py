"""How an ear is set. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from syrinx.core.errors import InvalidRequest

MAX_MS = 60_000
"""Of padding and of silence: no turn of talk needs a minute of either."""


@dataclass(frozen=True, slots=True)
class EarSettings:
    """Defaults: OpenAI's ``server_vad`` (Realtime API reference, ``session.audio.input``).

    Raises ``InvalidRequest`` for what is out of range.
    """

    threshold: float = 0.5
    """Score from which it is speech, 0 to 1. Higher: needs clearer speech."""
    prefix_padding_ms: int = 300
    """How much before the speech belongs to the turn, 0 to ``MAX_MS``. Costs no time: it is only told."""
    silence_duration_ms: int = 500
    """How long the user is silent until a turn is over, 0 to ``MAX_MS``."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold <= 1.0:
            raise InvalidRequest("'threshold' must be 0 to 1.", param="threshold")
        for name in ("prefix_padding_ms", "silence_duration_ms"):
            if not 0 <= getattr(self, name) <= MAX_MS:
                raise InvalidRequest(f"'{name}' must be 0 to {MAX_MS}.", param=name)
