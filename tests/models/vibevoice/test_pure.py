"""What of VibeVoice needs no torch: text, frames, options, prompts, and checkpoints seen from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx.core.errors import ConfigError, InvalidRequest, ModelNotReady
from syrinx.models.options import parse_options
from syrinx.models.vibevoice import checkpoint, clone, options, script
from syrinx.models.vibevoice.options import VibeVoiceOptions

SPECIAL = ("<|vision_pad|>", "<|vision_pad|>x", "<|endoftext|>")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Hello.", "Hello."),
        (" two\n lines\t", "two lines"),
        ("a<|vision_pad|>b", "a b"),
        ("<|vision_<|endoftext|>pad|>", "<|vision_ pad|>"),
        ("lone \ud800 half", "lone ? half"),
        ("a\x00b\u202ec", "a b c"),
        ("नमस्ते", "नमस्ते"),
        ("", "."),
        ("<|endoftext|>", "."),
    ],
)
def test_a_text_becomes_one_line_without_commands(text: str, line: str) -> None:
    assert script.clean(text, SPECIAL) == line


def test_more_text_may_take_more_frames_and_a_limit_holds() -> None:
    assert script.most_frames("a", 0) < script.most_frames("a" * 100, 0) < script.most_frames("語" * 100, 0)
    assert script.most_frames("a" * 100, 0) / script.FRAME_RATE > 2 * 100 * script.SECONDS_PER_CHAR
    assert script.most_frames("a" * 100, 5) == 5
    assert script.most_frames("a", 40_000) == script.most_frames("a", 0)


def test_a_request_takes_what_the_model_was_loaded_with() -> None:
    loaded = VibeVoiceOptions(num_diffusion_steps=5, max_frames=9)
    assert options.read({}, loaded) == options.Wishes(5, 1.3, 9)
    assert options.read({"guidance_scale": 2}, loaded) == options.Wishes(5, 2.0, 9)
    schema = options.schema(loaded)
    assert schema["properties"]["num_diffusion_steps"]["default"] == 5
    assert set(schema["properties"]) == {"num_diffusion_steps", "guidance_scale", "max_frames"}
    json.dumps(schema)


@pytest.mark.parametrize(("name", "value"), [("guidance_scale", 0), ("num_diffusion_steps", 1.5), ("voice", "x")])
def test_a_wrong_option_is_named(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        options.read({name: value}, VibeVoiceOptions())
    assert caught.value.param == name
    with pytest.raises(ConfigError) as refused:
        parse_options("vibevoice", VibeVoiceOptions, {name: value})
    assert refused.value.param == name


def test_a_prompt_is_read_as_it_was_made() -> None:
    latents = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert np.array_equal(clone.latents_in(clone.prompt_of(latents), 2), latents)
    with pytest.raises(InvalidRequest):
        clone.latents_in(clone.prompt_of(latents), 3)


def _lay(folder: Path, **config: Any) -> Path:
    for name in checkpoint.NEEDED:
        (folder / name).write_text("{}")
    (folder / "config.json").write_text(json.dumps({"model_type": "vibevoice", "text_config": {}} | config))
    return folder


def _safetensors(path: Path, values: bytes) -> None:
    header = json.dumps({"a": {"dtype": "U8", "shape": [len(values)], "data_offsets": [0, len(values)]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + values)


def test_a_whole_checkpoint_has_a_digest_that_changes_with_its_weights(tmp_path: Path) -> None:
    _lay(tmp_path)
    _safetensors(tmp_path / "model.safetensors", b"one")
    one = checkpoint.read(str(tmp_path)).digest
    assert one == checkpoint.read(str(tmp_path)).digest
    _safetensors(tmp_path / "model.safetensors", b"two")
    assert checkpoint.read(str(tmp_path)).digest != one


def test_parts_are_those_that_the_index_lists_and_none_may_be_missing(tmp_path: Path) -> None:
    _lay(tmp_path)
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = {"weight_map": {"a": names[0], "b": names[1]}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    _safetensors(tmp_path / names[0], b"x")
    with pytest.raises(ModelNotReady, match=names[1]):
        checkpoint.read(str(tmp_path))
    _safetensors(tmp_path / names[1], b"y")
    checkpoint.read(str(tmp_path))


@pytest.mark.parametrize("data", [b"", b"junk", b"\x80\x04pickle", b"PK\x03\x04zip", bytes(8) + b"{}"])
def test_what_is_no_safetensors_file_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (_lay(tmp_path) / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelNotReady, match=r"model\.safetensors"):
        checkpoint.read(str(tmp_path))


@pytest.mark.parametrize("start", [b"\x80", b"PK"])
def test_a_header_whose_length_reads_like_a_pickle_is_none(tmp_path: Path, start: bytes) -> None:
    length = int.from_bytes(start, "little")
    header = json.dumps({"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}}).encode().ljust(length)
    (_lay(tmp_path) / "model.safetensors").write_bytes(length.to_bytes(8, "little") + header + b"abc")
    checkpoint.read(str(tmp_path))


@pytest.mark.parametrize("config", [{"model_type": "qwen3_tts"}, {"text_config": None}])
def test_a_foreign_configuration_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(ModelNotReady, match=r"config\.json"):
        checkpoint.read(str(_lay(tmp_path, **config)))
