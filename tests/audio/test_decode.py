"""Reading files: right, bounded, and deaf to tricks."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syrinx.audio.decode import decode_audio
from syrinx.core.errors import InvalidRequest
from tests.audio.signals import tone


def wav(samples: np.ndarray, sample_rate: int = 22050) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_a_mono_file_comes_back_as_it_is() -> None:
    sound = tone(440.0, 0.5, 22050)
    samples, rate = decode_audio(wav(sound), 1.0)
    assert (rate, samples.dtype, samples.shape) == (22050, np.float32, sound.shape)
    np.testing.assert_allclose(samples, sound, atol=1 / 32768)


def test_channels_are_mixed_down() -> None:
    sound = tone(440.0, 0.5, 22050)
    samples, _ = decode_audio(wav(np.stack((sound, np.zeros_like(sound)), axis=1)), 1.0)
    assert np.corrcoef(samples, sound)[0, 1] > 0.999
    assert np.abs(samples).max() == pytest.approx(np.abs(sound).max() / 2, rel=0.001)
    equal, _ = decode_audio(wav(np.stack((sound, sound), axis=1)), 1.0)
    np.testing.assert_allclose(equal, sound, atol=1 / 32768)


def test_longer_than_allowed_is_refused_before_all_of_it_is_read() -> None:
    with pytest.raises(InvalidRequest, match=r"longer than 0\.4 s") as caught:
        decode_audio(wav(tone(440.0, 0.5, 22050)), 0.4)
    assert caught.value.code == "audio_too_long"


def test_or_cut_where_that_is_asked_for() -> None:
    sound = tone(440.0, 0.5, 22050)
    samples, _ = decode_audio(wav(sound), 0.4, cut=True)
    np.testing.assert_allclose(samples, sound[:8820], atol=1 / 32768)


def test_an_absurd_rate_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="the limit is 192000"):
        decode_audio(wav(tone(440.0, 0.1, 22050), 2_000_000), 10.0)


@pytest.mark.parametrize(("container", "channels"), [("WAV", 7), ("WAV", 8), ("WAV", 9), ("WAV", 48), ("FLAC", 8)])
def test_any_number_of_channels_is_mixed_down(container: str, channels: int) -> None:
    """PyAV reads past the end of what it knows of such frames; the whole server died of it."""
    sound, file = tone(440.0, 0.5, 22050), io.BytesIO()
    soundfile.write(file, np.stack([sound] * channels, axis=1), 22050, format=container, subtype="PCM_16")
    samples, _ = decode_audio(file.getvalue(), 1.0)
    np.testing.assert_allclose(samples, sound, atol=1 / 32768)


@pytest.mark.parametrize("channels", [65, 255, 1024])
def test_more_channels_than_anybody_has_are_refused(channels: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_audio(wav(np.zeros((2205, channels), np.float32)), 10.0)
    assert caught.value.code == "bad_audio"


def test_exactly_as_long_as_allowed_is_taken() -> None:
    assert len(decode_audio(wav(tone(440.0, 0.5, 22050)), 0.5)[0]) == 11025


@pytest.mark.parametrize("data", [b"", b"RIFF", b"hello" * 100, b"\0" * 5000, b"\xff\xd8\xff\xe0JFIF"])
def test_what_is_not_audio_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_audio(data, 10.0)
    assert caught.value.code == "bad_audio"
    assert "Errno" not in str(caught.value) and "<none>" not in str(caught.value)


def test_a_file_with_no_samples_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        decode_audio(wav(np.empty(0, np.float32)), 10.0)


def test_playlists_and_scripts_cannot_open_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret.wav").write_bytes(wav(tone(440.0, 0.5, 22050)))
    script = b"ffconcat version 1.0\nfile 'secret.wav'\n"
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n"
    with av.open(io.BytesIO(script)) as opened:  # FFmpeg would do it if it were let
        assert opened.format.name == "concat"
    for data in (script, playlist):
        with pytest.raises(InvalidRequest):
            decode_audio(data, 10.0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_broken_files_give_samples_or_a_refusal_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(wav(tone(440.0, 0.05, 8000), 8000))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        samples, rate = decode_audio(cut, 10.0)
    except InvalidRequest:
        return
    assert samples.dtype == np.float32 and rate > 0
