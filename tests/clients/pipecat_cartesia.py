"""Pipecat's Cartesia service. Runs in ``.frameworks``.

python pipecat_cartesia.py ws://127.0.0.1:8000 [VOICE]; prints what ``talk`` gave as JSON.
"""

from __future__ import annotations

import sys
from typing import Any

from pipecat.services.cartesia.tts import CartesiaTTSService
from pipecat_talk import RATE, print_what_came, talk


async def main(url: str, voice: str = "86e30c1d-714b-4074-a1f2-1cb6b552fb49") -> dict[str, Any]:
    settings = CartesiaTTSService.Settings(voice=voice)
    return await talk(
        CartesiaTTSService(api_key="any", url=f"{url}/tts/websocket", sample_rate=RATE, settings=settings)
    )


if __name__ == "__main__":
    print_what_came(main(*sys.argv[1:]))
