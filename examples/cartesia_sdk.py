"""The unmodified Cartesia SDK streams speech from Syrinx: python examples/cartesia_sdk.py [http://127.0.0.1:8000]."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cartesia import Cartesia

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
client = Cartesia(
    api_key="any key will do on a server without one",
    base_url=url,
    websocket_base_url=url.replace("http", "ws", 1),  # else the SDK's WebSocket would insist on TLS
)
print(len(list(client.voices.list())), "voices")


def tokens() -> Iterator[str]:
    """What a language model would stream."""
    yield from "The first words are heard while the last ones are still being made. ".split(" ")


asked_at = time.monotonic()
first_at = None
words: list[str] = []
with Path("cartesia_sdk.pcm").open("wb") as file, client.tts.websocket_connect() as connection:
    context = connection.context(
        model_id="sonic-3",  # the vendor's names mean the server's default model
        voice="female",  # a voice of the list, "female", "male", or one of the vendor's that clients name unasked
        output_format={"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000},
        add_timestamps=True,
    )
    for token in tokens():
        context.push(token + " ")
    context.no_more_inputs()
    for event in context.receive():
        if event.type == "chunk" and event.audio:
            first_at = first_at or time.monotonic()
            file.write(event.audio)
        elif event.type == "timestamps" and event.word_timestamps:
            words += event.word_timestamps.words
        elif event.type == "error":
            sys.exit(event.error)

assert first_at is not None, "no audio came"
seconds = Path("cartesia_sdk.pcm").stat().st_size / 2 / 24_000
print(f"first audio after {1000 * (first_at - asked_at):.0f} ms; {seconds:.1f} s of audio in cartesia_sdk.pcm")
print("heard:", " ".join(words))
