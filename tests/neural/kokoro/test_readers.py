"""Text to phonemes by the real libraries, without a download."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import SynthesisJob
from syrinx.models.kokoro.readers import Readers
from tests.conformance.test_backends import Spoken

from .small import small_backend


@pytest.fixture(scope="module")
def readers() -> Readers:
    return Readers(Path("nowhere"))


def read(readers: Readers, text: str, code: str = "a") -> dict[str | None, str]:
    """Phonemes by the word they are of."""
    found: dict[str | None, str] = {}
    for unit in readers.read(text, code):
        word = None if unit.span is None else text[unit.span.start : unit.span.end]
        found[word] = found.get(word, "") + unit.phonemes
    return found


def test_english_is_read_by_the_dictionary_with_tags_of_ours(readers: Readers) -> None:
    said = read(readers, "He read a live record, to record it.")
    assert said["read"] == "ɹˈɛd" and said["live"] == "lˈIv" and said["a"] == "ɐ"
    assert said["record"] == "ɹˈɛkəɹdɹəkˈɔɹd"


def test_american_and_british_differ(readers: Readers) -> None:
    assert read(readers, "a tomato")["tomato"] != read(readers, "a tomato", "b")["tomato"]


def test_words_of_no_dictionary_are_read_by_espeak(readers: Readers) -> None:
    assert len(read(readers, "the xylozyme")["xylozyme"]) > 4


@pytest.mark.parametrize("code", "abefhip")
def test_given_phonemes_are_taken_as_they_are(readers: Readers, code: str) -> None:
    said = read(readers, "so [word](/wˈɜɹd/), [two words](/wˈʌn/) so.", code)
    assert said["word"] == "wˈɜɹd" and said["two words"] == "wˈʌn"


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [
        ("e", "Hola, ¿qué tal?", ["Hola", "qué", "tal"]),
        ("f", "Les amis ont 25 euros.", ["Les", "amis", "ont", "25", "euros"]),
        ("h", "नमस्ते, आप कैसे हैं।", ["नमस्ते", "आप", "कैसे", "हैं"]),
        ("i", "Non è vero, 1999 volte.", ["Non", "è", "vero", "1999", "volte"]),
        ("p", "Olá, como vai você?", ["Olá", "como", "vai", "você"]),
        ("j", "こんにちは、世界。", ["こんにちは", "世界"]),
        ("z", "今天天气很好，我们去公园吧！", ["今天天气", "很", "好", "我们", "去", "公园", "吧"]),
    ],
)
def test_every_language_tells_its_words(readers: Readers, code: str, text: str, words: list[str]) -> None:
    said = read(readers, text, code)
    assert [word for word in said if word is not None] == words and all(said.values())


def test_japanese_and_chinese_sound_as_they_are_read(readers: Readers) -> None:
    assert read(readers, "今日は良い天気です。", "j")["今日"] == "kʲoː"
    assert read(readers, "1500円", "j")["1500"].startswith("seŋɡo")
    assert read(readers, "你好，世界。", "z")["你好"] == "ni↓xau↓"


def test_a_word_whose_phonemes_are_given_stands_between_japanese_ones(readers: Readers) -> None:
    assert read(readers, "私は[東京](/toːkʲoː/)に住んでいます。", "j")["東京"] == "toːkʲoː"


def test_a_dictionary_is_not_taken_from_where_everyone_can_put_one(readers: Readers) -> None:
    readers.read("你好", "z")
    folder = importlib.import_module("jieba").dt.tmp_dir
    assert folder and folder != tempfile.gettempdir() and not Path(folder).exists()


@pytest.mark.parametrize("code", "jz")
def test_a_language_whose_reader_is_not_there_is_refused(code: str) -> None:
    lacking = Readers(Path("nowhere"), {code: ("no_such_package",)})
    assert lacking.unreadable == {code}
    with pytest.raises(InvalidRequest) as caught:
        lacking.code("", f"{code}f_alpha")
    assert caught.value.code == "unsupported_language" and "in the model's environment" in caught.value.message


@pytest.mark.parametrize("voice", ["jf_alpha", "zf_xiaobei"])
def test_voices_of_every_language_can_be_chosen(voice: str) -> None:
    listed = small_backend().load().voice(voice)
    assert listed is not None and not listed.description


def test_words_of_other_languages_are_in_time() -> None:
    backend = small_backend()
    backend.load()
    steps, text, spoken = backend.stepped(), "Bonjour mes amis, ça va bien ?", Spoken()
    steps.open(SynthesisJob("a", text, "ff_siwis", "fr-FR"))
    done = False
    while not done:
        (result,) = steps.step(["a"])
        assert result.error is None
        spoken.chunks += [result.chunk] if result.chunk is not None else []
        done = result.done
    assert [text[m.span.start : m.span.end] for m in spoken.marks] == ["Bonjour", "mes", "amis", "ça", "va", "bien"]
    assert all(0.05 < m.end_s - m.start_s < 1 for m in spoken.marks)
