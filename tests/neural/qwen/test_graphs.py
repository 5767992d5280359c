"""The path by faster-qwen3-tts, which needs CUDA: on a fake of its interface that is held to the real signatures."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Generator, Iterator
from typing import Any

import faster_qwen3_tts.predictor_graph
import faster_qwen3_tts.streaming
import faster_qwen3_tts.talker_graph
import numpy as np
import pytest
import torch

from syrinx.models.qwen import graphs
from syrinx.models.qwen.graphs import PACKAGE, Graphs
from syrinx.models.qwen.sampling import PREDICTOR, Sampling, generator_of
from syrinx.models.qwen.script import Script
from syrinx.models.qwen.talker import TalkerRows

from .rig import ROW, ROWS, Rig, loaded

REAL = {
    "PredictorGraph": faster_qwen3_tts.predictor_graph.PredictorGraph,
    "TalkerGraph": faster_qwen3_tts.talker_graph.TalkerGraph,
    "fast_generate_streaming": faster_qwen3_tts.streaming.fast_generate_streaming,
}


class FakeGraph:
    """Stands for either graph; notes what it was told."""

    real = ""

    def __init__(self, *given: Any, **named: Any) -> None:
        inspect.signature(REAL[self.real]).bind(*given, **named)
        self.captured: dict[str, Any] | None = None

    def capture(self, **named: Any) -> None:
        inspect.signature(REAL[self.real].capture).bind(self, **named)
        print("Capturing CUDA graph")  # noqa: T201  as the real one does
        self.captured = named


class FakePredictor(FakeGraph):
    real = "PredictorGraph"


class FakeTalker(FakeGraph):
    real = "TalkerGraph"


class FakeStream:
    """Makes frames as the real one yields them: (1, groups) each, with figures."""

    def __init__(self) -> None:
        self.began = self.ended = 0

    def __call__(self, **named: Any) -> Generator[tuple[torch.Tensor, dict[str, Any]]]:
        given = inspect.signature(REAL["fast_generate_streaming"]).bind(**named).arguments
        assert given["predictor_graph"].captured and given["talker_graph"].captured
        assert given["attention_mask"].shape == given["talker_input_embeds"].shape[:2]
        self.began += 1
        script = Script(given["talker_input_embeds"], given["trailing_text_hiddens"], given["tts_pad_embed"])
        how = Sampling(given["temperature"], given["top_k"], given["top_p"], given["repetition_penalty"])
        device = torch.device("cpu")
        rows = TalkerRows(given["talker"], script, (how, PREDICTOR), generator_of(1, device), given["max_new_tokens"])
        try:
            while (row := rows.next()) is not None:
                yield row.unsqueeze(0), {"chunk_steps": 1}
        finally:
            self.ended += 1


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> FakeStream:
    stream = FakeStream()
    parts = {"talker_graph": ("TalkerGraph", FakeTalker), "predictor_graph": ("PredictorGraph", FakePredictor)}
    parts["streaming"] = ("fast_generate_streaming", stream)
    for name, (member, fake) in parts.items():
        module = types.ModuleType(f"{PACKAGE}.{name}")
        setattr(module, member, fake)
        monkeypatch.setitem(sys.modules, f"{PACKAGE}.{name}", module)
    return stream


@pytest.fixture
def rig(stream: FakeStream) -> Iterator[Rig]:
    with loaded() as made:
        voice = made.voice
        voice._graphs = Graphs(voice._model, torch.device("cpu"), torch.float32)
        yield made


AS_CAPTURED = {"temperature": 0.9, "top_k": 5}


def test_a_job_goes_by_the_graphs_and_its_sound_is_whole(rig: Rig, stream: FakeStream) -> None:
    generation = dict(rig.voice._found.generation) | {"subtalker_top_k": PREDICTOR.top_k}
    object.__setattr__(rig.voice._found, "generation", generation)
    assert not rig.voice.repeatable
    sound = rig.sound(options=AS_CAPTURED)
    assert len(sound) == ROWS * ROW and (stream.began, stream.ended) == (1, 1)
    rig.steps.open(rig.job("one"))
    rig.steps.step(["one"])
    (two,) = [rig.sound()]  # meanwhile another goes its own way
    assert stream.began == 2 and len(two) == ROWS * ROW
    rig.steps.close("one")
    assert stream.ended == 2, "a cancel closes the stream"
    rig.sound()
    assert stream.began == 3, "and the graphs are free again"


@pytest.mark.parametrize(
    ("options", "subtalker"),
    [({"temperature": 0}, {}), ({}, {"subtalker_top_k": 5}), ({}, {"subtalker_dosample": False})],
)
def test_what_was_not_captured_goes_by_the_modules(
    rig: Rig, stream: FakeStream, options: dict[str, Any], subtalker: dict[str, Any]
) -> None:
    generation = dict(rig.voice._found.generation) | {"subtalker_top_k": PREDICTOR.top_k} | subtalker
    object.__setattr__(rig.voice._found, "generation", generation)
    assert len(rig.sound(options=options)) == ROWS * ROW and stream.began == 0


def test_a_script_that_is_too_long_for_them_goes_by_the_modules(
    rig: Rig, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "LONGEST", 30)
    assert np.isfinite(rig.sound()).all() and stream.began == 0


def test_graphs_are_for_cuda_and_their_failure_is_no_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert graphs.graphs_for(rig.voice._model, torch.device("cpu"), torch.float32) is None
    cuda = torch.device("cuda:0")
    assert graphs.graphs_for(rig.voice._model, cuda, torch.float32) is not None

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(FakeTalker, "capture", broken)
    assert graphs.graphs_for(rig.voice._model, cuda, torch.float32) is None
    assert "no kernel image" in caplog.text
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert graphs.graphs_for(rig.voice._model, cuda, torch.float32) is None
    assert "faster-qwen3-tts is not installed" in caplog.text
