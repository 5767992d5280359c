"""What an ear's figures are taken with: recorded voices, the server's own voice, a room, and a microphone in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syrinx.audio.decode import decode_audio
from syrinx.audio.level import rms
from syrinx.audio.resample import Resampler
from syrinx.core.types import Samples
from syrinx.ears.ear import Ear
from syrinx.ears.events import EarEvent

RATE = 24_000
"""Hertz of everything here: OpenAI's audio/pcm."""
RECORDINGS = Path("/usr/share/sounds/alsa")
"""A person says where a loudspeaker stands ("Front center", ...), and a noise; of Debian's package alsa-utils."""
SPEECH_DBFS = -26.0
"""Level of voices while they sound; usual for speech on a line (ITU-T P.56 measures, P.800 uses it)."""
FLOOR_DBFS = -70.0
"""Noise of a microphone."""
ONSET_DB = -28.0
"""Speech begins with the first 10 ms above this, against the clip's loudest 10 ms: 20 dB below the speech level."""
STEP = RATE // 100


@dataclass(frozen=True, slots=True)
class Room:
    """The way from a loudspeaker to a microphone."""

    loss_db: float = 20.0
    delay_s: float = 0.12
    reverberation_s: float = 0.3
    """Time in which a sound falls by 60 dB."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Recorded speech."""

    name: str
    samples: Samples
    onset_s: float


def recorded() -> list[Clip]:
    """The recorded voices, all at the same level. Raises ``LookupError`` where they are not installed."""
    files = sorted(path for path in RECORDINGS.glob("*.wav") if path.stem != "Noise")
    if not files:
        raise LookupError(f"no recorded speech in {RECORDINGS}: install Debian's package alsa-utils")
    return [clip(path.stem, *decode_audio(path.read_bytes(), 60.0)) for path in files]


def clip(name: str, samples: Samples, rate: int) -> Clip:
    """Speech of any rate, levelled, and where it begins."""
    resampler = Resampler(rate, RATE)
    sound = levelled(np.concatenate((resampler.push(samples), resampler.flush())))
    return Clip(name, sound, onset_s(sound))


def onset_s(samples: Samples) -> float:
    """When the speech in a clean recording begins."""
    powers = _powers(samples)
    return float(np.argmax(powers > powers.max() * 10 ** (ONSET_DB / 10))) * STEP / RATE


def levelled(samples: Samples, dbfs: float = SPEECH_DBFS) -> Samples:
    """The sound with this level while it sounds: pauses, 25 dB below the loudest 10 ms, do not count."""
    powers = _powers(samples)
    level = np.sqrt(powers[powers > powers.max() * 10 ** (-25 / 10)].mean())
    return (samples * (10 ** (dbfs / 20) / level)).astype(np.float32)


def server_voice(seconds: float) -> Samples:
    """The server's own voice: espeak reads a text over and over."""
    from bench.measures.texts import PARAGRAPH  # the measures import this module
    from syrinx import TTSConfig, TTSEngine

    pcm = bytearray()
    with TTSEngine(TTSConfig(model_name="espeak")) as engine:
        rate = engine.config.sample_rate
        while len(pcm) < 2 * rate * seconds:
            for chunk in engine.speak(PARAGRAPH):
                pcm += chunk
    samples = np.frombuffer(bytes(pcm[: 2 * int(rate * seconds)]), "<i2").astype(np.float32) / np.float32(32768)
    return clip("server", samples, rate).samples


def echo_of(samples: Samples, room: Room) -> Samples:
    """What a microphone hears of it: late, quieter, without the lows and highs of a small loudspeaker, reverberant."""
    size = 1 << (len(samples) + RATE).bit_length()
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    low = (frequencies / 200.0) ** 2
    loudspeaker = low / (1 + low) / (1 + (frequencies / 5000.0) ** 4)
    spectrum = np.fft.rfft(samples, size) * loudspeaker * np.fft.rfft(_response(room), size)
    wet = np.fft.irfft(spectrum, size)[: len(samples)]
    late = round(room.delay_s * RATE)
    loud = wet * (rms(samples) / rms(wet.astype(np.float32)) * 10 ** (-room.loss_db / 20))
    return np.concatenate((np.zeros(late), loud))[: len(samples)].astype(np.float32)


def _response(room: Room) -> Samples:
    """A direct sound and a tail of noise with more energy in all than the direct sound: a hard room."""
    time_s = np.arange(round(room.reverberation_s * RATE)) / RATE
    tail = np.random.default_rng(7).standard_normal(len(time_s)) * 10 ** (-3 * time_s / room.reverberation_s) * 0.12
    tail[0] = 1.0
    return tail.astype(np.float32)


def floor(seconds: float) -> Samples:
    """The noise of a microphone in a silent room."""
    count = round(seconds * RATE)
    return (np.random.default_rng(11).standard_normal(count) * 10 ** (FLOOR_DBFS / 20)).astype(np.float32)


def mixed(seconds: float, *sounds: tuple[float, Samples]) -> Samples:
    """Sounds, each from its second on, over the floor of the microphone; what is beyond the end is cut."""
    total = floor(seconds)
    for begin_s, samples in sounds:
        begin = round(begin_s * RATE)
        part = samples[: max(0, len(total) - begin)]
        total[begin : begin + len(part)] += part
    return total


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and how much audio the ear had been given when it came."""

    given_ms: float
    event: EarEvent


def heard(ear: Ear, sound: Samples, *, chunk_ms: float = 20, sent: Sequence[tuple[float, Samples]] = ()) -> list[Told]:
    """Give the ear a microphone's sound in chunks. ``sent``: what the server sends at which second, each at once."""
    pcm, step = pcm_of(sound), 2 * round(chunk_ms * RATE / 1000)
    waiting = sorted(sent, key=lambda each: each[0])
    told: list[Told] = []
    for begin in range(0, len(pcm), step):
        while waiting and waiting[0][0] * RATE * 2 <= begin:
            ear.note_played(pcm_of(waiting.pop(0)[1]), RATE)
        given_ms = min(begin + step, len(pcm)) / 2 / RATE * 1000
        told += [Told(given_ms, event) for event in ear.hear(pcm[begin : begin + step])]
    return told


def pcm_of(samples: Samples) -> bytes:
    """Signed 16-bit little-endian."""
    return np.rint(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()


def _powers(samples: Samples) -> Samples:
    count = len(samples) // STEP
    return np.square(samples[: count * STEP]).reshape(count, STEP).mean(axis=1)
