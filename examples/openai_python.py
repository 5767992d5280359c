"""The unmodified OpenAI SDK streams speech from Syrinx: python examples/openai_python.py [http://127.0.0.1:8000]."""

import sys
import time
from pathlib import Path

from openai import OpenAI

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
client = OpenAI(base_url=f"{url}/v1", api_key="any key will do on a server without one")

asked_at = time.monotonic()
first_at = None
with (
    client.audio.speech.with_streaming_response.create(
        model="tts-1",
        voice="alloy",
        input="The first words are heard while the last ones are still being made.",
        response_format="pcm",  # 24 kHz, 16-bit, mono: ready for any sound device
    ) as response,
    Path("openai_python.pcm").open("wb") as file,
):
    for piece in response.iter_bytes():
        first_at = first_at or time.monotonic()
        file.write(piece)

assert first_at is not None, "no audio came"
seconds = Path("openai_python.pcm").stat().st_size / 2 / 24_000
print(f"first audio after {1000 * (first_at - asked_at):.0f} ms; {seconds:.1f} s of audio in openai_python.pcm")
