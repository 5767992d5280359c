"""Every dialect as a thin client speaks it, and the settings of a server that has all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.askers import (
    WAV_HEADER_BYTES,
    Asker,
    FloatSocketAsker,
    HttpAsker,
    SidecarAsker,
    SocketAsker,
    Wire,
    WyomingAsker,
)
from bench.harness import HOST, RATE, SOCKET_PATH, SPEECH_PATH

RAW = "realtime"
"""The dialect that the others are compared with."""
ELEVENLABS = "/v1/text-to-speech/default"
PCM = f"output_format=pcm_{RATE}"
CARTESIA = {
    "model_id": "sonic-3",
    "voice": {"mode": "id", "id": "default"},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE},
}


def server_settings(wyoming_port: int) -> Mapping[str, Any]:
    """Beside the defaults: Wyoming listens too."""
    return {"wyoming": f"tcp://{HOST}:{wyoming_port}"}


def every_dialect() -> list[Asker]:
    """A client of each dialect, all at 24 kHz PCM but Wyoming and Piper, which have the model's own rate."""
    return [*_founding(), *_elevenlabs(), *_vendors(), *_plain_http(), WyomingAsker()]


def _is_error(event: dict[str, Any]) -> bool:
    return "error" in event.get("type", "").lower()


def _is(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["type"] == kind


def _delta(event: dict[str, Any]) -> str | None:
    return event.get("delta") if event["type"] == "response.output_audio.delta" else None


def realtime() -> SocketAsker:
    """The raw dialect: base64 in JSON."""
    numbers = iter(range(10**9))
    return SocketAsker(
        RAW,
        Wire(
            SOCKET_PATH,
            lambda text: [{"type": "response.create", "response_id": str(next(numbers)), "input": text}],
            _is("response.completed"),
            _is_error,
            _delta,
        ),
    )


def orpheus() -> SocketAsker:
    """The same path and framing, binary."""
    numbers = iter(range(10**9))
    return SocketAsker(
        "orpheus",
        Wire(
            SOCKET_PATH,
            lambda text: [{"text": text, "segment_id": str(next(numbers))}],
            _is("end"),
            _is_error,
        ),
    )


def _founding() -> list[Asker]:
    chatterbox = Wire(
        "/v1/stream/tts",
        lambda text: [{"type": "synthesize", "text": text}],
        _is("synthesis_complete"),
        _is_error,
    )
    return [realtime(), orpheus(), FloatSocketAsker("chatterbox", chatterbox), SidecarAsker()]


def _elevenlabs() -> list[Asker]:
    numbers = iter(range(10**9))

    def in_a_context(text: str) -> list[dict[str, Any]]:
        name = str(next(numbers))
        return [{"text": text, "context_id": name, "flush": True}, {"context_id": name, "close_context": True}]

    def is_final(event: dict[str, Any]) -> bool:
        return event.get("isFinal") is True

    def is_error(event: dict[str, Any]) -> bool:
        return "error" in event

    one = Wire(
        f"{ELEVENLABS}/stream-input?{PCM}",
        lambda text: [{"text": text + " "}, {"text": ""}],
        is_final,
        is_error,
        sound=lambda event: event.get("audio"),
        opening=[{"text": " "}],
        once=True,
    )
    many = Wire(
        f"{ELEVENLABS}/multi-stream-input?{PCM}",
        in_a_context,
        is_final,
        is_error,
        sound=lambda event: event.get("audio"),
    )
    return [SocketAsker("elevenlabs", one), SocketAsker("elevenlabs contexts", many)]


def _vendors() -> list[Asker]:
    numbers = iter(range(10**9))

    def in_a_context(text: str) -> list[dict[str, Any]]:
        return [{**CARTESIA, "context_id": str(next(numbers)), "transcript": text, "continue": False}]

    cartesia = Wire(
        "/tts/websocket?cartesia_version=2025-04-16",
        in_a_context,
        _is("done"),
        _is_error,
        lambda event: event.get("data"),
    )
    deepgram = Wire(
        f"/v1/speak?model=aura-2-thalia-en&encoding=linear16&sample_rate={RATE}",
        lambda text: [{"type": "Speak", "text": text}, {"type": "Flush"}],
        _is("Flushed"),
        _is_error,
    )
    openai = Wire(
        "/v1/realtime?model=gpt-realtime",
        _item_and_response,
        _is("response.done"),
        _is_error,
        _delta,
        is_open=_is("session.created"),
    )
    return [
        SocketAsker("cartesia", cartesia),
        SocketAsker("deepgram", deepgram),
        SocketAsker("openai realtime", openai),
    ]


def _item_and_response(text: str) -> list[dict[str, Any]]:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return [{"type": "conversation.item.create", "item": item}, {"type": "response.create"}]


def _plain_http() -> list[Asker]:
    return [
        HttpAsker("openai HTTP", SPEECH_PATH, lambda text: {"input": text, "response_format": "pcm"}),
        HttpAsker("elevenlabs HTTP", f"{ELEVENLABS}/stream?{PCM}", lambda text: {"text": text}),
        HttpAsker("orpheus HTTP", "/v1/audio/speech/stream", lambda text: {"text": text}),
        HttpAsker("chatterbox HTTP", "/v1/synthesize", lambda text: {"text": text, "format": "pcm"}),
        HttpAsker("piper HTTP", "/", lambda text: {"text": text}, WAV_HEADER_BYTES),
    ]
