"""What a client of Deepgram's speak API can do."""

from __future__ import annotations

from syrinx.protocols.base import Abilities, Interruption, TextIn, Together
from syrinx.protocols.deepgram.speech import ENCODINGS, SOCKET_ENCODINGS

ABILITIES = (
    Abilities(
        "Deepgram",
        "deepgram",
        "WS /v1/speak",
        tuple(ENCODINGS[name].containers["none"] for name in SOCKET_ENCODINGS),
        text=TextIn.PIECES,
        together=Together.IN_TURN,
        interruption=Interruption.MESSAGE,
    ),
    Abilities(
        "Deepgram over HTTP",
        "deepgram",
        "POST /v1/speak",
        tuple(dict.fromkeys(name for encoding in ENCODINGS.values() for name in encoding.containers.values())),
    ),
)
