"""What a client of Wyoming can do."""

from __future__ import annotations

from syrinx.protocols.base import Abilities, TextIn, Together

ABILITIES = (Abilities("Wyoming", "wyoming", "TCP", ("pcm_s16le",), text=TextIn.PIECES, together=Together.IN_TURN),)
