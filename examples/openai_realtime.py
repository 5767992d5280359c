"""The unmodified OpenAI SDK on the Realtime API: python examples/openai_realtime.py [http://127.0.0.1:8000]."""

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection as Link

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
client = AsyncOpenAI(base_url=f"{url}/v1", api_key="any key will do on a server without one")


async def ask(link: Link, text: str) -> None:
    item: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await link.conversation.item.create(item=item)
    await link.response.create()  # it says what the conversation has that was not spoken yet


async def speak(link: Link, text: str) -> bytes:
    audio = b""
    await ask(link, text)
    async for event in link:
        if event.type == "response.output_audio.delta":
            audio += base64.b64decode(event.delta)
        elif event.type == "response.output_audio_transcript.delta":
            print(event.delta, end="")
        elif event.type == "response.done":
            break
    print(f"\n{len(audio) / 2 / 24_000:.1f} s of audio in openai_realtime.pcm")
    return audio


async def interrupt(link: Link, text: str) -> None:
    played, item_id = 0, ""
    await ask(link, text)
    async for event in link:
        if event.type == "response.output_audio.delta":
            played, item_id = played + len(base64.b64decode(event.delta)), event.item_id
            if played > 2 * 2 * 24_000:
                break  # somebody listens to the first two seconds, and then has enough
    await link.response.cancel()
    await link.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=2000)
    async for event in link:
        if event.type == "conversation.item.truncated":
            print("stopped; heard:", (event.model_extra or {})["heard"])
            break


async def main() -> bytes:
    async with client.realtime.connect(model="gpt-realtime") as link:
        await link.session.update(session={"type": "realtime", "audio": {"output": {"voice": "alloy"}}})
        audio = await speak(link, "The first words are heard while the last are made.")
        await interrupt(link, "Nobody knows how long this goes on. " * 50)
    return audio


Path("openai_realtime.pcm").write_bytes(asyncio.run(main()))
