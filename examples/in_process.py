"""Speech inside your own program, without a server: python examples/in_process.py."""

import asyncio
import wave

from syrinx.config import Settings
from syrinx.core.types import Append, Audio, AudioFormat, End, Failed, Finished, Open, SpeechRequest, Started
from syrinx.engine.policy import SessionOptions
from syrinx.wiring import build_engine


async def main() -> None:
    engine = build_engine(Settings(models=("espeak",)))
    await engine.start()
    session = engine.session(SessionOptions(protocol="example"))
    try:
        session.send(Open("hello", SpeechRequest(audio=AudioFormat("pcm_s16le"))))
        session.send(Append("hello", "This was spoken by "))  # text may come in pieces ...
        session.send(Append("hello", "your own program."))
        session.send(End("hello"))  # ... until it has ended

        sample_rate, audio = 0, b""
        while (event := await session.next()) is not None:
            if isinstance(event, Started):
                sample_rate = event.sample_rate
            elif isinstance(event, Audio):
                audio += event.audio.data
            elif isinstance(event, Finished):
                break
            elif isinstance(event, Failed):
                raise event.error
    finally:
        session.close()
        await engine.stop()

    with wave.open("in_process.wav", "wb") as file:
        file.setparams((1, 2, sample_rate, 0, "NONE", ""))
        file.writeframes(audio)
    print(f"{len(audio) / 2 / sample_rate:.1f} s of audio in in_process.wav")


if __name__ == "__main__":
    asyncio.run(main())
