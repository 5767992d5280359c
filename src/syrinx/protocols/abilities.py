"""What clients can do in each protocol; ``python -m syrinx.cli.protocols_table`` makes a page of it."""

from __future__ import annotations

from syrinx.protocols.base import Abilities, Interruption, Together
from syrinx.protocols.cartesia.abilities import ABILITIES as CARTESIA
from syrinx.protocols.chatterbox.abilities import ABILITIES as CHATTERBOX
from syrinx.protocols.deepgram.abilities import ABILITIES as DEEPGRAM
from syrinx.protocols.elevenlabs.abilities import ABILITIES as ELEVENLABS
from syrinx.protocols.openai.abilities import ABILITIES as OPENAI
from syrinx.protocols.openai_realtime.abilities import ABILITIES as OPENAI_REALTIME
from syrinx.protocols.realtime.abilities import ABILITIES as REALTIME
from syrinx.protocols.voicereader.abilities import ABILITIES as VOICEREADER
from syrinx.protocols.wyoming.abilities import ABILITIES as WYOMING

ORPHEUS = (
    Abilities(
        "Orpheus and Veena",
        "orpheus",
        "WS /v1/audio/speech/stream/ws",
        ("pcm_s16le",),
        together=Together.IN_TURN,
        interruption=Interruption.MESSAGE,
        tells_heard=True,
    ),
    Abilities("Orpheus over HTTP", "orpheus", "POST /v1/audio/speech/stream", ("pcm_s16le",)),
)
PIPER = (Abilities("Piper HTTP", "piper", "POST /", ("wav",)),)

EVERY: tuple[Abilities, ...] = (
    *REALTIME,
    *OPENAI_REALTIME,
    *ELEVENLABS,
    *CARTESIA,
    *DEEPGRAM,
    *OPENAI,
    *CHATTERBOX,
    *ORPHEUS,
    *VOICEREADER,
    *WYOMING,
    *PIPER,
)
