"""What a client of Cartesia's API can do."""

from __future__ import annotations

from syrinx.protocols.base import Abilities, Interruption, TextIn, Times, Together
from syrinx.protocols.cartesia.speech import ENCODINGS, WAV_ENCODINGS

RAW = tuple(ENCODINGS.values())

ABILITIES = (
    Abilities(
        "Cartesia",
        "cartesia",
        "WS /tts/websocket",
        RAW,
        text=TextIn.PIECES,
        together=Together.SIDE_BY_SIDE,
        interruption=Interruption.MESSAGE,
        tells_heard=True,
        times=Times.WORDS,
    ),
    Abilities("Cartesia over HTTP", "cartesia", "POST /tts/bytes", (*RAW, *WAV_ENCODINGS.values(), "mp3")),
    Abilities("Cartesia, server-sent events", "cartesia", "POST /tts/sse", RAW, times=Times.WORDS),
)
