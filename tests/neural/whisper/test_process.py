"""The process that writes recordings down, on random weights: what it says is random too, but it is said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from syrinx.models.whisper import process

from .weights import build

NOISE = (np.random.default_rng(7).standard_normal(process.RATE * 4) * 0.1).astype(np.float32)
Write = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("whisper"))


def write_down(folder: Path, language: str = "", samples: np.ndarray = NOISE, **changes: Any) -> dict[str, str]:
    order = {"weights": str(folder), "device": "cpu", "compute_type": "default", "language": language, **changes}
    done = subprocess.run(
        [sys.executable, "-P", process.__file__],
        input=json.dumps(order).encode() + b"\n" + samples.tobytes(),
        capture_output=True,
        timeout=100,
        check=True,
    )
    return json.loads(done.stdout)


def test_words_and_language_come_of_a_recording(weights: Path) -> None:
    told = write_down(weights)
    assert told["text"].startswith("word") and told["language"]


@pytest.mark.parametrize("language", ["en-GB", "xx", "auto"])
def test_any_language_that_is_said_gives_words(weights: Path, language: str) -> None:
    assert write_down(weights, language)["text"]


@pytest.mark.parametrize(
    ("told", "multilingual", "believed"),
    [("de-AT", True, "de"), ("FR", True, "fr"), ("xx", True, None), ("", True, None), ("de", False, None)],
)
def test_a_language_that_the_model_knows_is_believed(
    weights: Path, monkeypatch: pytest.MonkeyPatch, told: str, multilingual: bool, believed: str | None
) -> None:
    asked: list[str | None] = []

    class Model:
        """As ``faster_whisper.WhisperModel``: random weights are not taken for multilingual ones."""

        model = SimpleNamespace(is_multilingual=multilingual)
        supported_languages = ("en", "de", "fr") if multilingual else ("en",)

        def __init__(self, *given: Any, **named: Any) -> None: ...

        def transcribe(self, samples: np.ndarray, language: str | None, **named: Any) -> tuple[list[Any], Any]:
            asked.append(language)
            return [SimpleNamespace(text=" so  it is ")], SimpleNamespace(language=language or "en")

    monkeypatch.setattr("faster_whisper.WhisperModel", Model)
    order = {"weights": str(weights), "device": "cpu", "compute_type": "default", "language": told}
    assert process.transcribe(order, NOISE) == {"text": "so it is", "language": believed or "en"}
    assert asked == [believed]


@pytest.mark.parametrize("lost", process.NEEDED)
def test_weights_that_are_not_whole_name_the_file(weights: Path, tmp_path: Path, lost: str) -> None:
    for path in weights.iterdir():
        if path.name != lost:
            (tmp_path / path.name).symlink_to(path)
    assert lost in write_down(tmp_path)["error"]


def test_weights_that_are_none_are_an_error_and_no_crash(weights: Path, tmp_path: Path) -> None:
    for path in weights.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:1000])
    assert "error" in write_down(tmp_path)
