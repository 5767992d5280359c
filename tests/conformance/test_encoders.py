"""The contract of every container in executable form. A new one is tested by being in ``CONTAINERS`` and ``TRAITS``."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syrinx.audio.encode import CONTAINERS, container, create_encoder, seal
from syrinx.audio.level import rms
from syrinx.core.errors import SyrinxError
from syrinx.core.types import AudioFormat, Samples
from tests.audio.signals import decode, frequency, tone


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a container from outside."""

    magic: bytes
    """How the stream begins (header or first frame)."""
    header_bytes: int | None
    """Length of ``begin()``; None: not fixed."""
    first_bytes_ms: dict[int, float]
    """Audio fed in 20 ms pieces until bytes come, at that rate."""
    pad_frames: tuple[int, int] = (0, 0)
    """Encoder delay and padding: least and most samples more than went in, at the encoded rate."""
    rms_error: float = 0.001
    """Relative, of a tone at -9 dBFS."""


def mpeg_frames(low_rate: float, mid_rate: float, high_rate: float) -> dict[int, float]:
    return {8000: low_rate, 24000: mid_rate, 48000: high_rate}


def always(limit_ms: float) -> dict[int, float]:
    return {rate: limit_ms for rate in (8000, 12000, 24000, 48000)}


AT_ONCE = always(20.0)

TRAITS = {
    "pcm_s16le": Traits(b"", 0, AT_ONCE),
    "pcm_f32le": Traits(b"", 0, AT_ONCE),
    "wav": Traits(b"RIFF\xff\xff\xff\xffWAVEfmt ", 44, AT_ONCE),
    "wav_f32le": Traits(b"RIFF\xff\xff\xff\xffWAVEfmt ", 58, AT_ONCE),
    "wav_mulaw": Traits(b"RIFF\xff\xff\xff\xffWAVEfmt ", 58, AT_ONCE, rms_error=0.02),
    "wav_alaw": Traits(b"RIFF\xff\xff\xff\xffWAVEfmt ", 58, AT_ONCE, rms_error=0.02),
    "mulaw": Traits(b"", 0, AT_ONCE, rms_error=0.02),
    "alaw": Traits(b"", 0, AT_ONCE, rms_error=0.02),
    "flac": Traits(b"fLaC", None, AT_ONCE),
    "opus": Traits(b"OggS\0\2", None, AT_ONCE, rms_error=0.1),
    "webm": Traits(b"\x1a\x45\xdf\xa3", None, always(60.0), pad_frames=(0, 480), rms_error=0.1),
    "mp3": Traits(b"\xff", 0, mpeg_frames(160.0, 60.0, 60.0), pad_frames=(0, 4 * 1152), rms_error=0.1),
    "aac": Traits(b"\xff\xf1", 0, mpeg_frames(260.0, 100.0, 60.0), pad_frames=(0, 3 * 1024), rms_error=0.1),
}

RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000)
CASES = [(name, rate) for name, info in CONTAINERS.items() for rate in RATES if rate in (info.sample_rates or RATES)]
ODD_RATE = 13579
"""No one's standard: containers that say "any rate" must mean it."""
CASES += [(name, ODD_RATE) for name, info in CONTAINERS.items() if info.sample_rates is None]

NAMES = list(CONTAINERS)


def encode(name: str, rate: int, samples: Samples, sizes: list[int] | None = None) -> bytes:
    encoder = create_encoder(AudioFormat(name), rate)
    out, start = [encoder.begin()], 0
    for size in sizes or []:
        out.append(encoder.encode(samples[start : start + size]))
        start += size
    out.append(encoder.encode(samples[start:]))
    out.append(encoder.finish())
    return b"".join(out)


def test_every_container_has_its_traits_stated() -> None:
    assert set(TRAITS) == set(CONTAINERS)


@pytest.mark.parametrize(("name", "rate"), CASES)
def test_an_independent_decoder_hears_the_tone_that_went_in(name: str, rate: int) -> None:
    traits, samples = TRAITS[name], tone(997.0, 1.3, rate)
    data = encode(name, rate, samples)
    decoded, decoded_rate = decode(name, data, rate)
    extra = len(decoded) - len(samples) * decoded_rate / rate
    slack = decoded_rate / rate
    assert data.startswith(traits.magic)
    assert traits.pad_frames[0] - 1 <= extra <= traits.pad_frames[1] * slack + 1
    middle = decoded[round(0.2 * decoded_rate) : round(1.1 * decoded_rate)]
    assert frequency(middle, decoded_rate) == pytest.approx(997.0, abs=1.0)
    assert rms(middle) == pytest.approx(rms(samples), rel=traits.rms_error)


@pytest.mark.parametrize("name", NAMES)
def test_the_last_sound_is_not_lost(name: str) -> None:
    rate = 24000
    samples = np.concatenate((np.zeros(rate, np.float32), tone(997.0, 0.05, rate)))
    decoded, decoded_rate = decode(name, encode(name, rate, samples), rate)
    heard = np.sum(np.square(decoded, dtype=np.float64)) / decoded_rate
    assert heard == pytest.approx(np.sum(np.square(samples, dtype=np.float64)) / rate, rel=0.15)


@pytest.mark.parametrize("name", [name for name, info in CONTAINERS.items() if info.lossless])
def test_lossless_means_that_16_bit_samples_come_back_bit_for_bit(name: str) -> None:
    samples = np.random.default_rng(2).integers(-32768, 32768, 24000).astype(np.float32) / np.float32(32768)
    decoded, _ = decode(name, encode(name, 24000, samples), 24000)
    np.testing.assert_array_equal(decoded, samples)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sizes=st.lists(st.integers(0, 5000), max_size=30))
def test_the_stream_is_the_same_however_samples_are_cut(name: str, sizes: list[int]) -> None:
    samples = tone(440.0, 0.7, 24000)
    whole, _ = decode(name, encode(name, 24000, samples), 24000)
    pieces, _ = decode(name, encode(name, 24000, samples, sizes), 24000)
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_single_samples_and_empty_chunks_are_fine(name: str) -> None:
    samples = tone(440.0, 0.1, 24000)
    whole, _ = decode(name, encode(name, 24000, samples), 24000)
    pieces, _ = decode(name, encode(name, 24000, samples, [0, 1, 0, *[1] * 600, 0, 7]), 24000)
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "rate", "limit_ms"),
    [
        (name, rate, limit)
        for name, traits in TRAITS.items()
        for rate, limit in traits.first_bytes_ms.items()
        if rate in (CONTAINERS[name].sample_rates or RATES)
    ],
)
def test_first_bytes_come_after_the_stated_amount_of_audio(name: str, rate: int, limit_ms: float) -> None:
    encoder = create_encoder(AudioFormat(name), rate)
    header = encoder.begin()
    assert TRAITS[name].header_bytes in (None, len(header))
    samples, step, fed = tone(440.0, 1.0, rate), rate // 50, 0
    while not encoder.encode(samples[fed : fed + step]):
        fed += step
        assert fed < len(samples)
    encoder.close()
    assert (fed + step) / rate * 1000 <= limit_ms


@pytest.mark.parametrize("name", [name for name in NAMES if name != "pcm_f32le"])  # floats carry any value
def test_a_loud_sample_is_clamped_and_never_wraps(name: str) -> None:
    samples = tone(200.0, 0.3, 24000, level=3.0)
    decoded, rate = decode(name, encode(name, 24000, samples), 24000)
    heard, meant = decoded[:: rate // 24000], np.clip(samples, -1, 1)
    likeness = np.correlate(heard, meant, "full").max() / (np.linalg.norm(heard) * np.linalg.norm(meant))
    assert likeness > 0.95  # a wrapped 16-bit sine is at 0.5


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_without_audio_ends_well(name: str) -> None:
    encoder = create_encoder(AudioFormat(name), 24000)
    data = encoder.begin() + encoder.encode(np.empty(0, np.float32)) + encoder.finish()
    assert data.startswith(TRAITS[name].magic) or not data


@pytest.mark.parametrize("name", NAMES)
def test_calls_out_of_order_are_refused_by_name(name: str) -> None:
    some = tone(440.0, 0.1, 24000)
    encoder = create_encoder(AudioFormat(name), 24000)
    with pytest.raises(SyrinxError, match=r"encode\(\) was called before begin"):
        encoder.encode(some)
    with pytest.raises(SyrinxError, match=r"finish\(\) was called before begin"):
        encoder.finish()
    encoder.begin()
    with pytest.raises(SyrinxError, match=r"begin\(\) was called a second time"):
        encoder.begin()
    encoder.encode(some)
    encoder.finish()
    with pytest.raises(SyrinxError, match=r"encode\(\) was called after finish"):
        encoder.encode(some)
    encoder.close()
    encoder.close()
    abandoned = create_encoder(AudioFormat(name), 24000)
    abandoned.begin()
    abandoned.close()
    with pytest.raises(SyrinxError, match=r"encode\(\) was called after close"):
        abandoned.encode(some)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "dropped"])
def test_abandoned_encoders_leave_nothing_behind(name: str, closed: bool) -> None:
    some, process = tone(440.0, 0.05, 24000), psutil.Process()

    def abandon(times: int) -> None:
        for _ in range(times):
            encoder = create_encoder(AudioFormat(name), 24000)
            encoder.begin()
            encoder.encode(some)
            if closed:
                encoder.close()
        gc.collect()

    abandon(20)  # tables, codecs and allocator pools
    before = process.memory_info().rss
    abandon(200)
    grown = process.memory_info().rss - before
    assert grown < 8_000_000, f"{grown / 200:.0f} bytes for each abandoned encoder"


@pytest.mark.parametrize("name", NAMES)
def test_a_sealed_file_still_decodes_to_the_same_samples(name: str) -> None:
    samples = tone(440.0, 0.31, 24000)
    data = encode(name, 24000, samples)
    sealed, _ = decode(name, seal(AudioFormat(name), data, len(samples)), 24000)
    np.testing.assert_array_equal(sealed, decode(name, data, 24000)[0])


@pytest.mark.parametrize("name", [name for name, info in CONTAINERS.items() if info.bitrates])
def test_both_ends_of_the_bitrate_range_work_and_differ(name: str) -> None:
    sizes = []
    for bitrate in container(name).bitrates or ():
        encoder = create_encoder(AudioFormat(name, bitrate=bitrate), 48000)
        data = encoder.begin() + encoder.encode(tone(440.0, 1.0, 48000)) + encoder.finish()
        assert len(decode(name, data, 48000)[0]) >= 48000
        sizes.append(len(data))
    assert sizes[0] < sizes[1] / 2
