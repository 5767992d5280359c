"""What a client of ElevenLabs' API can do."""

from __future__ import annotations

from syrinx.protocols.base import Abilities, Interruption, TextIn, Times, Together
from syrinx.protocols.elevenlabs.speech import CONTAINERS

SPEECH = "/v1/text-to-speech/{voice}"
FORMATS = tuple(CONTAINERS.values())

ABILITIES = (
    Abilities(
        "ElevenLabs, one text",
        "elevenlabs",
        f"WS {SPEECH}/stream-input",
        FORMATS,
        text=TextIn.PIECES,
        times=Times.CHARACTERS,
    ),
    Abilities(
        "ElevenLabs, contexts",
        "elevenlabs",
        f"WS {SPEECH}/multi-stream-input",
        FORMATS,
        text=TextIn.PIECES,
        together=Together.SIDE_BY_SIDE,
        interruption=Interruption.MESSAGE,
        tells_heard=True,
        times=Times.CHARACTERS,
    ),
    Abilities("ElevenLabs over HTTP", "elevenlabs", f"POST {SPEECH}/stream", FORMATS),
    Abilities(
        "ElevenLabs over HTTP, timed",
        "elevenlabs",
        f"POST {SPEECH}/stream/with-timestamps",
        FORMATS,
        times=Times.CHARACTERS,
    ),
)
