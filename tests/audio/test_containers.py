"""The registry: names, rates, refusals, and finished files."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from syrinx.audio.encode import ALIASES, CONTAINERS, container, create_encoder, output_rate, seal
from syrinx.core.errors import UnsupportedFormat
from syrinx.core.types import AudioFormat
from tests.audio.signals import tone


def test_the_documentation_has_a_true_row_for_every_container() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audio.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    table = {row[0].split("`")[1]: row for row in rows if len(row) == 8}
    assert set(table) == set(CONTAINERS)
    for name, info in CONTAINERS.items():
        _, media_type, rates, _, _, _, _, where = table[name]
        assert media_type == f"`{info.media_type}`"
        assert rates == ("8000 to 48000" if info.sample_rates is None else " ".join(map(str, info.sample_rates)))
        assert where == ("yes" if info.cheap else "thread")


@pytest.mark.parametrize(
    ("alias", "name"), [("pcm", "pcm_s16le"), ("ulaw", "mulaw"), ("PCM", "pcm_s16le"), ("Opus", "opus")]
)
def test_aliases_and_case_do_not_matter(alias: str, name: str) -> None:
    assert container(alias) is CONTAINERS[name]


def test_every_alias_names_a_container_and_hides_none() -> None:
    assert set(ALIASES.values()) <= set(CONTAINERS)
    assert not set(ALIASES) & set(CONTAINERS)


def test_an_unknown_container_is_refused_with_the_list_of_those_that_exist() -> None:
    with pytest.raises(UnsupportedFormat, match=r"'au'.*pcm_s16le.*mp3.*webm") as caught:
        container("au")
    assert caught.value.param == "container"


@pytest.mark.parametrize(
    ("name", "asked", "native", "delivered"),
    [
        ("pcm", None, 22050, 22050),
        ("pcm", 24000, 22050, 24000),
        ("pcm", None, 96000, 48000),
        ("pcm", None, 4000, 8000),
        ("opus", None, 22050, 24000),
        ("opus", None, 24000, 24000),
        ("opus", None, 44100, 48000),
        ("opus", None, 96000, 48000),
        ("mp3", None, 22050, 22050),
        ("mp3", None, 20000, 22050),
        ("mulaw", None, 24000, 8000),
        ("mulaw", 16000, 24000, 16000),
        ("wav_mulaw", None, 24000, 8000),
        ("wav_alaw", None, 24000, 8000),
        ("wav_f32le", None, 22050, 22050),
    ],
)
def test_output_rate(name: str, asked: int | None, native: int, delivered: int) -> None:
    assert output_rate(AudioFormat(name, asked), native) == delivered


@pytest.mark.parametrize(
    ("name", "rate"), [("opus", 22050), ("mp3", 9000), ("aac", 96000), ("pcm", 7999), ("pcm", 48001), ("wav", 0)]
)
def test_a_rate_the_container_cannot_carry_is_refused(name: str, rate: int) -> None:
    with pytest.raises(UnsupportedFormat, match=str(rate)) as caught:
        output_rate(AudioFormat(name, rate), 24000)
    assert caught.value.param == "sample_rate"
    with pytest.raises(UnsupportedFormat):
        create_encoder(AudioFormat(name), rate)


@pytest.mark.parametrize(("name", "bitrate"), [("pcm", 64000), ("flac", 64000), ("mp3", 1), ("opus", 512000)])
def test_a_bitrate_the_container_does_not_have_is_refused(name: str, bitrate: int) -> None:
    with pytest.raises(UnsupportedFormat, match="bit rate") as caught:
        create_encoder(AudioFormat(name, bitrate=bitrate), 24000)
    assert caught.value.param == "bitrate"


@pytest.mark.parametrize("name", ["wav", "wav_f32le", "wav_mulaw", "wav_alaw", "flac"])
@pytest.mark.parametrize("samples", [0, 1, 24001])
def test_a_sealed_file_tells_its_true_length(name: str, samples: int) -> None:
    encoder = create_encoder(AudioFormat(name), 24000)
    data = encoder.begin() + encoder.encode(tone(440.0, 2.0, 24000)[:samples]) + encoder.finish()
    file = seal(AudioFormat(name), data, samples)
    if samples or name != "flac":  # libsndfile has no notion of an empty FLAC file
        assert soundfile.info(io.BytesIO(file)).frames == samples
    if name != "flac":
        assert struct.unpack_from("<I", file, 4)[0] == len(file) - 8


def test_the_standard_library_reads_a_wav_of_known_length() -> None:
    encoder = create_encoder(AudioFormat("wav"), 22050)
    data = encoder.begin(1000) + encoder.encode(tone(440.0, 1.0, 22050)[:1000]) + encoder.finish()
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (1, 2, 22050, 1000)
    assert len(data) == 44 + 2000


@pytest.mark.parametrize("fed", [0, 700, 1001, 3000])
@pytest.mark.parametrize(("name", "width"), [("wav", 2), ("wav_f32le", 4), ("wav_mulaw", 1), ("wav_alaw", 1)])
def test_a_declared_length_is_kept_whatever_comes(name: str, width: int, fed: int) -> None:
    encoder = create_encoder(AudioFormat(name), 8000)
    data = encoder.begin(1001) + encoder.encode(np.ones(fed, np.float32)) + encoder.finish()
    samples, _ = soundfile.read(io.BytesIO(data))
    assert len(samples) == 1001
    assert np.all(np.abs(samples[fed:]) < 0.001)
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    assert len(data) % 2 == 0


def test_a_wav_longer_than_its_size_field_says_unknown() -> None:
    header = create_encoder(AudioFormat("wav"), 48000).begin(1 << 31)
    assert header[4:8] == header[40:44] == b"\xff" * 4


@pytest.mark.parametrize("name", [name for name, info in CONTAINERS.items() if info.cheap])
def test_cheap_containers_never_import_pyav(name: str) -> None:
    code = (
        "import sys, numpy as np\n"
        "from syrinx.audio.pipeline import Pipeline, PipelineSpec\n"
        "from syrinx.core.types import AudioFormat\n"
        f"pipeline = Pipeline(PipelineSpec(22050, AudioFormat({name!r})))\n"
        "pipeline.begin(); pipeline.push(np.zeros(9000, np.float32)); pipeline.finish()\n"
        "assert not pipeline.heavy and 'av' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_mp3_stream_is_frames_and_nothing_else() -> None:
    encoder = create_encoder(AudioFormat("mp3"), 24000)
    data = encoder.begin() + encoder.encode(tone(440.0, 1.0, 24000)) + encoder.finish()
    assert not any(word in data for word in (b"Xing", b"Info", b"ID3", b"TAG", b"VBRI"))
    frame = 192  # 64 kb/s at 24 kHz: 576 samples are 24 ms
    assert len(data) % frame == 0
    assert {data[start : start + 2] for start in range(0, len(data), frame)} == {b"\xff\xf3"}


def test_a_flac_stream_has_no_padding_before_its_first_frame() -> None:
    assert len(create_encoder(AudioFormat("flac"), 24000).begin()) < 200
