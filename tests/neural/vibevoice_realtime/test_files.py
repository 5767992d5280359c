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
from .weights import add_voice, config_of, voice_of

INSTALL = "syrinx models install vibevoice-realtime"
CONVERT = "syrinx models convert-presets vibevoice-realtime DIR"
VOICE = Path("presets") / "en-Emma_woman.safetensors"


def _config(**changes: dict[str, Any] | Any) -> Callable[[Path], None]:
    """Change ``config.json``, a part of it where a dictionary is given."""

    def change(folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        for name, value in changes.items():
            config[name] = config[name] | value if isinstance(value, dict) else value
        path.write_text(json.dumps(config))

    return change


def _tensors(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})

    return changed


def _foreign(tensors: dict[str, Any]) -> None:
    tensors["lm_head.weight"] = tensors["model.tts_input_types.weight"].clone()


def _cut(name: str | Path) -> Callable[[Path], None]:
    def cut(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-100])

    return cut


def _drop(name: str | Path) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _more_tokens(folder: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens([f"<more {index}>" for index in range(10)])
    tokenizer.save(str(folder / "tokenizer.json"))


def _larger(folder: Path) -> None:
    add_voice(folder, VOICE.stem, voice_of(config_of(True), 1))


SPOILED: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "no config": (_drop("config.json"), "config.json", INSTALL),
    "no preprocessor": (_drop("preprocessor_config.json"), "preprocessor_config.json", INSTALL),
    "no tokenizer": (_drop("tokenizer.json"), "Qwen/Qwen2.5-0.5B", INSTALL),
    "no weights": (_drop("model.safetensors"), "model.safetensors", INSTALL),
    "cut short": (_cut("model.safetensors"), "model.safetensors", INSTALL),
    "junk": (lambda f: (f / "model.safetensors").write_bytes(b"junk"), "no safetensors file", INSTALL),
    "a pickle": (lambda f: (f / "model.safetensors").write_bytes(b"PK\x03\x04" + bytes(99)), "a pickle", INSTALL),
    "another model": (_config(model_type="vibevoice"), "'vibevoice'", INSTALL),
    "another decoder": (_config(acoustic_tokenizer_config={"layernorm": "LN"}), "layernorm = 'LN'", INSTALL),
    "no layers below": (_config(tts_backbone_num_hidden_layers=3), "3 of 3 layers", INSTALL),
    "other frames": (
        _config(acoustic_tokenizer_config={"decoder_ratios": [8, 5, 5, 4, 2, 1]}),
        "3200 samples",
        INSTALL,
    ),
    "a tensor is missing": (_tensors(lambda t: t.pop("tts_eos_classifier.fc1.weight")), "ends.fc1.weight", INSTALL),
    "a tensor is foreign": (_tensors(_foreign), "lm_head.weight", INSTALL),
    "another shape": (_config(diffusion_head_config={"head_ffn_ratio": 2.0}), "config.json says", INSTALL),
    "a wrong size": (_config(diffusion_head_config={"head_layers": "many"}), "the library refuses it", INSTALL),
    "a spoiled tokenizer": (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer.json", INSTALL),
    "too many tokens": (_more_tokens, "it has 271 tokens; the model knows 264", INSTALL),
    "no voices": (lambda f: shutil.rmtree(f / "presets"), "there are no voices", CONVERT),
    "a voice is cut short": (_cut(VOICE), VOICE.name, CONVERT),
    "a voice is junk": (lambda f: (f / VOICE).write_bytes(b"junk"), VOICE.name, CONVERT),
    "a voice of a larger model": (_larger, "does not hold the tensors of a voice", CONVERT),
    "a voice of another model": (
        lambda f: add_voice(f, VOICE.stem, voice_of(config_of(False), 1), model="another"),
        "no voice of this model",
        CONVERT,
    ),
    "a voice of other weights": (
        lambda f: add_voice(f, VOICE.stem, voice_of(config_of(False), 1), config="0123456789abcdef"),
        "a voice of other weights",
        CONVERT,
    ),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_bad_checkpoint_is_refused_by_file_and_with_the_remedy(tmp_path: Path, spoiled: str) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(tiny(), folder)
    change, named, remedy = SPOILED[spoiled]
    change(folder)
    with pytest.raises(ModelNotReady) as caught:
        make(weights=str(folder)).load()
    message = str(caught.value)
    assert named in message and str(folder) in message and remedy in message


def test_the_encoder_and_the_unused_embeddings_may_be_there(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(tiny(), folder)

    def add(tensors: dict[str, Any]) -> None:
        kept = tensors["model.language_model.embed_tokens.weight"]
        tensors["model.tts_language_model.embed_tokens.weight"] = kept.clone()
        tensors["model.acoustic_tokenizer.encoder.head.conv.conv.weight"] = kept.clone()

    _tensors(add)(folder)
    backend = make(weights=str(folder))
    assert backend.load().default_voice == "en-Carter_man"
    backend.unload()


def test_the_tokenizer_is_found_beside_the_weights_where_it_is_fetched_to(tmp_path: Path) -> None:
    folder = tmp_path / "microsoft" / "VibeVoice-Realtime-0.5B"
    shutil.copytree(tiny(), folder)
    beside = tmp_path / "Qwen" / "Qwen2.5-0.5B"
    beside.mkdir(parents=True)
    (folder / "tokenizer.json").rename(beside / "tokenizer.json")
    backend = make(weights=str(folder))
    backend.load()
    backend.unload()


def test_a_voice_that_is_gone_since_is_told_by_name(tmp_path: Path) -> None:
    from .rig import job

    folder = tmp_path / "weights"
    shutil.copytree(tiny(), folder)
    backend = make(weights=str(folder))
    backend.load()
    (folder / VOICE).unlink()
    with pytest.raises(ModelNotReady, match="en-Emma_woman"):
        backend.stepped().open(job(voice="en-Emma_woman"))
    backend.unload()


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="not a folder"):
        make(weights=str(tmp_path / "none")).load()
