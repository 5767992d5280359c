"""What a client of OpenAI's Realtime API can do."""

from __future__ import annotations

from syrinx.protocols.base import Abilities, Interruption, Times, Together
from syrinx.protocols.openai_realtime.settings import CONTAINERS

ABILITIES = (
    Abilities(
        "OpenAI Realtime",
        "openai-realtime",
        "WS /v1/realtime",
        tuple(CONTAINERS.values()),
        together=Together.IN_TURN,
        interruption=Interruption.MESSAGE,
        tells_heard=True,
        times=Times.BESIDE,
    ),
)
