"""LiveKit's Deepgram TTS, unmodified, without a room: speaks, is interrupted, speaks again. Runs in ``.frameworks``.

python livekit_deepgram.py WS_URL HTTP_URL VOICE; prints what came out of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
from livekit.plugins import deepgram

RATE = 24_000
ENDLESS = "{{long 3000}} and more. "


async def seconds(stream: Any) -> float:
    return sum([event.frame.samples_per_channel async for event in stream]) / RATE


async def say(tts: deepgram.TTS, text: str) -> float:
    async with tts.stream() as stream:
        stream.push_text(text)
        stream.end_input()
        return await seconds(stream)


async def interrupt(tts: deepgram.TTS, *, whole: bool) -> int:
    """Give up an endless answer, whose text has all been sent or not; return the frames that were heard of it."""
    stream, heard = tts.stream(), 0
    stream.push_text(ENDLESS + "The next sentence begins, and goes on and on. And ")
    if whole:
        stream.end_input()
    async for _ in stream:
        heard += 1
        if heard == 3:
            break
    await stream.aclose()
    return heard


async def main(ws_url: str, http_url: str, voice: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        asking = deepgram.TTS(model=voice, base_url=f"{http_url}/v1/speak", api_key="any", http_session=session)
        async with asking.synthesize("Hello there.") as stream:
            whole_s = await seconds(stream)
        await asking.aclose()
        tts = deepgram.TTS(model=voice, base_url=f"{ws_url}/v1/speak", api_key="any", http_session=session)
        said_s = await say(tts, "Hello there. How are you, my friend?")
        interrupted = []
        for whole in (False, True):
            heard = await interrupt(tts, whole=whole)
            interrupted.append({"heard": heard, "fresh_s": await say(tts, "Still here.")})
        await tts.aclose()
        return {"whole_s": whole_s, "said_s": said_s, "interrupted": interrupted}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(*sys.argv[1:]))) + "\n")
