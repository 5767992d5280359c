"""Exported voices come back as they were; an archive of anything else is refused in little memory, nothing written."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import InvalidRequest, VoiceNotFound
from syrinx.models.base import ReferenceClip
from syrinx.models.prompt import encode_prompt
from syrinx.voices.archive import LIMITS, MAX_ARCHIVE_BYTES, pack, unpack
from syrinx.voices.clip import wav_bytes
from syrinx.voices.store import VoiceDraft, VoiceStore
from tests.fakes.speech import tone

PROMPT = encode_prompt("tone", "1", {"frequency_hz": np.array([173.0])})
WAV = wav_bytes(ReferenceClip(tone(seconds=0.2), 24_000))
DRAFT = VoiceDraft("Zoë", alias="zoe", language="fr", description="Warm", consent="Zoë, 1 May", reference_text="Salut.")
META = (
    b'{"voice_id": "00000000-0000-0000-0000-000000000000", "display_name": "Ann", "created_at": "2026-05-01T00:00:00Z",'
    b' "tts_model_id": "tone"}'
)
FILES = {"meta.json": META, "prompt.safetensors": PROMPT, "reference_audio.wav": WAV}


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path / "voices")


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(InvalidRequest) as caught:
        work()
    return caught.value.code


def test_a_voice_comes_back_under_a_new_id(store: VoiceStore, tmp_path: Path) -> None:
    voice = store.create(DRAFT, PROMPT, WAV)
    other = VoiceStore(tmp_path / "elsewhere")
    copy = other.take_in(store.export(voice.voice_id))
    assert copy.voice_id != voice.voice_id
    assert (copy.draft, copy.model, copy.revision, copy.prompt.digest) == (DRAFT, "tone", "1", voice.prompt.digest)
    assert other.clip(copy.voice_id) == WAV
    assert code_of(lambda: other.take_in(store.export(voice.voice_id))) == "alias_taken"
    with pytest.raises(VoiceNotFound):
        store.export("zoe")


def test_what_another_program_zipped_again_is_taken(store: VoiceStore) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(LIMITS, reverse=True):
            archive.writestr(name, FILES[name])
    assert store.take_in(buffer.getvalue()).draft.name == "Ann"


def made(change: Callable[[zipfile.ZipFile], object], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", packing) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        change(archive)
    return buffer.getvalue()


def with_files(files: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    return made(lambda archive: [archive.writestr(name, data) for name, data in files.items()], packing)


def with_link() -> bytes:
    def change(archive: zipfile.ZipFile) -> None:
        for name in ("meta.json", "prompt.safetensors"):
            archive.writestr(name, FILES[name])
        link = zipfile.ZipInfo("reference_audio.wav")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")

    return made(change)


def with_comment() -> bytes:
    def change(archive: zipfile.ZipFile) -> None:
        archive.comment = b"hello"
        for name, data in FILES.items():
            archive.writestr(name, data)

    return made(change)


def twice() -> bytes:
    return made(lambda archive: [archive.writestr(name, FILES[name]) for name in [*FILES, "meta.json"]])


def in_folder(folder: str) -> dict[str, bytes]:
    return {folder + name: data for name, data in FILES.items()}


def flagged_as_secret() -> bytes:
    data = bytearray(pack(FILES))
    data[data.rindex(b"PK\1\2") + 8] |= 1
    return bytes(data)


def with_zip64_locator() -> bytes:
    data = pack(FILES)
    return data[:-22] + b"PK\6\7" + bytes(16) + data[-22:]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"junk" * 99, id="junk"),
        pytest.param(pack(FILES)[:-1], id="cut"),
        pytest.param(pack(FILES)[50:], id="headless"),
        pytest.param(b"PK\5\6" + bytes(18), id="empty archive"),
        pytest.param(b"x" * (MAX_ARCHIVE_BYTES + 1), id="too large"),
        pytest.param(with_files({k: v for k, v in FILES.items() if k != "meta.json"}), id="one missing"),
        pytest.param(with_files({**FILES, "extra": b"x"}), id="one more"),
        pytest.param(with_files(in_folder("../")), id="above"),
        pytest.param(with_files(in_folder("/etc/")), id="absolute"),
        pytest.param(with_files(in_folder("voice/")), id="in a folder"),
        pytest.param(twice(), id="twice"),
        pytest.param(with_link(), id="link"),
        pytest.param(with_comment(), id="comment"),
        pytest.param(with_files(FILES, zipfile.ZIP_LZMA), id="lzma"),
        pytest.param(with_files(FILES, zipfile.ZIP_BZIP2), id="bzip2"),
        pytest.param(flagged_as_secret(), id="encrypted"),
        pytest.param(with_zip64_locator(), id="zip64"),
    ],
)
def test_what_is_no_archive_of_a_voice_is_refused(data: bytes, store: VoiceStore, tmp_path: Path) -> None:
    assert code_of(lambda: store.take_in(data)) == "bad_archive"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"meta.json": b"{"}, "bad_meta"),
        ({"meta.json": b"[" * 60_000}, "bad_meta"),
        ({"meta.json": META.replace(b"Ann", b"")}, "bad_meta"),
        ({"meta.json": META.replace(b'"display_name": "Ann"', b'"display_name": 5')}, "bad_meta"),
        ({"meta.json": META[:-1] + b', "alias": "../x"}'}, "bad_meta"),
        ({"prompt.safetensors": b"junk"}, "bad_prompt"),
        ({"prompt.safetensors": PROMPT[:-1] + b"\xff"}, "bad_prompt"),
        ({"reference_audio.wav": b"junk"}, "bad_audio"),
        ({"reference_audio.wav": b""}, "bad_audio"),
        ({"reference_audio.wav": wav_bytes(ReferenceClip(tone(seconds=40, rate=8000), 8000))}, "audio_too_long"),
    ],
)
def test_each_file_is_verified_before_anything_is_written(
    change: dict[str, bytes], code: str, store: VoiceStore, tmp_path: Path
) -> None:
    assert code_of(lambda: store.take_in(pack({**FILES, **change}))) == code
    assert list(tmp_path.iterdir()) == []


def test_an_id_in_the_archive_means_nothing(store: VoiceStore, tmp_path: Path) -> None:
    meta = META.replace(b"00000000-0000-0000-0000-000000000000", b"../../outside")
    voice = store.take_in(pack({**FILES, "meta.json": meta}))
    assert (tmp_path / "voices" / voice.voice_id).is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["voices"]


def bomb() -> bytes:
    """300 MB of zeros in 300 kB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.json", META)
        archive.writestr("prompt.safetensors", PROMPT)
        with archive.open("reference_audio.wav", "w") as file:
            for _ in range(60):
                file.write(bytes(5_000_000))
    return buffer.getvalue()


def lying_bomb() -> bytes:
    """The same, where the archive's list says that it is small."""
    data = bytearray(bomb())
    last = data.rindex(b"PK\1\2")
    struct.pack_into("<L", data, last + 24, 1000)
    return bytes(data)


def many_files() -> bytes:
    """A list of files that would fill the memory: 200 000 entries."""
    entry = b"PK\1\2" + bytes(42)
    listing = entry * 200_000
    return listing + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(listing), 0, 0)


@pytest.mark.parametrize("make", [bomb, lying_bomb, many_files])
def test_an_archive_made_to_harm_costs_no_more_than_a_real_one(make: Callable[[], bytes]) -> None:
    data = make()
    tracemalloc.start()
    try:
        assert code_of(lambda: unpack(data)) == "bad_archive"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=300), st.integers(0, 200))
def test_any_bytes_are_refused_and_nothing_else_is_raised(junk: bytes, at: int) -> None:
    good = pack(FILES)
    for data in (junk, good[:at] + junk, junk + good[-200:], good[:-100] + junk + good[-22:]):
        if data != good:
            try:
                unpack(data)
            except InvalidRequest as error:
                assert error.code == "bad_archive"
