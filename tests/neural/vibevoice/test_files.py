"""Checkpoints that are not whole, not ours, or no safetensors: each an error that names the file and the remedy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syrinx.core.errors import ModelNotReady

from .case import make, tiny


def _change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _without(*keys: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        save_file({k: v for k, v in tensors.items() if k not in keys}, folder / "model.safetensors", {"format": "pt"})

    return change


def _reshape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["intermediate_size"] *= 2
    (folder / "config.json").write_text(json.dumps(config))


def _pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


SPOILED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "config.json"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json"),
    "no template": (lambda f: (f / "chat_template.jinja").unlink(), "chat_template.jinja"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors"),
    "a pickle only": (_pickle, "pytorch_model.bin is a pickle"),
    "a pickle by another name": (
        lambda f: (f / "model.safetensors").write_bytes(b"PK\x03\x04" + bytes(99)),
        "a pickle",
    ),
    "cut short": (_cut, "model.safetensors"),
    "junk": (lambda f: (f / "model.safetensors").write_bytes(b"junk"), "no safetensors file"),
    "another model": (lambda f: _change(f / "config.json", model_type="bark"), "'bark'"),
    "the original layout": (lambda f: _change(f / "config.json", text_config=None), "vibevoice/VibeVoice-1.5B-hf"),
    "a tensor is missing": (_without("model.diffusion_head.cond_proj.weight"), "diffusion_head.cond_proj.weight"),
    "another shape": (_reshape, "the library refuses it"),
    "config is no JSON": (lambda f: (f / "config.json").write_text("{"), "config.json"),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_bad_checkpoint_is_refused_by_file_and_with_the_remedy(tmp_path: Path, spoiled: str) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(tiny(), folder)
    change, named = SPOILED[spoiled]
    change(folder)
    with pytest.raises(ModelNotReady) as caught:
        make(weights=str(folder)).load()
    message = str(caught.value)
    assert named in message and str(folder) in message and "syrinx models install vibevoice" in message


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="not a folder"):
        make(weights=str(tmp_path / "none")).load()


def test_attention_that_is_not_there_is_refused() -> None:
    with pytest.raises(ModelNotReady, match="attention = auto"):
        make(attention="flash_attention_2").load()
