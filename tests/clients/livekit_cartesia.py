"""LiveKit's Cartesia TTS, unmodified, without a room: speaks, is interrupted, speaks again. Runs in ``.frameworks``.

python livekit_cartesia.py http://127.0.0.1:8000; prints what came out of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
from livekit.agents import APIError
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.plugins import cartesia

RATE = 24_000
ENDLESS = "{{long 3000}} and more. "


async def hear(stream: Any) -> dict[str, Any]:
    """All of it: seconds of audio, and the words with when they are heard."""
    samples, words = 0, []
    async for event in stream:
        samples += event.frame.samples_per_channel
        words += event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])
    return {
        "audio_s": samples / RATE,
        "words": [str(word) for word in words],
        "starts_s": [word.start_time for word in words],
    }


async def say(tts: cartesia.TTS, text: str) -> dict[str, Any]:
    async with tts.stream() as stream:
        stream.push_text(text)
        stream.end_input()
        return await hear(stream)


async def interrupt(tts: cartesia.TTS) -> int:
    """Give up an endless answer whose text is not at its end; return the frames that were heard of it."""
    stream, heard = tts.stream(), 0
    stream.push_text(ENDLESS + "The next sentence begins, and goes on and on, so that the one before is sent. And ")
    async for _ in stream:
        heard += 1
        if heard == 3:
            break
    await stream.aclose()
    return heard


async def fails(tts: cartesia.TTS) -> bool:
    """Whether an answer in a voice that there is not ends with an error."""
    try:
        await say(tts, "Hello there.")
    except APIError:
        return True
    return False


async def main(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        tts = cartesia.TTS(base_url=url, api_key="any", http_session=session)  # its own default voice
        async with tts.synthesize("Hello there.") as stream:
            whole = await hear(stream)
        said = await say(tts, "Hello there. How are you, my friend?")
        heard = await interrupt(tts)
        again = await say(tts, "Still here.")
        await tts.aclose()
        fast = cartesia.TTS(base_url=url, api_key="any", voice="sine", speed=1.5, http_session=session)
        faster = await say(fast, "Hello there. How are you, my friend?")
        await fast.aclose()
        nobody = cartesia.TTS(base_url=url, api_key="any", voice="nobody", http_session=session)
        failed = await fails(nobody)
        await nobody.aclose()
        return {
            "whole": whole,
            "said": said,
            "interrupted": [{"heard": heard, "fresh_s": again["audio_s"]}],
            "faster": faster,
            "failed": failed,
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(*sys.argv[1:]))) + "\n")
