"""Pipecat's ElevenLabs service. Runs in ``.frameworks``.

python pipecat_elevenlabs.py ws://127.0.0.1:8000 VOICE; prints what ``talk`` gave as JSON.
"""

from __future__ import annotations

import sys
from typing import Any

from pipecat.services.elevenlabs.tts import ElevenLabsTTSService
from pipecat_talk import RATE, print_what_came, talk


async def main(url: str, voice: str) -> dict[str, Any]:
    settings = ElevenLabsTTSService.Settings(voice=voice, model="eleven_flash_v2_5")
    tts = ElevenLabsTTSService(api_key="any", url=url, sample_rate=RATE, settings=settings)
    return await talk(tts)


if __name__ == "__main__":
    print_what_came(main(*sys.argv[1:]))
