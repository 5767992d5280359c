"""Speech inside your own program, without a server: python examples/python_api.py.

Text comes in as a language model writes it, chunks of 80 ms go out while the rest is being made.
"""

import asyncio
import time
import wave
from collections.abc import AsyncIterator

from syrinx import TTSConfig, TTSEngine


async def answer() -> AsyncIterator[str]:
    """What a language model would stream."""
    for word in "The first words are heard while the last ones are still being written.".split():
        yield word + " "
        await asyncio.sleep(0.02)


async def main() -> None:
    async with TTSEngine(TTSConfig(sample_rate=24_000)) as engine:
        health = await engine.health_check()
        print(f"{health['model']} is {health['status']}, with {len(await engine.get_available_speakers())} speakers")

        began = time.monotonic()
        with wave.open("python_api.wav", "wb") as file:
            file.setparams((1, 2, 24_000, 0, "NONE", ""))
            async for chunk in engine.synthesize_streaming(answer(), speed=1.1):
                if not file.tell():
                    print(f"first audio after {1000 * (time.monotonic() - began):.0f} ms")
                file.writeframes(chunk)
            print(f"{file.tell() / 24_000:.1f} s of audio in python_api.wav")

        batch = await engine.synthesize_batch(["A whole text.", "", "And another."])  # one cannot be spoken
        print(*("none" if samples is None else f"{len(samples) / 24_000:.1f} s" for samples in batch))


if __name__ == "__main__":
    asyncio.run(main())
