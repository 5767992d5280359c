"""What only espeak promises; the contract itself is in tests/conformance."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from syrinx.core.errors import ModelFailed, ModelNotReady
from syrinx.core.types import Mark, SynthesisJob
from syrinx.models.espeak.backend import EspeakBackend
from syrinx.models.espeak.binding import EspeakLibrary, Utterance
from syrinx.models.espeak.options import EspeakOptions

espeakng_loader = pytest.importorskip("espeakng_loader", reason="espeakng_loader is not installed")


class Rig:
    def __init__(self) -> None:
        self.backend = EspeakBackend(EspeakOptions(slots=2))
        self.info = self.backend.load()
        self.steps = self.backend.stepped()

    def speak(self, text: str, voice: str = "en-us") -> tuple[np.ndarray, list[Mark]]:
        self.steps.open(SynthesisJob("j", text, voice, ""))
        chunks, done = [], False
        while not done:
            (result,) = self.steps.step(["j"])
            assert result.error is None
            chunks += [result.chunk] if result.chunk is not None else []
            done = result.done
        self.steps.close("j")
        return np.concatenate([c.samples for c in chunks]), [mark for c in chunks for mark in c.marks]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.backend.unload()


def test_it_lists_every_language_once_and_the_numbered_variants_of_the_default(rig: Rig) -> None:
    ids = [voice.id for voice in rig.info.voices]
    assert ids[0] == "en-us" and {"en-gb", "de", "fr-fr", "hi", "ta", "cmn", "yue", "sw"} <= set(ids)
    assert len(ids) > 130 and len(rig.info.voice_variants) > 90
    genders = {voice.id: voice.gender for voice in rig.info.voices}
    assert genders["en-us+f3"] == "female" and genders["en-us+m3"] == "male"


def test_languages_without_a_dictionary_are_left_out(rig: Rig) -> None:
    assert not {"fo", "kaa", "xex"} & {voice.id for voice in rig.info.voices}


def test_every_listed_voice_speaks(rig: Rig) -> None:
    for voice in rig.info.voices:
        samples, _ = rig.speak("1 a Ꭰ", voice.id)
        assert len(samples) > 0.2 * rig.info.sample_rate and np.abs(samples).max() > 0.05, voice.id


def test_a_variant_changes_the_sound_of_any_language(rig: Rig) -> None:
    plain, _ = rig.speak("Guten Morgen, wie geht es dir?", "de")
    varied, _ = rig.speak("Guten Morgen, wie geht es dir?", "de+whisper")
    assert np.sqrt(np.mean(varied**2)) != pytest.approx(np.sqrt(np.mean(plain**2)), rel=0.1)


def test_plain_text_never_becomes_markup(rig: Rig) -> None:
    marked, _ = rig.speak('<speak><prosody rate="x-fast">Hello there my friend</prosody></speak>')
    plain, _ = rig.speak("Hello there my friend")
    assert len(marked) > 2 * len(plain), "the tags are read aloud"
    phonemes, _ = rig.speak("[[h@l'oU]] there")
    assert len(phonemes) > 1.2 * rig.info.sample_rate, "brackets are not phonemes"


def test_control_characters_leave_word_places_true(rig: Rig) -> None:
    text = "One\x00two\x1b three\ud800 four"
    _, marks = rig.speak(text)
    assert [text[m.span.start : m.span.end] for m in marks] == ["One", "two", "three", "four"]


@pytest.mark.parametrize(("voice", "text"), [("de", "Für über größe Wörter"), ("hi", "नमस्ते दुनिया यह परीक्षा है")])
def test_word_places_count_characters_not_bytes(rig: Rig, voice: str, text: str) -> None:
    _, marks = rig.speak(text, voice)
    assert [text[m.span.start : m.span.end] for m in marks] == text.split()


def test_private_copies_leave_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    backend = EspeakBackend(EspeakOptions(slots=3))
    backend.load()
    if os.name == "posix":
        assert not list(tmp_path.iterdir()), "even a process that is killed leaves none"
    backend.unload()
    assert not list(tmp_path.iterdir())


def test_missing_data_is_reported_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="no usable data"):
        EspeakLibrary(Path(espeakng_loader.get_library_path()), tmp_path)


def test_a_file_that_is_no_library_is_reported(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(b"not a library")
    with pytest.raises(ModelNotReady, match="could not be loaded"):
        EspeakLibrary(tmp_path / "lib.so", tmp_path)


def test_a_sink_that_raises_ends_the_synthesis_with_its_error() -> None:
    library = EspeakLibrary(Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path()))
    calls = 0

    def sink(pcm: bytes, words: object) -> bool:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        library.speak(Utterance("A text of several callbacks.", "gmw/en-US", 175), sink)
    assert calls == 1
    with pytest.raises(ModelFailed, match="select the voice"):
        library.speak(Utterance("Hello.", "no/such", 175), sink)
    library.close()
