"""Normal speech passes; what cannot be cloned from is refused with what was measured, quickly and in little memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Samples
from syrinx.voices.clip import MAX_CLIP_BYTES, read_clip, wav_bytes
from syrinx.voices.reference import check_reference
from tests.fakes.speech import RATE, noise, recording, speech, tone


def refusal(data: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        check_reference(data)
    return caught.value


def with_noise(samples: Samples, snr_db: float) -> Samples:
    level = float(np.sqrt(np.mean(np.square(samples)))) * 10 ** (-snr_db / 20)
    return samples + noise(len(samples) / RATE, RATE, level)[: len(samples)]


@pytest.mark.parametrize("voice", ["en", "en-us+f3", "de", "fr-fr", "cmn", "en+whisper"])
@pytest.mark.parametrize("speed", [0.7, 1.0, 1.6])
def test_3_05_normal_speech_passes(voice: str, speed: float) -> None:
    assert check_reference(recording(speech(voice, speed))).seconds > 4


@pytest.mark.parametrize("peak_db", [-35.0, -20.0, -10.0, -3.0, 0.0, 3.0])
def test_3_05_speech_passes_at_any_usual_level(peak_db: float) -> None:
    assert 8 < check_reference(recording(speech(peak_db=peak_db))).seconds < 10


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_3_05_speech_passes_at_any_rate(rate: int, channels: int) -> None:
    found = check_reference(recording(speech(rate=rate), rate, channels=channels))
    assert (found.sample_rate, round(found.seconds)) == (rate, 9)


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "ogg"])
@pytest.mark.parametrize("channels", [1, 2])
def test_3_05_speech_passes_in_any_container(kind: str, channels: int) -> None:
    found = check_reference(recording(speech(peak_db=-0.5, rate=24_000), 24_000, kind, channels))
    assert 8 < found.seconds < 10


@pytest.mark.parametrize("snr_db", [15, 20, 30])
def test_3_05_speech_with_mild_noise_passes(snr_db: float) -> None:
    assert check_reference(recording(with_noise(speech(peak_db=-6), snr_db))).seconds > 8


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        pytest.param(recording(speech()[: 2 * RATE]), "audio_too_short", "lasts 2.0 s; the least is 3 s", id="short"),
        pytest.param(
            recording(np.concatenate([np.zeros(5 * RATE, np.float32), speech()[: 2 * RATE]])),
            "audio_too_short",
            "s of speech in it; the least is 3 s",
            id="short in silence",
        ),
        pytest.param(recording(np.zeros(5 * RATE, np.float32)), "audio_too_quiet", "the least is -50 dB", id="silent"),
        pytest.param(recording(speech(peak_db=-50)), "audio_too_quiet", "at -6", id="quiet"),
        pytest.param(
            recording(np.full(5 * RATE, 0.5, np.float32)), "audio_too_quiet", "the least is -50 dB", id="an offset"
        ),
        pytest.param(recording(speech(peak_db=9)), "audio_clipped", "the most is 0.5%", id="clipped"),
        pytest.param(recording(noise(), 24_000), "audio_noisy", "the least is 15 dB", id="noise"),
        pytest.param(recording(with_noise(speech(peak_db=-6), 3)), "audio_noisy", "the least is 15 dB", id="noisy"),
        pytest.param(b"", "bad_audio", "", id="empty"),
        pytest.param(b"\0" * 5000, "bad_audio", "", id="zeros"),
        pytest.param(b"these are no samples " * 99, "bad_audio", "", id="text"),
        pytest.param(recording(speech())[:40], "bad_audio", "", id="header only"),
    ],
)
def test_3_05_each_refusal_has_its_code_and_numbers(data: bytes, code: str, said: str) -> None:
    error = refusal(data)
    assert error.code == code and said in str(error)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -1e30, 1e4])
def test_samples_that_are_no_sound_are_refused(value: float) -> None:
    """Of those that are finite the levels were not, which was answered with 500."""
    samples = speech().copy()
    samples[5000] = value
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36, b"WAVE", b"fmt ", 16, 3, 1, RATE, RATE * 4, 4, 32, b"data", 0
    )
    header = header[:-4] + struct.pack("<I", samples.nbytes)
    assert refusal(header + samples.tobytes()).code == "bad_audio"


def test_a_held_note_is_no_noise() -> None:
    assert check_reference(recording(tone(), 24_000)).seconds == pytest.approx(5, abs=0.1)


def test_the_edges_are_cut_and_the_first_30_s_of_speech_are_used() -> None:
    silence = np.zeros(4 * RATE, np.float32)
    found = check_reference(recording(np.concatenate([silence, *[speech()] * 5, silence])))
    assert found.seconds > 40
    assert len(found.samples) == 30 * RATE
    assert np.abs(found.samples[: RATE // 2]).max() > 0.1


def test_normalising_brings_speech_to_a_usual_level_and_not_past_full_scale() -> None:
    loud = [
        float(np.percentile(np.abs(check_reference(recording(speech(peak_db=db))).samples), 99)) for db in (-30, -3)
    ]
    assert loud[0] == pytest.approx(loud[1], rel=0.03)
    quiet = check_reference(recording(speech(peak_db=-30)), normalize=False).samples
    assert np.abs(quiet).max() == pytest.approx(10 ** (-30 / 20), rel=0.01)
    for peak_db in (-30, 0):
        assert np.abs(check_reference(recording(speech("en+m3", peak_db=peak_db))).samples).max() <= 0.951


def test_high_rates_are_brought_down() -> None:
    found = check_reference(recording(speech(rate=96_000), 96_000))
    assert found.sample_rate == 48_000 and 8 < found.seconds < 10


def test_a_clip_is_kept_bit_for_bit_and_within_its_bound() -> None:
    found = check_reference(recording(speech(rate=48_000), 48_000))
    kept = wav_bytes(found.clip("hello", "en"))
    assert len(kept) < MAX_CLIP_BYTES
    clip = read_clip(kept, "hello", "en")
    assert (clip.sample_rate, clip.text, clip.language) == (48_000, "hello", "en")
    assert np.abs(clip.samples - found.samples).max() <= 1 / 65536
    assert wav_bytes(clip) == kept


# --- files made to harm --------------------------------------------------------------------------------------------


def long_header() -> bytes:
    """A WAV file that says it lasts ten hours, of 1 kB."""
    size = 10 * 3600 * 48_000 * 2
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", size, b"WAVE", b"fmt ", 16, 1, 1, 48_000, 96_000, 2, 16, b"data", size
    )
    return head + bytes(1000)


def flac_bomb(hours: float = 2.0) -> bytes:
    """Hours of silence in 1.3 MB, which would be 230 MB as floats."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as file:
        stream: Any = file.add_stream("flac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4608), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        packets = stream.encode(frame)
        while not packets:
            packets = stream.encode(frame)
        for _ in range(int(hours * 3600 * 8000 / 4608)):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(long_header, "audio_too_short", id="10 hours on 1 kB"),
        pytest.param(flac_bomb, "audio_too_quiet", id="flac of silence"),
    ],
)
def test_files_made_to_harm_are_refused_in_little_memory(make: Callable[[], bytes], code: str) -> None:
    data = make()
    assert len(data) < 1_500_000
    tracemalloc.start()
    try:
        assert refusal(data).code == code
        assert tracemalloc.get_traced_memory()[1] < 40_000_000  # a minute at 8 kHz takes 2 MB, its spectrum 4
    finally:
        tracemalloc.stop()


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC", b"OggS", b"ID3", b"\xff\xfb"]),
)
@settings(max_examples=150)
def test_any_bytes_are_refused_and_nothing_else_is_raised(data: bytes, start: bytes) -> None:
    assert refusal(start + data).code in ("bad_audio", "audio_too_short")
