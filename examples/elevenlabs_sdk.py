"""The unmodified ElevenLabs SDK streams speech from Syrinx: python examples/elevenlabs_sdk.py [http://127.0.0.1:8000]."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from elevenlabs.client import ElevenLabs

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
client = ElevenLabs(base_url=url, api_key="any key will do on a server without one")
client.text_to_speech._ws_base_url = url.replace("http", "ws", 1)  # the SDK's WebSocket would insist on TLS
print(len(client.voices.get_all().voices), "voices")


def tokens() -> Iterator[str]:
    """What a language model would stream."""
    yield from "The first words are heard while the last ones are still being made. ".split(" ")


asked_at = time.monotonic()
first_at = None
with Path("elevenlabs_sdk.pcm").open("wb") as file:
    for piece in client.text_to_speech.convert_realtime(
        "female",  # a voice of the list, "female", "male", or one of the vendor's own ids
        text=(token + " " for token in tokens()),
        model_id="eleven_flash_v2_5",  # the vendor's names mean the server's default model
        output_format="pcm_24000",
    ):
        first_at = first_at or time.monotonic()
        file.write(piece)

assert first_at is not None, "no audio came"
seconds = Path("elevenlabs_sdk.pcm").stat().st_size / 2 / 24_000
print(f"first audio after {1000 * (first_at - asked_at):.0f} ms; {seconds:.1f} s of audio in elevenlabs_sdk.pcm")

timed = client.text_to_speech.convert_with_timestamps("female", text="Every character has its time.")
times = timed.alignment
assert times is not None, "no times came"
print(f"{times.characters[-2]!r} is heard after {times.character_start_times_seconds[-2]:.2f} s")
