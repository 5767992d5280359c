"""What a client of OpenAI's speech API can do."""

from __future__ import annotations

from syrinx.audio.encode import CONTAINERS
from syrinx.protocols.base import Abilities

ABILITIES = (Abilities("OpenAI speech", "openai", "POST /v1/audio/speech", tuple(CONTAINERS)),)
