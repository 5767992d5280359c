"""LiveKit's OpenAI TTS, unmodified, without a room, in both forms that it asks for. Runs in ``.frameworks``.

python livekit_openai.py http://127.0.0.1:8000 VOICE; prints what came out of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from livekit.agents import APIConnectOptions, APIStatusError
from livekit.agents.tts import StreamAdapter
from livekit.plugins import openai

RATE = 24_000
FORMATS = ("mp3", "wav", "flac", "aac", "opus", "pcm")
MODELS = {"sse": "gpt-4o-mini-tts", "audio": "tts-1"}
"""It asks for server-sent events unless the model is one of OpenAI's first two."""


async def seconds(stream: Any) -> float:
    return sum([event.frame.duration async for event in stream])


async def whole(tts: openai.TTS, text: str) -> float:
    async with tts.synthesize(text) as stream:
        return await seconds(stream)


async def in_tokens(tts: openai.TTS, text: str) -> float:
    """As a voice agent feeds it: by its adapter, a request for each sentence."""
    async with StreamAdapter(tts=tts).stream() as stream:
        for word in text.split(" "):
            stream.push_text(word + " ")
        stream.end_input()
        return await seconds(stream)


async def interrupt(tts: openai.TTS) -> dict[str, float]:
    """Give up an endless answer and speak again: what was heard of both."""
    stream, heard = tts.synthesize("{{long 3000}} and more."), 0
    async for _ in stream:
        heard += 1
        if heard == 3:
            break
    await stream.aclose()
    return {"heard": heard, "fresh_s": await whole(tts, "Still here.")}


async def refusal(tts: openai.TTS) -> dict[str, Any]:
    try:
        async with tts.synthesize("Hello.", conn_options=APIConnectOptions(max_retry=0)) as stream:
            await seconds(stream)
    except APIStatusError as error:
        return {"status": error.status_code, "words": error.message}
    return {}


async def main(url: str, voice: str) -> dict[str, Any]:
    def made(form: str, called: str = voice, encoding: str = "mp3") -> openai.TTS:
        return openai.TTS(
            base_url=f"{url}/v1", api_key="any", model=MODELS[form], voice=called, response_format=encoding
        )

    said: dict[str, Any] = {}
    for form in MODELS:
        tts = made(form)
        tts.prewarm()
        said[form] = {
            "whole_s": {encoding: await whole(made(form, voice, encoding), "Hello there.") for encoding in FORMATS},
            "in_tokens_s": await in_tokens(tts, "Hello there. How are you, my friend?"),
            "interrupted": [await interrupt(tts)],
            "refusal": await refusal(made(form, "nobody")),
        }
        await tts.aclose()
    return said


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(*sys.argv[1:]))) + "\n")
