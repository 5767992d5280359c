"""Faster and slower speech: is it as long as it should be, in its own voice, and how late does it come?"""

from __future__ import annotations

import asyncio

import numpy as np

from bench.figure import Effort, Figure
from bench.harness import RATE, SPEECH_PATH, Server, ServerPlan, ms
from bench.http import HttpClient
from bench.measures.bare_espeak import TEXTS
from syrinx.audio.pipeline import Pipeline, PipelineSpec
from syrinx.core.types import AudioFormat, Delivery, Samples

RATES = (0.5, 0.75, 1.25, 1.5, 2.0, 3.0, 4.0)
LENGTH_REACH, PITCH_REACH, DELAY_REACH_S = 0.02, 0.01, 0.09
PIECE_S = 0.001
"""How finely audio is fed to the chain, and so the resolution of the delay."""
AUDIBLE = 0.01
VOICE_HZ = (70.0, 200.0)
"""Where espeak's default voice lies, by far."""


async def measure(effort: Effort) -> list[Figure]:
    """The chain by itself on real speech, and all of a server around it."""
    rates = RATES if not effort.quick else RATES[::3]
    plan = ServerPlan("espeak", settings={"max_lead_s": 0, "response_cache": "off"})
    with Server(plan, effort.folder) as server:
        async with HttpClient(server.port) as client:
            plain = await _spoken(client, 1.0)
            lengths = {rate: len(await _spoken(client, rate)) for rate in rates}
    espeak = {rate: length * rate / len(plain) - 1 for rate, length in lengths.items()}
    chain = {rate: await asyncio.to_thread(_through, plain, rate) for rate in rates}
    length = {rate: len(sound) * rate / len(plain) - 1 for rate, sound in chain.items()}
    pitch = {rate: await asyncio.to_thread(_pitch_change, plain, sound, rate) for rate, sound in chain.items()}
    delay_s = max([await asyncio.to_thread(_delay_s, rate) for rate in rates])
    span = f"rate {rates[0]:g} to {rates[-1]:g}"
    return [
        Figure(
            what=f"{span}, made by the audio chain of {len(plain) / RATE:.0f} s of speech",
            reach=f"length within {LENGTH_REACH:.0%}, F0 within {PITCH_REACH:.0%}, "
            f"first audio delayed by <= {ms(DELAY_REACH_S)} of audio",
            measured=f"length {_worst(length):.2%}, F0 {_worst(pitch):.2%}, delay {ms(delay_s)} at most",
            yardstick=f"at rate 1 the chain delays by {ms(_delay_s(1.0))}",
            ok=_worst(length) <= LENGTH_REACH and _worst(pitch) <= PITCH_REACH and delay_s <= DELAY_REACH_S,
        ),
        Figure(
            what=f"{span}, espeak over POST {SPEECH_PATH}",
            reach=f"length within {LENGTH_REACH:.0%}",
            measured=", ".join(f"{rate:g}: {error:+.1%}" for rate, error in espeak.items()),
            yardstick=f"the chain alone: {_worst(length):.2%}",
            ok=_worst(espeak) <= LENGTH_REACH,
        ),
    ]


async def _spoken(client: HttpClient, rate: float) -> Samples:
    body = {"input": " ".join(TEXTS), "speed": rate, "response_format": "pcm"}
    data = b"".join([piece async for piece in client.post(SPEECH_PATH, body)])
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)


def _chain(rate: float) -> Pipeline:
    return Pipeline(PipelineSpec(RATE, AudioFormat("pcm_f32le"), Delivery(speed=rate)))


def _through(sound: Samples, rate: float) -> Samples:
    """What the chain makes of it, fed as a model gives it."""
    chain, piece = _chain(rate), RATE // 10
    out = [chain.begin(), *(chain.push(sound[at : at + piece])[0] for at in range(0, len(sound), piece))]
    return np.frombuffer(b"".join([*out, chain.finish()[0]]), "<f4")


def _delay_s(rate: float) -> float:
    """Seconds of audio that go in after the first sound before it is out, whatever moment it begins at; the worst."""
    worst, piece = 0, round(PIECE_S * RATE)
    for onset in range(700, 1200, 50):
        tone = 0.5 * np.sin(2 * np.pi * 200 / RATE * np.arange(RATE // 2))
        sound = np.concatenate((np.zeros(onset), tone)).astype(np.float32)
        chain, fed, heard = _chain(rate), 0, False
        chain.begin()
        while not heard and fed < len(sound):
            out = np.frombuffer(chain.push(sound[fed : fed + piece])[0], "<f4")
            fed += piece
            heard = bool((np.abs(out) > AUDIBLE).any())
        worst = max(worst, fed - onset)
    return worst / RATE


def _pitch_change(plain: Samples, sound: Samples, rate: float) -> float:
    """Relative change of the pitch: the median over pairs of voiced moments that belong together."""
    found: list[float] = []
    for at in np.arange(0.1, len(sound) / RATE - 0.1, 0.01):
        before, after = _pitch(plain, at * rate), _pitch(sound, at)
        if before and after and abs(after / before - 1) < 0.3:  # more is another octave or another vowel
            found.append(after / before - 1)
    return float(np.median(found)) if found else 1.0


def _pitch(sound: Samples, at_s: float) -> float:
    """Hertz of the voice around a moment, by autocorrelation with a parabola through its top; 0: not voiced."""
    middle, half = round(at_s * RATE), round(0.04 * RATE)
    part = sound[max(0, middle - half) : middle + half]
    level = float(np.sqrt(np.mean(np.square(part)))) if len(part) == 2 * half else 0.0
    if level < 0.05:
        return 0.0
    spectrum = np.fft.rfft(part, 2 * len(part))
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)
    first, last = round(RATE / VOICE_HZ[1]), round(RATE / VOICE_HZ[0])
    top = first + int(likeness[first:last].argmax())
    if likeness[top] < 0.4 * likeness[0]:
        return 0.0
    left, centre, right = likeness[top - 1 : top + 2]
    return float(RATE / (top + 0.5 * (left - right) / (left - 2 * centre + right)))


def _worst(errors: dict[float, float]) -> float:
    return max(abs(error) for error in errors.values())
