"""Pipecat's services that ask for each sentence over HTTP: OpenAI's and Piper's. Runs in ``.frameworks``.

python pipecat_http.py openai|piper http://127.0.0.1:8000 VOICE; prints what ``talk`` gave as JSON.
"""

from __future__ import annotations

import sys
from typing import Any

import aiohttp
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.services.piper.tts import PiperHttpTTSService
from pipecat_talk import RATE, print_what_came, talk


async def openai(url: str, voice: str) -> dict[str, Any]:
    settings = OpenAITTSService.Settings(voice=voice)
    tts = OpenAITTSService(api_key="any", base_url=f"{url}/v1", sample_rate=RATE, settings=settings)
    return await talk(tts)


async def piper(url: str, voice: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        settings = PiperHttpTTSService.Settings(voice=voice)
        tts = PiperHttpTTSService(base_url=url, aiohttp_session=session, sample_rate=RATE, settings=settings)
        return await talk(tts)


SERVICES = {"openai": openai, "piper": piper}


async def main(service: str, url: str, voice: str) -> dict[str, Any]:
    return await SERVICES[service](url, voice)


if __name__ == "__main__":
    print_what_came(main(*sys.argv[1:]))
