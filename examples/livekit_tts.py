"""LiveKit Agents speaks through Syrinx, without a room: python examples/livekit_tts.py [http://127.0.0.1:8000].

Needs: pip install livekit-plugins-elevenlabs livekit-plugins-openai. In an agent: AgentSession(tts=...).
"""

import asyncio
import sys
import wave
from collections.abc import AsyncIterable

import aiohttp
from livekit.agents.tts import SynthesizedAudio
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.plugins import elevenlabs, openai

ANSWER = "The first words are heard while the last ones are still being written."


def streaming(url: str, http: aiohttp.ClientSession) -> elevenlabs.TTS:
    """Text goes in as it is written: contexts, word times and barge-in over one WebSocket."""
    return elevenlabs.TTS(
        base_url=f"{url}/v1", api_key="any", voice_id="female", encoding="pcm_24000", http_session=http
    )


def whole(url: str) -> openai.TTS:
    """A request for each text, over HTTP."""
    return openai.TTS(base_url=f"{url}/v1", api_key="any", voice="alloy", response_format="pcm")


async def write(name: str, heard: AsyncIterable[SynthesizedAudio]) -> None:
    with wave.open(name, "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        async for event in heard:
            file.writeframes(bytes(event.frame.data))
            for word in event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, []):
                print(f"{word.strip()}@{word.start_time:.2f}", end=" ")
        print(f"\n{file.tell() / 24_000:.1f} s of audio in {name}")


async def main(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        tts = streaming(url, http)
        async with tts.stream() as stream:  # when the user speaks: await stream.aclose(), and begin another
            for token in ANSWER.split(" "):
                stream.push_text(token + " ")
            stream.end_input()
            await write("livekit_streaming.wav", stream)
        await tts.aclose()

        simple = whole(url)
        async with simple.synthesize(ANSWER) as stream:
            await write("livekit_whole.wav", stream)
        await simple.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"))
