"""The graph through kokoro-onnx: exports of both kinds, and files that are missing or spoiled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from syrinx.core.errors import ModelNotReady
from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.kokoro.steps import Line
from syrinx.models.kokoro.timing import FRAME
from syrinx.models.kokoro_onnx.backend import KokoroOnnxBackend
from syrinx.models.kokoro_onnx.options import KokoroOnnxOptions
from syrinx.models.kokoro_onnx.session import REMEDY, load_voices, open_session

from .case import checkpoint
from .graph import FLOAT, Graph
from .weights import build

MODEL, VOICES = "kokoro-v1.0.onnx", "voices-v1.0.bin"
TEXT = "The quick brown fox jumps over the lazy dog."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build(tmp_path / "checkpoint")


def speak(
    backend: KokoroOnnxBackend, voice: str = "af_heart", text: str = TEXT, language: str = "en-US"
) -> list[AudioChunk]:
    steps = backend.stepped()
    steps.open(SynthesisJob("a", text, voice, language))
    chunks: list[AudioChunk] = []
    while True:
        (result,) = steps.step(["a"])
        assert result.error is None and result.chunk is not None
        chunks.append(result.chunk)
        if result.done:
            steps.close("a")
            return chunks


def backend(folder: Path, **options: object) -> KokoroOnnxBackend:
    return KokoroOnnxBackend(KokoroOnnxOptions(weights=str(folder), threads=1, **options))  # type: ignore[arg-type]


def test_frames_are_those_of_the_graph() -> None:
    session = open_session(checkpoint(), "", 1)
    style = load_voices(checkpoint()).style("af_heart", 9)
    (made,) = session.say([Line("hˈI ðɛɹ.x", style, 1.0, 0)])
    assert made.frames is not None and made.frames.tolist() == [3] * 11
    assert len(made.samples) == 33 * FRAME


def test_torch_is_not_needed() -> None:
    backend(checkpoint()).load()
    assert "torch" not in sys.modules


def test_an_older_export_speaks_without_word_times(tmp_path: Path) -> None:
    made = backend(build(tmp_path, timed=False, tokens="tokens"))
    info = made.load()
    chunks = speak(made)
    assert not info.word_times and len(chunks) > 1
    assert not any(chunk.marks for chunk in chunks)


def test_a_voice_sounds_its_own() -> None:
    made = backend(checkpoint())
    made.load()
    heart, both = (
        np.concatenate([chunk.samples for chunk in speak(made, voice)]) for voice in ("af_heart", "af_heart+bf_emma")
    )
    assert len(heart) == len(both) and np.abs(heart - both).max() > 0.01


@pytest.mark.parametrize(
    ("voice", "language", "text", "words"),
    [
        ("jf_alpha", "ja", "こんにちは、世界。", ["こんにちは", "世界"]),
        ("zf_xiaobei", "zh-CN", "你好，世界。", ["你好", "世界"]),
        ("ff_siwis", "fr-FR", "Bonjour, ça va ?", ["Bonjour", "ça", "va"]),
    ],
)
def test_every_language_is_spoken_without_a_download(voice: str, language: str, text: str, words: list[str]) -> None:
    made = backend(checkpoint())
    made.load()
    marks = [mark for chunk in speak(made, voice, text, language) for mark in chunk.marks]
    assert [text[mark.span.start : mark.span.end] for mark in marks] == words


def test_the_file_can_be_chosen(folder: Path) -> None:
    (folder / "kokoro-v1.0.int8.onnx").write_bytes((folder / MODEL).read_bytes())
    revisions = {backend(folder, file=name).load().revision for name in (MODEL, "kokoro-v1.0.int8.onnx")}
    assert len(revisions) == 2
    with pytest.raises(ModelNotReady, match="no-such"):
        backend(folder, file="no-such.onnx").load()


def _gone(path: Path) -> None:
    path.unlink()


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _junk(path: Path) -> None:
    path.write_bytes(b"junk" * 100)


def _foreign(path: Path) -> None:
    graph = Graph()
    graph.node("Abs", [graph.input("x", FLOAT, 1)], "y")
    graph.output("y", FLOAT, 1)
    path.write_bytes(graph.encode())


@pytest.mark.parametrize("spoil", (_gone, _truncated, _junk, _foreign), ids=lambda spoil: spoil.__name__)
def test_a_spoiled_network_is_told(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder / MODEL)
    with pytest.raises(ModelNotReady) as caught:
        backend(folder).load()
    assert str(folder) in caught.value.message and REMEDY in caught.value.message


def _pickled(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, af_heart=np.array([{"a": 1}], dtype=object))


def _misshapen(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, af_heart=np.zeros((3, 256), np.float32))


def _no_voices(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, other=np.zeros(3))


@pytest.mark.parametrize(
    "spoil", (_gone, _truncated, _junk, _pickled, _misshapen, _no_voices), ids=lambda spoil: spoil.__name__
)
def test_spoiled_voices_are_told(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder / VOICES)
    with pytest.raises(ModelNotReady) as caught:
        backend(folder).load()
    assert str(folder) in caught.value.message and REMEDY in caught.value.message
