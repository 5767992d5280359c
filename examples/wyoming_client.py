"""Speech over Wyoming, text in chunks, as Home Assistant asks for it: python examples/wyoming_client.py [tcp://127.0.0.1:10200].

Start the server with: syrinx serve --wyoming tcp://127.0.0.1:10200
"""

import asyncio
import sys
import wave

from wyoming.audio import AudioChunk, AudioStart
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

CHUNKS = ["The first wo", "rds are heard ", "while the last ones ", "are still being", " written."]


async def hear(client: AsyncClient) -> Event:
    event = await client.read_event()
    if event is None or Error.is_type(event.type):
        raise SystemExit(f"The server said: {event}")
    return event


async def main(uri: str) -> None:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Describe().event())
        (program,) = Info.from_event(await hear(client)).tts
        english = [voice for voice in program.voices if any(tag.startswith("en") for tag in voice.languages)]
        print(f"{len(program.voices)} voices, {len(english)} of them English")

        await client.write_event(SynthesizeStart(voice=SynthesizeVoice(name=english[0].name)).event())
        for text in CHUNKS:
            await client.write_event(SynthesizeChunk(text).event())
        await client.write_event(SynthesizeStop().event())

        with wave.open("wyoming_client.wav", "wb") as file:
            while (event := await hear(client)).type != "synthesize-stopped":
                if AudioStart.is_type(event.type):
                    start = AudioStart.from_event(event)
                    file.setparams((start.channels, start.width, start.rate, 0, "NONE", ""))
                elif AudioChunk.is_type(event.type):
                    file.writeframes(AudioChunk.from_event(event).audio)
            print(f"{file.tell() / file.getframerate():.1f} s of audio in wyoming_client.wav")


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:10200"))
