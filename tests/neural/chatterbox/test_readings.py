"""Front ends of Multilingual: with the packages of the lock, with files beside the weights, and without any of them."""

from __future__ import annotations

import logging
import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.models.chatterbox import readings
from syrinx.models.chatterbox.readings import ACUTE, DICTA_FILE, DICTA_TOKENIZER, PKUSEG_FILES, PKUSEG_FOLDER, find

from .case import backend, folder

PACKAGES = {"spacy_pkuseg", "rjieba", "dicta_onnx", "silero_stress", "pykakasi"}
CHINESE, RUSSIAN = "我来到北京清华大学。", "Мы уже готовы открыть замки."


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose packages are found, in place of what is installed of those."""
    place = tmp_path / "packages"
    place.mkdir()
    monkeypatch.syspath_prepend(place)
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        monkeypatch.delitem(sys.modules, name)
    found = readings.find_spec

    def only_here(name: str) -> Any:
        return found(name) if name not in PACKAGES or (place / name).exists() else None

    monkeypatch.setattr(readings, "find_spec", only_here)
    yield place
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        del sys.modules[name]


def stand_in(place: Path, **files: str) -> None:
    """Write a package."""
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / f"{name}.py").write_text(text, encoding="utf-8")


def decomposed(text: str) -> str:
    """As the library hands it to a front end."""
    return unicodedata.normalize("NFKD", text.lower())


def test_with_the_lock_chinese_and_russian_are_read_and_hebrew_is_told_to_lack(tmp_path: Path) -> None:
    found = find(tmp_path)
    assert set(found.lacking) == {"he"} and "dicta-onnx" in found.lacking["he"]
    assert found.of("zh")(CHINESE).split() == ["我", "来到", "北京", "清华大学", "。"]
    stressed = found.of("ru")(decomposed(RUSSIAN))
    assert stressed == decomposed("мы уже́ гото́вы откры́ть замки́.")
    assert found.of("he")("שלום") == "שלום" and found.of("de")("Straße") == "Straße"


def test_russian_keeps_its_plusses_its_yo_and_torchs_threads(tmp_path: Path) -> None:
    import torch

    threads = torch.get_num_threads()
    read = find(tmp_path).of("ru")
    assert read("2+2") == "2+2"
    assert read(decomposed("зелёный ёж")) == decomposed("зелёный ёж")
    assert read(decomposed("откры́ть замо́к")) == decomposed("откры́ть замо́к")
    assert "+" in read("вода+земля") and read("").strip() == ""
    assert torch.get_num_threads() == threads


@given(st.text(alphabet="абвеёийоуыэюя +-.,!?\n1aя", max_size=80))
def test_acutes_are_all_that_is_added_to_russian(text: str) -> None:
    stressed = readings._acutes(text)
    assert stressed.replace(ACUTE, "").replace("+", "") == text.replace("+", "")
    assert all(before in readings.VOWELS for before, mark in pairwise(stressed) if mark == ACUTE)
    assert not re.search(r"\+[а-яё]", stressed)


def test_a_text_without_spaces_is_cut_and_nothing_is_lost() -> None:
    for text in ("", "a", "ab " * 3000, "x" * 4500, "\n" + "y" * 2000 + " z"):
        pieces = readings._pieces(text)
        assert "".join(pieces) == text and all(len(piece) <= readings.LONGEST for piece in pieces)


def test_without_the_packages_texts_are_read_as_written_and_each_language_is_told(
    packages: Path, tmp_path: Path
) -> None:
    found = find(tmp_path)
    assert not found.known and set(found.lacking) == {"zh", "he", "ru", "ja"}
    assert all(found.of(language)("тест 你好 שלום") == "тест 你好 שלום" for language in found.lacking)


@pytest.mark.usefixtures("packages")
def test_what_lacks_is_in_the_models_info_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    from syrinx.models.chatterbox.loading import load

    made = backend("multilingual")
    made._load = load
    with caplog.at_level(logging.WARNING, "syrinx"):
        info = made.load()
    for language in ("Chinese", "Hebrew", "Russian", "Japanese"):
        assert f"{language} is read without" in info.voices[0].description
        assert sum(language in record.getMessage() for record in caplog.records) == 1
    assert made._loaded is not None
    plain = made._loaded.text_ids(CHINESE, "zh")
    assert (
        len(made._loaded.text_ids("我 来到北京清华大学。", "zh")) == len(plain) + 1
    )  # only the space of the text itself


def test_words_and_stress_reach_the_models_tokens() -> None:
    from syrinx.models.chatterbox.loading import load

    from .case import options
    from .weights import shrink

    shrink("multilingual")
    loaded = load(options("multilingual"))
    assert loaded.lacking and "Hebrew" in loaded.lacking[0] and len(loaded.lacking) == 1
    spaced = "我 来到 北京 清华大学 。"
    assert loaded.text_ids(CHINESE, "zh") == loaded.text_ids(spaced, "zh")
    bare = len(decomposed(RUSSIAN)) + 3  # start, language, stop; a token a letter
    assert len(loaded.text_ids(RUSSIAN, "ru")) == bare + 4  # stressed words of more than one syllable


def test_english_is_told_nothing() -> None:
    info = backend("english").load()
    assert "read without" not in info.voices[0].description


def test_pkuseg_is_used_with_its_model_beside_the_weights_and_never_fetches(packages: Path, tmp_path: Path) -> None:
    stand_in(
        packages / "spacy_pkuseg",
        __init__="class pkuseg:\n"
        "    def __init__(self, model_name='spacy_ontonotes'):\n"
        "        assert model_name.endswith('pkuseg'), 'a name is fetched'\n"
        "    def cut(self, txt):\n"
        "        return [txt[:2], ' ', txt[2:]]\n",
    )
    assert "zh" in find(tmp_path).lacking
    (tmp_path / PKUSEG_FOLDER).mkdir()
    for name in PKUSEG_FILES:
        (tmp_path / PKUSEG_FOLDER / name).touch()
    found = find(tmp_path)
    assert "zh" not in found.lacking and found.of("zh")("你好世界") == "你好 世界"


def test_dicta_is_used_with_its_files_beside_the_weights_and_never_fetches(packages: Path, tmp_path: Path) -> None:
    """A stand-in with the interface of dicta-onnx 1.0.9: the path of a model, and a tokenizer by its name on a hub."""
    stand_in(
        packages / "dicta_onnx",
        __init__="from dicta_onnx.model import Model\n"
        "class Dicta:\n"
        "    def __init__(self, model_path):\n"
        "        self.model = Model(model_path)\n"
        "    def add_diacritics(self, sentences, mark_matres_lectionis=None):\n"
        "        return sentences.replace('\\u05e9', '\\u05e9\\u05b8')\n",
        model="from tokenizers import Tokenizer\n"
        "class Model:\n"
        "    def __init__(self, model_path, tokenizer_name='dicta-il/dictabert-large-char-menaked'):\n"
        "        assert open(model_path).read() == 'model'\n"
        "        self.tokenizer = Tokenizer.from_pretrained(tokenizer_name)\n"
        "        assert self.tokenizer.get_vocab_size() > 0\n",
    )
    assert "he" in find(tmp_path).lacking
    (tmp_path / DICTA_FILE).write_text("model")
    table = folder("multilingual") / "grapheme_mtl_merged_expanded_v1.json"
    (tmp_path / DICTA_TOKENIZER).write_bytes(table.read_bytes())
    found = find(tmp_path)
    assert "he" not in found.lacking and found.of("he")("שלום") == "שָׁלום".replace("\u05c1", "")


def test_a_front_end_that_fails_is_logged_once_and_the_text_is_read_as_written(
    packages: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in(packages / "rjieba", __init__="def cut(text):\n    raise OSError('no dictionary')\n")
    read = find(tmp_path).of("zh")
    with caplog.at_level(logging.WARNING, "syrinx"):
        assert [read(CHINESE), read("好")] == [CHINESE, "好"]
    assert len(caplog.records) == 1 and "no dictionary" in caplog.text
