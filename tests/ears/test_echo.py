"""What the gate lets through, by levels alone: noises stand for voices."""

from __future__ import annotations

import numpy as np

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
