"""Speed, pitch and volume changed in mid-speech, with a real model in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx.audio.level import rms
from syrinx.config import make_settings
from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Adjust, Append, Audio, AudioFormat, End, Failed, Finished, Marks, Open, SpeechRequest
from syrinx.engine.engine import Engine
from syrinx.engine.policy import SessionOptions
from syrinx.engine.session import Session
from syrinx.wiring import build_engine
from tests.audio.signals import decode, frequency

TEXT = "One two three four five six seven eight nine ten. " * 12
RATE = 24000
MADE_S = 3.5
"""What a reader who takes nothing has before it all the same: 2 s of messages, and what was on its way."""


@asynccontextmanager
async def running(folder: Path, models: tuple[str, ...] = ("tone",), **tone: Any) -> AsyncGenerator[Engine]:
    """An engine over real workers."""
    options = {"tone": {"x_realtime": 100_000, **tone}}
    engine = build_engine(
        make_settings({"models": models, "model_options": options, "data_dir": folder, "warmup_on_startup": False})
    )
    try:
        await engine.start()
        yield engine
    finally:
        await engine.stop()


class Listener:
    """One utterance, and all that came of it."""

    def __init__(self, engine: Engine, container: str = "pcm_f32le", **options: Any) -> None:
        self.session: Session = engine.session(SessionOptions("test", marks=True, **options))
        request = SpeechRequest(audio=AudioFormat(container, RATE))
        for event in (Open("u", request), Append("u", TEXT), End("u")):
            self.session.send(event)
        self.data = b""
        self.heard_s = 0.0
        self.words: list[float] = []
        self.end: Finished | None = None

    async def hear(self, seconds: float = 1e9) -> Listener:
        """Take events until so much was heard, or the end."""
        until = self.heard_s + seconds
        async with asyncio.timeout(30):
            while self.heard_s < until and self.end is None:
                match await self.session.next():
                    case Audio(_, audio):
                        self.data += audio.data
                        self.heard_s += audio.duration_s
                    case Marks(_, marks):
                        self.words += [mark.start_s for mark in marks]
                    case Finished() as end:
                        self.end = end
                    case Failed(_, error):
                        raise error
                    case _:
                        pass
        return self

    def adjust(self, **change: float) -> None:
        self.session.send(Adjust("u", **change))

    @property
    def sound(self) -> np.ndarray:
        return np.frombuffer(self.data, np.float32)


async def whole_s(engine: Engine) -> float:
    return (await Listener(engine).hear()).heard_s


def sounding(sound: np.ndarray) -> np.ndarray:
    """The middle of the longest word in it."""
    loud = np.convolve(np.abs(sound) > 0.01, np.ones(24), "same") > 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loud.astype(int), [0]))))
    begin, end = max(zip(edges[::2], edges[1::2], strict=True), key=lambda word: word[1] - word[0])
    return sound[begin + 200 : end - 200]


@pytest.mark.parametrize("speed", [0.5, 4.0])
async def test_all_but_what_waits_in_messages_is_heard_at_the_new_speed(tmp_path: Path, speed: float) -> None:
    async with running(tmp_path) as engine:
        plain_s = await whole_s(engine)
        listener = await Listener(engine).hear(1.0)
        listener.adjust(speed=speed)
        await listener.hear()
        least, most = sorted((1.0 + (plain_s - 1.0) / speed, 1.0 + MADE_S + (plain_s - 1.0 - MADE_S) / speed))
        assert least - 0.1 <= listener.heard_s <= most + 0.1
        assert listener.end is not None
        assert listener.end.samples == len(listener.sound)
        assert listener.words == sorted(listener.words)
        assert listener.words[-1] < listener.heard_s
        assert len(listener.words) == len(TEXT.split())


async def test_the_last_word_is_told_when_it_sounds_after_many_changes(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        listener = Listener(engine)
        for speed in (2.0, 0.5, 1.0, 3.0, 1.0):
            await listener.hear(1.5)
            listener.adjust(speed=speed)
        await listener.hear()
        last = listener.words[-1]
        before, after = (listener.sound[round((last + at) * RATE) :][: round(0.03 * RATE)] for at in (-0.05, 0.03))
        assert rms(after) > 5 * rms(before)


async def test_the_tone_is_higher_and_softer_from_then_on_and_time_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        plain_s = await whole_s(engine)
        listener = await Listener(engine).hear(1.0)
        listener.adjust(pitch=1.5, volume=0.25)
        await listener.hear()
        assert listener.heard_s == pytest.approx(plain_s, abs=0.1)
        first, last = sounding(listener.sound[:RATE]), sounding(listener.sound[-RATE:])
        assert frequency(last, RATE) / frequency(first, RATE) == pytest.approx(1.5, rel=0.01)
        assert rms(last) / rms(first) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("container", ["wav", "mp3", "opus"])
async def test_containers_go_on(tmp_path: Path, container: str) -> None:
    async with running(tmp_path) as engine:
        listener = await Listener(engine, container).hear(1.0)
        listener.adjust(speed=2.0, pitch=0.8, volume=0.5)
        await listener.hear()
        assert listener.end is not None
        sound, rate = decode(container, listener.data, RATE)
        assert len(sound) / rate == pytest.approx(listener.end.audio_s, abs=0.2)
        assert listener.end.audio_s == pytest.approx(listener.heard_s, abs=0.01)


async def test_a_listener_who_speeds_up_does_not_run_dry_behind_a_model_that_paces_itself(tmp_path: Path) -> None:
    """The model would else make one second a second, and the listener hear four."""
    async with running(tmp_path) as engine:
        listener = await Listener(engine, max_lead_s=1.0).hear(0.5)
        listener.adjust(speed=4.0)
        begins = asyncio.get_running_loop().time()
        await listener.hear(2.5)  # 10 s of the model's, which would take at least 8 at its old pace
        assert asyncio.get_running_loop().time() - begins < 7.5
        listener.session.close()


async def test_out_of_range_is_refused_and_the_speech_goes_on_as_it_was(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        plain_s = await whole_s(engine)
        listener = await Listener(engine).hear(1.0)
        for change in ({"speed": 9.0}, {"pitch": 0.1}, {"volume": 2.1}):
            with pytest.raises(InvalidRequest):
                listener.adjust(**change)
        await listener.hear()
        assert listener.heard_s == pytest.approx(plain_s, abs=0.01)
