"""What a client of the Chatterbox dialect can do."""

from __future__ import annotations

from syrinx.audio.encode import CONTAINERS
from syrinx.protocols.base import Abilities, Interruption, Together

ABILITIES = (
    Abilities(
        "Chatterbox",
        "chatterbox",
        "WS /v1/stream/tts",
        ("pcm_f32le",),
        together=Together.IN_TURN,
        interruption=Interruption.MESSAGE,
        tells_heard=True,
    ),
    Abilities("Chatterbox over HTTP", "chatterbox", "POST /v1/synthesize", tuple(CONTAINERS)),
)
