"""LiveKit's ElevenLabs TTS, unmodified, without a room: speaks, is interrupted, speaks again. Runs in ``.frameworks``.

python livekit_elevenlabs.py http://127.0.0.1:8000 VOICE; prints what came out of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.plugins import elevenlabs

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


async def say(tts: elevenlabs.TTS, text: str) -> dict[str, Any]:
    async with tts.stream() as stream:
        stream.push_text(text)
        stream.end_input()
        return await hear(stream)


async def interrupt(tts: elevenlabs.TTS) -> dict[str, float]:
    """Give up an endless answer whose text is not at its end, and speak again: what was heard of both."""
    stream, heard = tts.stream(), 0
    stream.push_text(ENDLESS + "The next sentence begins, and goes on and on, so that the one before is sent. And ")
    async for _ in stream:
        heard += 1
        if heard == 3:
            break
    await stream.aclose()
    return {"heard": heard, "fresh_s": (await say(tts, "Still here."))["audio_s"]}


async def main(url: str, voice: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        tts = elevenlabs.TTS(
            base_url=f"{url}/v1", api_key="any", voice_id=voice, encoding=f"pcm_{RATE}", http_session=session
        )
        voices = await tts.list_voices()
        async with tts.synthesize("Hello there.") as stream:
            whole = await hear(stream)
        said = await say(tts, "Hello there. How are you, my friend?")
        interrupted = await interrupt(tts)
        await tts.aclose()
        mp3 = elevenlabs.TTS(base_url=f"{url}/v1", api_key="any", voice_id=voice, http_session=session)
        compressed = await say(mp3, "Hello there.")
        await mp3.aclose()
        return {
            "voices": [listed.id for listed in voices],
            "whole": whole,
            "said": said,
            "interrupted": [interrupted],
            "mp3": compressed,
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(*sys.argv[1:]))) + "\n")
