"""The ear with its real model: recorded speech, the server's own voice, sounds that are no speech, any cutting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.hearing import RATE, Clip, Room, echo_of, heard, mixed, pcm_of, recorded, server_voice
from syrinx.core.types import Samples
from syrinx.ears.ear import Ear
from syrinx.ears.events import EarEvent, SpeechStarted, SpeechStopped
from syrinx.ears.settings import EarSettings
from syrinx.ears.silero import installed

USER_S = 5.0
"""When the user begins; the server does at 1.0."""


@pytest.fixture(scope="module")
def voice() -> Samples:
    return server_voice(12.0)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return recorded()


@pytest.fixture(scope="module")
def speech() -> bytes:
    return pcm_of(mixed(3.0, (0.5, recorded()[0].samples)))


def ear() -> Ear:
    return Ear(EarSettings(), RATE)


def starts(events: list[EarEvent]) -> list[SpeechStarted]:
    return [event for event in events if isinstance(event, SpeechStarted)]


@pytest.mark.parametrize("which", range(8))
def test_recorded_speech_over_the_servers_echo_is_heard_within_150_ms(
    voice: Samples, clips: list[Clip], which: int
) -> None:
    echo, clip = echo_of(voice[: 7 * RATE], Room(loss_db=20.0)), clips[which]
    sound = mixed(USER_S + 0.5, (1.0, echo), (USER_S, clip.samples))
    first = starts([told.event for told in heard(ear(), sound, sent=[(1.0, voice)])])[0]
    assert -20 < first.at_ms - 1000 * (USER_S + clip.onset_s) <= 150


@pytest.mark.parametrize("loss_db", [20.0, 15.0])
def test_the_servers_own_voice_interrupts_nobody(voice: Samples, loss_db: float) -> None:
    sound = mixed(13.0, (1.0, echo_of(voice, Room(loss_db, delay_s=0.3))))
    assert heard(ear(), sound, sent=[(1.0, voice)]) == []


def test_an_ear_that_is_not_told_takes_the_echo_for_a_user(voice: Samples) -> None:
    assert starts([told.event for told in heard(ear(), mixed(4.0, (1.0, echo_of(voice, Room()))))])


@pytest.mark.parametrize("missed_s", [0.0, 0.5])
def test_an_ear_that_follows_another_in_mid_answer_knows_what_plays(
    voice: Samples, clips: list[Clip], missed_s: float
) -> None:
    echo, clip = echo_of(voice[: 7 * RATE], Room(loss_db=20.0)), clips[0]
    pcm = pcm_of(mixed(USER_S + 1.0, (1.0, echo), (USER_S, clip.samples)))
    old, new, begin_s = ear(), Ear(EarSettings(threshold=0.4), RATE), 3.01 + missed_s
    old.note_played(pcm_of(voice), RATE, at_ms=1000)
    assert old.hear(pcm[: 2 * round(3.01 * RATE)]) == []
    new.follow(old, missed_s)
    (first, *_) = new.hear(pcm[2 * round(begin_s * RATE) :])
    assert isinstance(first, SpeechStarted)
    assert -20 < first.at_ms + 1000 * (begin_s - USER_S - clip.onset_s) <= 150


def test_a_turn_ends_when_the_user_has_been_silent(speech: bytes) -> None:
    began, ended = ear().hear(speech)
    assert isinstance(began, SpeechStarted) and isinstance(ended, SpeechStopped)
    assert began.audio_start_ms < began.at_ms < ended.audio_end_ms <= 3000


@pytest.mark.parametrize("sound", ["silence", "noise", "knocks"])
def test_what_is_no_speech_is_not_taken_for_it(sound: str) -> None:
    count, random = 4 * RATE, np.random.default_rng(3)
    samples = np.zeros(count)
    if sound == "noise":
        samples = random.standard_normal(count) * 0.03
    if sound == "knocks":
        samples = random.standard_normal(count) * 0.3 * np.exp(-(np.arange(count) % RATE) / (0.02 * RATE))
    assert ear().hear(pcm_of(samples.astype(np.float32))) == []


@settings(max_examples=5)
@given(cuts=st.lists(st.integers(0, 3 * RATE * 2), max_size=40))
def test_the_cutting_of_the_bytes_changes_nothing(speech: bytes, cuts: list[int]) -> None:
    whole = ear().hear(speech)
    listener, events = ear(), []
    edges = [0, *sorted(cuts), len(speech)]
    for begin, end in itertools.pairwise(edges):
        events += listener.hear(speech[begin:end])
    assert events == whole and listener.heard_ms == 3000


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 48_000])
def test_microphones_of_other_rates_are_heard_alike(clips: list[Clip], rate: int) -> None:
    clip = clips[0]
    count = round(2 * rate)
    sound = np.interp(np.arange(count) / rate, np.arange(2 * RATE) / RATE, mixed(2.0, (0.5, clip.samples)))
    (began, *_) = Ear(EarSettings(), rate).hear(pcm_of(sound.astype(np.float32)))
    assert isinstance(began, SpeechStarted)
    assert 0 < began.at_ms - 1000 * (0.5 + clip.onset_s) <= 200


def test_the_library_is_there() -> None:
    assert installed()
