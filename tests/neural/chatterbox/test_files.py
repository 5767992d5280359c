"""Weights and voices on disk: what is wrong with them is said of the file, with the remedy."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.core.types import SynthesisJob, VoicePrompt
from syrinx.models.base import ReferenceClip, Tensors
from syrinx.models.chatterbox.backend import ChatterboxBackend
from syrinx.models.chatterbox.options import ChatterboxOptions
from syrinx.models.prompt import encode_prompt
from tests.fakes.speech import speech

from .case import backend, folder
from .weights import shrink


def kept(path: Path, model: str, revision: str, tensors: Tensors) -> VoicePrompt:
    data = encode_prompt(model, revision, tensors)
    path.write_bytes(data)
    return VoicePrompt(hashlib.sha256(data).hexdigest(), str(path))


def job(prompt: VoicePrompt | None) -> SynthesisJob:
    return SynthesisJob("a", "Hello.", "cloned", "en", seed=7, prompt=prompt)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkpoint to spoil: links, but for what a test writes anew."""
    shrink()
    for path in folder().iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


def load(place: Path) -> None:
    ChatterboxBackend(ChatterboxOptions(weights=str(place), device="cpu", threads=1, watermark=False)).load()


def test_a_cloned_voice_survives_a_restart_and_is_refused_by_other_weights(tmp_path: Path) -> None:
    made = backend()
    info = made.load()
    tensors = made.prepare_voice(ReferenceClip(speech(rate=24_000), 24_000))
    assert tensors["prompt_token"].shape[1] * 2 == tensors["prompt_feat"].shape[1]
    again = backend()
    again.load()
    again.stepped().open(job(kept(tmp_path / "mine", info.name, info.revision, tensors)))
    again.stepped().close("a")
    for revision, spoiled in (
        ("another", tensors),
        (info.revision, {**tensors, "speaker": np.zeros((1, 3), np.float32)}),
        (info.revision, {"speaker": tensors["speaker"]}),
    ):
        with pytest.raises(InvalidRequest) as caught:
            again.stepped().open(job(kept(tmp_path / "other", info.name, revision, spoiled)))
        assert caught.value.code == "bad_prompt"


def test_turbo_wants_more_than_five_seconds() -> None:
    made = backend("turbo")
    made.load()
    with pytest.raises(InvalidRequest) as caught:
        made.prepare_voice(ReferenceClip(speech(rate=24_000)[: 4 * 24_000], 24_000))
    assert caught.value.code == "reference_too_short"


def test_weights_of_another_shape_name_the_file_and_the_tensor(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / "ve.safetensors")
    tensors["proj.weight"] = tensors["proj.weight"][:5].contiguous()
    (copy / "ve.safetensors").unlink()
    save_file(tensors, copy / "ve.safetensors")
    with pytest.raises(ModelNotReady, match=r"ve\.safetensors.*proj\.weight.*syrinx models install chatterbox"):
        load(copy)


def test_weights_of_another_model_name_the_file(copy: Path) -> None:
    (copy / "t3_cfg.safetensors").unlink()
    shutil.copy(copy / "ve.safetensors", copy / "t3_cfg.safetensors")
    with pytest.raises(ModelNotReady, match=r"t3_cfg\.safetensors.*of another model"):
        load(copy)


def test_a_pickle_that_runs_code_is_not_run(copy: Path) -> None:
    import torch

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (copy / "sprung",)  # type: ignore[return-value]

    (copy / "conds.pt").unlink()
    torch.save({"t3": Trap(), "gen": {}}, copy / "conds.pt")
    with pytest.raises(ModelNotReady, match=r"conds\.pt"):
        load(copy)
    assert not (copy / "sprung").exists()


def test_a_tokenizer_that_is_none_is_named(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    (copy / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelNotReady, match=r"tokenizer\.json"):
        load(copy)
