"""What the clients of a soak do, one function a kind of visit. Each ends by itself; a hang is caught by its caller."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import wave
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

REALTIME = "/v1/audio/speech/stream/ws"
CHATTERBOX = "/v1/stream/tts"
FAILED = 500
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
WORDS = (
    "the quick brown fox jumps over 3 lazy dogs, pays $4.50; then at 17:30 it sleeps. Well? नमस्ते 你好 Größe!".split()
)
ENDS = ("completed", "canceled", "error", "complete", "end", "no_op", "JOB_DONE", "JOB_CANCELED", "JOB_ERROR")
"""How the last message of an utterance is called, in all dialects."""
GOOD_ENDS = ("completed", "complete", "end")
"""Of one that was spoken."""


@dataclass(slots=True)
class Visitor:
    """A client with its own chance."""

    base: str
    """``127.0.0.1:port``."""
    http: httpx.AsyncClient
    chance: Random
    statuses: dict[int, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    """Answers of 500 by path."""

    def text(self, longest: int = 40) -> str:
        return " ".join(self.chance.choice(WORDS) for _ in range(self.chance.randint(1, longest)))

    def socket(self, path: str) -> connect:
        return connect(f"ws://{self.base}{path}", proxy=None, max_size=None, close_timeout=1.0)

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = await self.http.request(method, f"http://{self.base}{path}", **options)
        self.count(answer.status_code, path)
        return answer

    def count(self, status: int, path: str) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status == FAILED:
            self.failed[path] = self.failed.get(path, 0) + 1


Visit = Callable[[Visitor], Awaitable[None]]


def request_for(visitor: Visitor, path: str) -> dict[str, Any]:
    """A request in the dialect of that path (one of three on the shared one)."""
    text = visitor.text()
    if path == CHATTERBOX:
        return {"type": "synthesize", "text": text, "streaming": visitor.chance.random() < 0.7}
    return visitor.chance.choice(
        [
            {"type": "response.create", "input": text, "speed": visitor.chance.choice([0.5, 1.0, 1.7])},
            {"text": text, "segment_id": "s", "temperature": 0.4},
            {"input": text, "segment_id": "s"},
        ]
    )


async def until_end(link: ClientConnection, ends: tuple[str, ...] = ENDS) -> None:
    """Read to the end of an utterance, or of the connection."""
    try:
        async for message in link:
            if isinstance(message, str) and str(json.loads(message).get("type", "error")).endswith(ends):
                return
    except ConnectionClosed:
        return


async def say(visitor: Visitor) -> None:
    """Ask over a WebSocket and hear all of it, a few times."""
    path = visitor.chance.choice([REALTIME, CHATTERBOX])
    request = request_for(visitor, path)
    async with visitor.socket(path) as link:
        for _ in range(visitor.chance.randint(1, 3)):
            await link.send(json.dumps(request))
            await until_end(link)


async def drop(visitor: Visitor) -> None:
    """Ask for much, hear a little, vanish."""
    path = visitor.chance.choice([REALTIME, CHATTERBOX])
    link = await visitor.socket(path)
    await link.send(json.dumps(request_for(visitor, path)))
    if visitor.chance.random() < 0.7:
        await link.recv()
    link.transport.abort()
    await link.wait_closed()


async def barge(visitor: Visitor) -> None:
    """Stream tokens, change one's mind, stream again."""
    async with visitor.socket(REALTIME) as link:
        for word in visitor.text().split():
            await link.send(json.dumps({"type": "input.append", "text": word + " "}))
        await asyncio.sleep(visitor.chance.random() * 0.2)
        stop = {"type": "barge"} if visitor.chance.random() < 0.5 else {"type": "response.cancel"}
        await link.send(json.dumps(stop))
        await link.send(json.dumps({"type": "response.create", "input": visitor.text(8)}))
        await link.send(json.dumps({"type": "session.end"}))
        async for _ in link:
            pass


async def read_file(visitor: Visitor) -> None:
    """Download speech in some format."""
    body = {"input": visitor.text(), "response_format": visitor.chance.choice(FORMATS), "speed": 1.3}
    await visitor.call("POST", "/v1/audio/speech", json=body)


async def hang_up(visitor: Visitor) -> None:
    """Begin a download and leave."""
    body = {"input": visitor.text(400), "text": visitor.text(400), "response_format": "mp3"}
    path = visitor.chance.choice(["/v1/audio/speech", "/v1/audio/speech/stream", "/v1/synthesize"])
    async with visitor.http.stream("POST", f"http://{visitor.base}{path}", json=body) as answer:
        visitor.count(answer.status_code, path)
        async for _ in answer.aiter_bytes():
            return


async def sidecar(visitor: Visitor) -> None:
    """A desktop job: hear it, cancel it, or change its speed on the way; sometimes listen twice."""
    answer = await visitor.call("POST", "/v1/speak", json={"text": visitor.text()})
    if answer.status_code != 200:
        return
    job = answer.json()["job_id"]
    choice = visitor.chance.random()
    if choice < 0.3:
        await visitor.call("POST", "/v1/cancel", json={"job_id": job})
    elif choice < 0.5:
        await visitor.call("POST", f"/v1/jobs/{job}/playback", json={"rate": 2.0})
    for _ in range(visitor.chance.randint(1, 2)):
        async with visitor.socket(f"/v1/stream/{job}") as link:
            await until_end(link)


async def look(visitor: Visitor) -> None:
    """Read lists, health and metrics."""
    paths = ("/", "/health", "/readyz", "/metrics", "/v1/health", "/v1/voices", "/api/voices", "/v1/models", "/nothing")
    for path in visitor.chance.sample(paths, 3):
        await visitor.call("GET", path)


async def clone(visitor: Visitor) -> None:
    """Make a voice, speak in it, remove it."""
    clip = base64.b64encode(recording(visitor.chance)).decode()
    body = {"display_name": "Soak", "ref_audio": {"wav_base64": clip}}
    answer = await visitor.call("POST", "/v1/voices/clone", json=body)
    if answer.status_code != 200:
        return
    voice = answer.json()["voice_id"]
    await visitor.call("POST", "/v1/audio/speech", json={"input": visitor.text(5), "voice": voice})
    await visitor.call("DELETE", f"/v1/voices/{voice}")


def recording(chance: Random) -> bytes:
    """Four seconds of a hum with syllables, as a WAV file."""
    times = np.arange(4 * 16_000) / 16_000
    pitch = chance.uniform(90, 250)
    hum = sum(np.sin(2 * np.pi * pitch * n * times) / n for n in range(1, 6))
    samples = (0.2 * hum * (np.sin(2 * np.pi * 3 * times) > -0.6) * 32767 / 2).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
        out.writeframes(samples.tobytes())
    return file.getvalue()


ROUTES = (
    *("/v1/audio/speech", "/v1/audio/speech/stream", "/v1/synthesize", "/v1/speak", "/v1/cancel", "/v1/voices/clone"),
    *("/v1/warmup", "/v1/models/activate", "/v1/jobs/x/playback"),
)


async def bad_body(visitor: Visitor) -> None:
    """Send what no route should take."""
    await visitor.call("POST", visitor.chance.choice(ROUTES), content=junk(visitor.chance))


async def bad_message(visitor: Visitor) -> None:
    """Likewise on a socket, then something good, which must be answered."""
    path = visitor.chance.choice([REALTIME, CHATTERBOX])
    kind, text = ("synthesize" if path == CHATTERBOX else "response.create"), visitor.text(5)
    async with visitor.socket(path) as link:
        try:
            for _ in range(visitor.chance.randint(1, 5)):
                message = junk(visitor.chance)
                await link.send(message if visitor.chance.random() < 0.3 else message.decode("utf-8", "replace"))
            await link.send(json.dumps({"type": kind, "text": text, "input": text}))
        except ConnectionClosed:
            return
        await until_end(link, GOOD_ENDS)


def junk(chance: Random) -> bytes:
    """Random bytes, or JSON with wrong values in known fields."""
    kind = chance.random()  # no text is so long that speaking it, at the pace it is heard, would look like a hang
    if kind < 0.3:
        return chance.randbytes(chance.randint(0, 2000))
    values: list[Any] = [None, True, -1, 1e300, "", "x" * 50, [], {}, [[[]]], "\x00", "../x", "{{error}}", "😀"]
    names = ("type", "text", "input", "voice", "voice_id", "speed", "settings", "job_id", "ref_audio", "model", "audio")
    fields: dict[str, Any] = {name: chance.choice(values) for name in chance.sample(names, 4)}
    if kind < 0.7:
        fields["type"] = chance.choice(["response.create", "synthesize", "session.update", "register_voice", "barge"])
    return json.dumps(fields).encode()


VISITS: Mapping[Visit, int] = {
    say: 30,
    drop: 12,
    barge: 10,
    read_file: 12,
    hang_up: 8,
    sidecar: 12,
    look: 6,
    clone: 2,
    bad_body: 8,
    bad_message: 8,
}
"""Kinds of visits and how often each is drawn."""
