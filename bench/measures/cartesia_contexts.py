"""A hundred Cartesia contexts on one socket, twenty of which speak at once: gaps, and whether any of them are mixed."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.figure import Effort, Figure
from bench.harness import HOST, RATE, Server, ServerPlan, ms, percentile
from bench.playhead import PlayHead

CONTEXTS = 100
AT_ONCE = 20
OPTIONS = {"x_realtime": 4, "chunk_ms": 40, "max_batch": AT_ONCE}
"""One step of 10 ms advances everybody by one frame: the model itself is never the limit."""
SETTINGS = {"max_lead_s": 1.0}
"""So that audio comes in real time and a gap would be heard."""
JITTER_S = 0.06
"""What a listener keeps in hand before it starts to play: three packets of 20 ms, usual in telephony."""
LONGEST_S = 300.0
SAME_TONE_HZ = 40
PURE = 0.95
"""Least share of a context's power that is within ``SAME_TONE_HZ`` of its loudest tone; a second one lowers it."""
HOW = {
    "model_id": "sonic-3",
    "voice": {"mode": "id", "id": "sine"},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE},
    "add_timestamps": True,
}


@dataclass(slots=True)
class Turn:
    """One context: what it asked for and what it got."""

    text: str
    asked_at: float = 0.0
    ttfa_s: float = 0.0
    head: PlayHead = field(default_factory=lambda: PlayHead(JITTER_S))
    audio: list[bytes] = field(default_factory=list[bytes])
    words: list[str] = field(default_factory=list[str])
    error: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def mixed(self) -> bool:
        """Words that are not its own, or a second tone."""
        return self.words != self.text.split() or purity(b"".join(self.audio)) < PURE


class _Socket(WSListener):
    """Hands each message to its context."""

    def __init__(self, turns: dict[str, Turn]) -> None:
        self._turns = turns
        self.strays = 0
        """Messages of contexts that nobody opened."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._take(json.loads(frame.get_payload_as_utf8_text()))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def _take(self, told: dict[str, Any]) -> None:
        turn = self._turns.get(told["context_id"])
        if turn is None:
            self.strays += 1
            return
        if told["type"] == "chunk":
            self._hear(turn, base64.b64decode(told["data"]))
        elif told["type"] == "timestamps":
            turn.words += told["word_timestamps"]["words"]
        elif told["done"]:
            turn.error = told.get("error", "")
            turn.done.set()

    def _hear(self, turn: Turn, audio: bytes) -> None:
        now = time.perf_counter()
        if not turn.audio:
            turn.ttfa_s = now - turn.asked_at
        turn.audio.append(audio)
        turn.head.receive(now, len(audio) / 2 / RATE)


async def measure(effort: Effort) -> list[Figure]:
    """Speak in all contexts of one socket, so many at a time, each with its text in two pieces."""
    contexts = effort.pick(CONTEXTS, 2 * AT_ONCE)
    turns = {f"context-{number}": Turn(_text(number)) for number in range(contexts)}
    listener = _Socket(turns)
    with Server(ServerPlan("tone", options=OPTIONS, settings=SETTINGS), effort.folder) as server:
        transport, _ = await ws_connect(lambda: listener, f"ws://{HOST}:{server.port}/tts/websocket")
        places = asyncio.Semaphore(AT_ONCE)
        began = time.perf_counter()
        async with asyncio.timeout(LONGEST_S):
            await asyncio.gather(*(_speak(transport, places, name, turn) for name, turn in turns.items()))
        took_s = time.perf_counter() - began
        transport.disconnect()
    return [_figure(list(turns.values()), listener.strays, took_s)]


async def _speak(transport: WSTransport, places: asyncio.Semaphore, name: str, turn: Turn) -> None:
    """Ask, and hold the place until the last sample was played."""
    async with places:
        half = len(turn.text) // 2
        turn.asked_at = time.perf_counter()
        for text, more in ((turn.text[:half], True), (turn.text[half:], False)):
            message = {**HOW, "context_id": name, "transcript": text, "continue": more}
            transport.send(WSMsgType.TEXT, json.dumps(message).encode())
        await turn.done.wait()
        if turn.audio:
            await asyncio.sleep(max(0.0, turn.head.ends_at - time.perf_counter()))


def _text(number: int) -> str:
    """Words that no other context has, of lengths that differ."""
    name = f"zo{chr(97 + number // 10)}ra{chr(97 + number % 10)}"
    return f"{name} begins, {'and goes on ' * (4 + number % 5)}until {name} ends. Then {name} says it once more."


def purity(audio: bytes) -> float:
    """Of 16-bit samples, the share of the power that is in and around the loudest tone; 0 for silence."""
    samples = np.frombuffer(audio, "<i2").astype(np.float64)
    if not samples.any():
        return 0.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    near = np.abs(hertz - hertz[int(np.argmax(power))]) < SAME_TONE_HZ
    return float(power[near].sum() / power.sum())


def _figure(turns: list[Turn], strays: int, took_s: float) -> Figure:
    underruns = sum(turn.head.underruns for turn in turns)
    failures, mixed = [turn.error for turn in turns if turn.error], sum(turn.mixed for turn in turns)
    audio_s = sum(turn.head.received_s for turn in turns)
    ttfa_s = [turn.ttfa_s for turn in turns if turn.audio] or [0.0]
    return Figure(
        what=f"{len(turns)} Cartesia contexts on one socket, {AT_ONCE} at once",
        reach="0 underruns, 0 mixed, all complete",
        measured=f"{underruns} underruns, {mixed} mixed, {strays} strays, {len(failures)} failures, "
        f"TTFA p50 {ms(percentile(ttfa_s, 50))}, p99 {ms(percentile(ttfa_s, 99))}",
        yardstick=f"{audio_s:.0f} s of audio in {took_s:.0f} s; each context has words and a tone of its own",
        ok=not (underruns or mixed or strays or failures) and all(turn.audio for turn in turns),
    )
