"""Pipecat's Deepgram services, unmodified, in a pipeline in ``.frameworks``: that of the socket, and that of HTTP.

python pipecat_deepgram.py socket|http URL VOICE; prints what ``talk`` gave as JSON.
"""

from __future__ import annotations

import sys
from typing import Any

import aiohttp
from pipecat.services.deepgram.tts import DeepgramHttpTTSService, DeepgramTTSService
from pipecat_talk import RATE, print_what_came, talk


async def socket(url: str, voice: str) -> dict[str, Any]:
    settings = DeepgramTTSService.Settings(voice=voice, speed=1.0)
    return await talk(DeepgramTTSService(api_key="any", base_url=url, sample_rate=RATE, settings=settings))


async def http(url: str, voice: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        settings = DeepgramHttpTTSService.Settings(voice=voice)
        tts = DeepgramHttpTTSService(
            api_key="any", base_url=url, aiohttp_session=session, sample_rate=RATE, settings=settings
        )
        return await talk(tts)


SERVICES = {"socket": socket, "http": http}


async def main(service: str, url: str, voice: str) -> dict[str, Any]:
    return await SERVICES[service](url, voice)


if __name__ == "__main__":
    print_what_came(main(*sys.argv[1:]))
