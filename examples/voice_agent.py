"""A voice agent: one WebSocket stays open, a language model's tokens go in, speech comes out, the user barges in.

Run: python examples/voice_agent.py [http://127.0.0.1:8000]
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from syrinx.client import Audio, Canceled, Completed, RealtimeSpeech, SessionSetup

ANSWER = "Sure, I can help with that. First, open the settings page. Then choose your language, and press save. "
LONG_ANSWER = ANSWER * 20


async def tokens(text: str) -> AsyncIterator[str]:
    """What a language model would stream."""
    for word in text.split(" "):
        yield word + " "
        await asyncio.sleep(0.002)


async def speak(speech: RealtimeSpeech, text: str) -> None:
    async for token in tokens(text):
        await speech.append(token)
    await speech.commit()


async def main(url: str) -> None:
    async with RealtimeSpeech(url) as speech:
        await speech.update(SessionSetup(voice="female", audio_format="pcm", sample_rate=24_000))

        speaking = asyncio.create_task(speak(speech, ANSWER))
        async for event in speech:
            if isinstance(event, Completed):
                print(f"first answer: {event.duration_s:.1f} s of audio")
                break
        await speaking

        speaking = asyncio.create_task(speak(speech, LONG_ANSWER))
        heard = 0
        async for event in speech:
            if isinstance(event, Audio):
                heard += len(event.data)
                if heard > 48_000 and not speaking.cancelled():  # a second of sound, and the user starts to talk
                    speaking.cancel()
                    await speech.barge()
            elif isinstance(event, Canceled):
                print(f"second answer: stopped after {heard / 48_000:.1f} s of audio, long before its end")
                break


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"))
