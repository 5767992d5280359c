"""The pages about models say what is true: their examples run, their tables list every option."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import ModelInfo, SimpleBackend, VoiceInfo, check_job
from syrinx.models.options import Range, parse_options
from syrinx.models.registry import MODELS, ModelEntry
from syrinx.models.tone.directives import Fault

DOCS = Path(__file__).parents[2] / "docs" / "models"
IN_THE_EXAMPLE = (
    Annotated,
    AudioChunk,
    Generator,
    ModelEntry,
    ModelInfo,
    Range,
    SimpleBackend,
    SynthesisJob,
    VoiceInfo,
    check_job,
    dataclass,
)


def test_the_example_of_adding_a_model_runs() -> None:
    backend, options, entry = re.findall(r"```python\n(.*?)```", (DOCS / "adding.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {getattr(value, "__name__", ""): value for value in IN_THE_EXAMPLE}
    names |= {"np": np, "Annotated": Annotated, "Range": Range, "__name__": __name__}
    exec(compile(options + "\n" + backend + "\nentry = " + entry, "adding.md", "exec"), names)
    made = names["ClickBackend"](parse_options("click", names["ClickOptions"], {"level": 0.5}))
    info = made.load()
    steps = made.stepped()
    steps.open(SynthesisJob("j", "two words", info.default_voice, "en"))
    results = [steps.step(["j"])[0] for _ in range(3)]
    assert [result.done for result in results] == [False, False, True] and results[1].chunk is not None
    assert names["entry"].factory.endswith("ClickBackend")


@pytest.mark.parametrize("entry", MODELS.values(), ids=list(MODELS))
def test_each_model_has_a_page_with_its_licence_and_every_option_and_default(entry: ModelEntry) -> None:
    page = (DOCS / f"{entry.name}.md").read_text()
    assert entry.licence in page
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", page, re.MULTILINE))
    defaults = {name: schema["default"] for name, schema in entry.options_schema()["properties"].items()}
    assert {name: float(value) for name, value in rows.items()} == defaults


def test_the_page_of_the_tone_names_every_directive() -> None:
    page = (DOCS / "tone.md").read_text()
    assert set(re.findall(r"^\| `\{\{(\w+)", page, re.MULTILINE)) == {fault.value for fault in Fault}
