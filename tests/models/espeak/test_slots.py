from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from syrinx.core.errors import ModelFailed
from syrinx.models.espeak.binding import Sink, Utterance, WordEvent
from syrinx.models.espeak.slots import Slots
from syrinx.models.espeak.speech import MOST_CHUNK_S, Speech

RATE = 1000
TEN_SECONDS = 100
"""Callbacks of 100 ms."""
WAIT_S = 20.0


class FakeSpeaker:
    """Speaks ten seconds of ones, 100 ms and one word a callback, and counts callbacks."""

    def __init__(self, before: Callable[[Utterance], None] = lambda utterance: None) -> None:
        self.before = before
        self.callbacks = 0
        self.closed = False
        self.spoken: list[str] = []

    def speak(self, utterance: Utterance, sink: Sink) -> None:
        self.before(utterance)
        self.spoken.append(utterance.text)
        for n in range(TEN_SECONDS):
            self.callbacks += 1
            pcm = np.full(RATE // 10, 16384, np.int16).tobytes()
            if sink(pcm, [WordEvent(2 * n + 1, 1, n * RATE // 10)]):
                return

    def close(self) -> None:
        self.closed = True


def speech(text: str = "a " * TEN_SECONDS) -> Speech:
    return Speech(Utterance(text, "voice", 175), RATE)


def take_all(one: Speech) -> list[int]:
    lengths = []
    last = False
    while not last:
        chunk, last = one.take(WAIT_S)
        if chunk is not None:
            lengths.append(len(chunk.samples))
    return lengths


def test_the_first_chunk_comes_before_the_rest_is_made() -> None:
    speaker = FakeSpeaker()
    slots = Slots(1, lambda: speaker)
    one = speech()
    slots.submit(one)
    chunk, last = one.take(WAIT_S)
    assert chunk is not None and len(chunk.samples) == RATE // 10 and not last
    assert np.all(chunk.samples == 0.5) and [mark.end_s for mark in chunk.marks] == [0.1]
    lengths = take_all(one)
    assert sum(lengths) == 10 * RATE - RATE // 10 and max(lengths) == round(MOST_CHUNK_S * RATE)
    slots.close()


def test_stopping_ends_the_synthesis_at_its_next_callback_and_frees_the_slot() -> None:
    speaker = FakeSpeaker()
    slots = Slots(1, lambda: speaker)
    stopped, after = speech(), speech()
    slots.submit(stopped)
    stopped.take(WAIT_S)
    made = speaker.callbacks
    stopped.stop()
    slots.submit(after)
    assert sum(take_all(after)) == 10 * RATE
    assert speaker.callbacks - TEN_SECONDS <= made + 1
    slots.close()


def test_a_speech_stopped_before_its_turn_is_never_spoken() -> None:
    gate = threading.Event()

    def hold(utterance: Utterance) -> None:
        gate.wait(WAIT_S)

    speaker = FakeSpeaker(hold)
    slots = Slots(1, lambda: speaker)
    first, dropped, third = (
        speech("first" + "a " * TEN_SECONDS),
        speech("dropped"),
        speech("third" + "a " * TEN_SECONDS),
    )
    for one in (first, dropped, third):
        slots.submit(one)
    dropped.stop()
    gate.set()
    take_all(third)
    assert [text[:5] for text in speaker.spoken] == ["first", "third"]
    slots.close()


def test_a_new_speech_is_not_kept_waiting_by_one_that_nobody_reads() -> None:
    slots = Slots(1, FakeSpeaker)
    unread, fresh = speech(), speech()
    slots.submit(unread)
    unread.take(WAIT_S)
    slots.submit(fresh)
    assert fresh.take(WAIT_S)[0] is not None
    assert sum(take_all(unread)) == 10 * RATE - RATE // 10
    slots.close()


def test_what_the_library_raises_reaches_its_own_speech_only() -> None:
    def refuse(utterance: Utterance) -> None:
        if utterance.text == "bad":
            raise ModelFailed("no such voice")

    slots = Slots(1, lambda: FakeSpeaker(refuse))
    bad, good = speech("bad"), speech()
    slots.submit(bad)
    slots.submit(good)
    with pytest.raises(ModelFailed, match="no such voice"):
        bad.take(WAIT_S)
    assert sum(take_all(good)) == 10 * RATE
    slots.close()


def test_a_library_that_makes_nothing_is_given_up() -> None:
    with pytest.raises(ModelFailed, match="no audio"):
        speech().take(timeout_s=0)


def test_closing_stops_what_is_spoken_and_ends_threads_and_speakers() -> None:
    speakers = [FakeSpeaker(), FakeSpeaker()]
    rest = list(speakers)
    before = set(threading.enumerate())
    slots = Slots(2, rest.pop)
    one = speech()
    slots.submit(one)
    one.take(WAIT_S)
    slots.close()
    assert set(threading.enumerate()) <= before
    assert all(speaker.closed for speaker in speakers)
