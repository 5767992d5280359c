"""What a client of the Realtime-style dialect can do."""

from __future__ import annotations

from syrinx.audio.encode import CONTAINERS
from syrinx.protocols.base import Abilities, Interruption, TextIn, Times, Together

ABILITIES = (
    Abilities(
        "Realtime-style",
        "realtime",
        "WS /v1/audio/speech/stream/ws",
        tuple(CONTAINERS),
        text=TextIn.PIECES,
        together=Together.IN_TURN,
        interruption=Interruption.MESSAGE,
        tells_heard=True,
        times=Times.WORDS,
    ),
)
