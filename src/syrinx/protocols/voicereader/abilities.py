"""What a client of the desktop sidecar can do."""

from __future__ import annotations

from syrinx.protocols.base import Abilities, Interruption

ABILITIES = (
    Abilities(
        "Desktop sidecar",
        "voicereader",
        "POST /v1/speak",
        ("pcm_s16le",),
        interruption=Interruption.MESSAGE,
        tells_heard=True,
    ),
)
