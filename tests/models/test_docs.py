"""The pages about models say what is true: their examples run, their tables list every option."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

from syrinx.core.errors import VoiceNotFound
from syrinx.core.types import AudioChunk, SynthesisJob, VoicePrompt
from syrinx.models.base import ModelInfo, ReferenceClip, SimpleBackend, Tensors, VoiceInfo, check_job
from syrinx.models.options import Range, parse_options
from syrinx.models.prompt import PromptCache, encode_prompt
from syrinx.models.registry import AIDS, MODELS, ModelEntry
from syrinx.models.tone.directives import Fault

DOCS = Path(__file__).parents[2] / "docs" / "models"
IN_THE_EXAMPLE = (
    Annotated,
    AudioChunk,
    Generator,
    ModelEntry,
    ModelInfo,
    PromptCache,
    Range,
    ReferenceClip,
    SimpleBackend,
    SynthesisJob,
    VoiceInfo,
    check_job,
    dataclass,
    replace,
)


def names_of_the_example() -> dict[str, Any]:
    """What the Python blocks of the page define, the options first, which stand below the class that uses them."""
    backend, options, cloning, entry = re.findall(r"```python\n(.*?)```", (DOCS / "adding.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {getattr(value, "__name__", ""): value for value in IN_THE_EXAMPLE}
    names |= {"np": np, "Annotated": Annotated, "Range": Range, "Tensors": Tensors, "__name__": __name__}
    exec(compile(f"{options}\n{backend}\n{cloning}\nentry = {entry}", "adding.md", "exec"), names)
    return names


def test_the_example_of_cloning_runs(tmp_path: Path) -> None:
    names = names_of_the_example()
    made = names["CloningClickBackend"](parse_options("click", names["ClickOptions"], {}))
    info = made.load()
    data = encode_prompt("click", "", made.prepare_voice(ReferenceClip(np.full(80_000, 0.7, np.float32), 24_000)))
    (tmp_path / "prompt").write_bytes(data)
    prompt = VoicePrompt(hashlib.sha256(data).hexdigest(), str(tmp_path / "prompt"))
    steps = made.stepped()
    steps.open(SynthesisJob("j", "word", "my voice", "en", prompt=prompt))
    chunk = steps.step(["j"])[0].chunk
    assert info.clones and chunk is not None and chunk.samples.max() == np.float32(0.7)
    (tmp_path / "prompt").unlink()
    with pytest.raises(VoiceNotFound):
        steps.open(SynthesisJob("k", "word", "my voice", "en", prompt=prompt))


def test_the_example_of_adding_a_model_runs() -> None:
    names = names_of_the_example()
    made = names["ClickBackend"](parse_options("click", names["ClickOptions"], {"level": 0.5}))
    info = made.load()
    steps = made.stepped()
    steps.open(SynthesisJob("j", "two words", info.default_voice, "en"))
    results = [steps.step(["j"])[0] for _ in range(3)]
    assert [result.done for result in results] == [False, False, True] and results[1].chunk is not None
    assert names["entry"].factory.endswith("ClickBackend")


EVERY = {**MODELS, **AIDS}


@pytest.mark.parametrize("entry", EVERY.values(), ids=list(EVERY))
def test_each_model_has_a_page_with_its_licence_and_every_option_and_default(entry: ModelEntry) -> None:
    page = (DOCS / f"{entry.name}.md").read_text()
    assert entry.licence in page
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]*)`? \|", page, re.MULTILINE))
    for name, schema in entry.options_schema()["properties"].items():
        assert f"`{name}`" in page, f"{name} is not on the page"
        if name in rows:
            assert rows[name].strip() in words_for(schema["default"]), f"default of {name}"


def words_for(default: Any) -> set[str]:
    """How a page may write a default."""
    if isinstance(default, bool):
        return {"on", "true"} if default else {"off", "false"}
    if isinstance(default, (list, tuple)):
        return {", ".join(map(str, default)) or "empty"}
    if isinstance(default, float):
        return {str(default), f"{default:g}"}
    return {str(default) or "empty"}


def test_the_page_of_the_tone_names_every_directive() -> None:
    page = (DOCS / "tone.md").read_text()
    assert set(re.findall(r"^\| `\{\{(\w+)", page, re.MULTILINE)) == {fault.value for fault in Fault}
