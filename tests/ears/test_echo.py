"""What the gate lets through, by levels alone: noises stand for voices."""

from __future__ import annotations

import numpy as np
import pytest

from syrinx.core.types import Samples
from syrinx.ears.echo import ASSUMED_DB, EchoGate
from syrinx.ears.silero import RATE, STEP


def noise(seconds: float, seed: int, loudness: float = 0.1) -> Samples:
    """Comes and goes four times a second, as syllables do."""
    count = round(seconds * RATE)
    swell = np.sin(2 * np.pi * 2 * np.arange(count) / RATE) ** 2
    return (np.random.default_rng(seed).standard_normal(count) * swell * loudness).astype(np.float32)


def passed(gate: EchoGate, sound: Samples) -> Samples:
    steps = sound[: len(sound) // STEP * STEP].reshape(-1, STEP)
    return np.concatenate([gate.pass_through(step, learn=True) for step in steps])


def test_without_the_servers_voice_everything_passes() -> None:
    sound = noise(1.0, 1, 0.001)
    assert np.array_equal(passed(EchoGate(), sound), sound[: len(sound) // STEP * STEP])


def test_an_echo_is_silenced_from_the_first_moment_and_its_loudness_is_learnt() -> None:
    sent = noise(6.0, 1)
    gate = EchoGate()
    gate.note_played(sent, RATE, 0.0)
    heard = np.concatenate((np.zeros(RATE // 5, np.float32), sent * 0.1))[: len(sent)]
    assert not passed(gate, heard).any()
    assert -22.0 < gate.coupling_db < -18.0


def test_without_its_reference_the_same_echo_passes() -> None:
    assert passed(EchoGate(), noise(1.0, 1) * np.float32(0.1)).any()


def test_where_the_client_cancels_the_echo_a_whisper_passes() -> None:
    sent, user = noise(6.0, 1), noise(1.0, 2, 0.01)
    gate = EchoGate()
    gate.note_played(sent, RATE, 0.0)
    assert gate.coupling_db == ASSUMED_DB
    passed(gate, np.zeros(3 * RATE, np.float32))
    assert passed(gate, user).any()


def test_what_is_not_played_any_more_silences_nothing() -> None:
    gate = EchoGate()
    gate.note_played(noise(60.0, 1, 1.0), RATE, 0.0)
    gate.note_stopped(0.0)
    assert passed(gate, noise(1.0, 2, 0.01)).any()


def test_the_server_speaks_at_any_rate_and_is_cut_anywhere() -> None:
    sent = np.repeat(noise(3.0, 1), 3)[::2]  # 24 kHz
    heard = noise(3.0, 1) * np.float32(0.1)
    whole, cut = EchoGate(), EchoGate()
    whole.note_played(sent, 24_000, 0.0)
    for begin in range(0, len(sent), 977):
        cut.note_played(sent[begin : begin + 977], 24_000, 0.0)
    assert not passed(whole, heard).any() and not passed(cut, heard).any()


@pytest.mark.parametrize("missed_s", [0.0, 0.003, 0.7])
def test_times_that_are_counted_anew_lose_nothing_of_what_plays(missed_s: float) -> None:
    sent = noise(6.0, 1)
    echo, missed = sent * np.float32(0.1), round(missed_s * RATE)
    gate = EchoGate()
    gate.note_played(sent, RATE, 0.0)
    passed(gate, echo[: 2 * RATE])
    gate.restart(2.0 + missed_s)
    assert not passed(gate, echo[2 * RATE + missed : 3 * RATE + missed]).any(), "an echo without delay"
    gate.restart(1.0 + missed_s)
    assert not passed(gate, echo[3 * RATE + 2 * missed :]).any(), "and once more"
    assert -22.0 < gate.coupling_db < -18.0
    assert passed(gate, noise(1.5, 2, 0.001))[RATE * 5 // 4 :].any(), "it has ended when it ends"


def test_the_echo_of_what_was_sent_meanwhile_is_silenced() -> None:
    sent = noise(1.0, 1)
    gate = EchoGate()
    gate.note_played(sent, RATE, 0.5)
    passed(gate, np.zeros(RATE // 2, np.float32))
    gate.restart(1.5)
    late = RATE * 3 // 10
    assert not passed(gate, sent[-late:] * np.float32(0.1)).any()


def test_what_was_missed_is_not_taken_for_silence_in_which_no_echo_is() -> None:
    sent = noise(10.0, 1)
    echo = sent * np.float32(0.1)
    gate = EchoGate()
    gate.note_played(sent, RATE, 0.0)
    passed(gate, echo[: RATE // 4])
    gate.restart(3.25)  # between two syllables: what is heard next is quiet, and what was sent before was not
    assert not passed(gate, echo[13 * RATE // 4 : 4 * RATE]).any()
    assert gate.coupling_db == ASSUMED_DB, "nothing can be learnt until enough is known again"
    assert not passed(gate, echo[4 * RATE :]).any()
    assert -22.0 < gate.coupling_db < -18.0
