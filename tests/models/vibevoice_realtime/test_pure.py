"""What of VibeVoice Realtime needs no torch: names, sizes, voices, and what a confined process can still do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.models.vibevoice_realtime import checkpoint, options, unpickle, voices
from syrinx.models.vibevoice_realtime.convert import convert
from syrinx.models.vibevoice_realtime.names import renamed
from syrinx.models.vibevoice_realtime.options import RealtimeOptions
from tests.neural.vibevoice_realtime.weights import PREPROCESSOR, config_of, published


@pytest.mark.parametrize("full", [False, True])
def test_every_published_tensor_has_a_name_of_its_own(full: bool) -> None:
    names = [name for name, _ in published(config_of(full))]
    ours = [renamed(name) for name in names]
    assert None not in ours and len(set(ours)) == len(names)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (
            "model.acoustic_tokenizer.decoder.upsample_layers.6.0.convtr.convtr.bias",
            "decoder.conv_layers.5.convtr.convtr.bias",
        ),
        (
            "model.acoustic_tokenizer.decoder.stages.0.7.mixer.conv.conv.conv.weight",
            "decoder.stem.stage.7.mixer.conv.weight",
        ),
        (
            "model.acoustic_tokenizer.decoder.stages.3.2.ffn.linear1.bias",
            "decoder.conv_layers.2.stage.2.ffn.linear1.bias",
        ),
        ("model.prediction_head.layers.3.ffn.up_proj.weight", "head.layers.3.ffn.up_proj.weight"),
        ("model.tts_language_model.layers.19.mlp.up_proj.weight", "tts_language_model.layers.19.mlp.up_proj.weight"),
        ("model.speech_bias_factor", "factors.bias"),
        ("lm_head.weight", None),
        ("model.semantic_connector.fc1.weight", None),
    ],
)
def test_names_are_those_of_the_librarys_modules(theirs: str, ours: str | None) -> None:
    assert renamed(theirs) == ours


def lay(folder: Path, **changes: Any) -> Path:
    """A checkpoint of which only the weights are none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_of(True) | changes))
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    (folder / "tokenizer.json").write_text("{}")
    save_file({"a": np.zeros(1)}, folder / "model.safetensors")
    return folder


def test_the_published_sizes_are_read(tmp_path: Path) -> None:
    found = checkpoint.read(str(lay(tmp_path)))
    assert found.sizes == checkpoint.Sizes(4, 20, 896, 2, 64, 8192)
    assert (found.sample_rate, found.hop) == (24_000, 3200)


def test_what_voices_depend_on_changes_the_digest_of_the_configuration_and_nothing_else_does(tmp_path: Path) -> None:
    one = checkpoint.read(str(lay(tmp_path))).config_digest
    head = config_of(True)["diffusion_head_config"]
    other = checkpoint.read(str(lay(tmp_path, diffusion_head_config=head | {"ddpm_num_inference_steps": 5})))
    assert other.config_digest == one
    deeper = config_of(True)["decoder_config"] | {"num_hidden_layers": 25}
    assert checkpoint.read(str(lay(tmp_path, decoder_config=deeper))).config_digest != one


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "vibevoice"}, "model_type is 'vibevoice'"),
        ({"decoder_config": None}, "no decoder_config"),
        ({"decoder_config": {}}, "does not describe the language model"),
        ({"diffusion_head_config": {"prediction_type": "epsilon"}}, "prediction_type = 'epsilon'"),
        ({"tts_backbone_num_hidden_layers": 24}, "24 of 24 layers"),
    ],
)
def test_a_configuration_that_is_not_ours_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelNotReady, match=said):
        checkpoint.read(str(lay(tmp_path, **changes)))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("en-Carter_man", ("Carter", ("en",), "male")),
        ("in-Samuel_man", ("Samuel", ("en-IN",), "male")),
        ("jp-Spk1_woman", ("Spk1", ("ja",), "female")),
        ("kr-Spk0_woman", ("Spk0", ("ko",), "female")),
        ("sp-Spk1_man", ("Spk1", ("es",), "male")),
        ("fr-Anna", ("Anna", ("fr",), "")),
        ("mine", ("mine", ("en",), "")),
    ],
)
def test_names_of_presets_say_who_speaks(name: str, wanted: tuple[str, tuple[str, ...], str]) -> None:
    info = voices.info_of(name)
    assert (info.id, info.name, info.languages, info.gender) == (name, *wanted)


def put_voice(folder: Path, name: str, changes: dict[str, Any] | None = None) -> Path:
    """A voice of the right shapes for ``lay``."""
    _, sizes = checkpoint.read_config(folder)
    shapes = {part: [3 if size < 0 else size for size in shape] for part, shape in voices.tensor_shapes(sizes).items()}
    tensors = {part: np.zeros(shape, np.float32) for part, shape in (shapes | (changes or {})).items()}
    place = folder / "presets" / f"{name}.safetensors"
    place.parent.mkdir(exist_ok=True)
    save_file(tensors, place, voices.metadata_for(sizes.digest(config_of(True))))
    return place


def test_the_default_voice_stands_first(tmp_path: Path) -> None:
    found = checkpoint.read(str(lay(tmp_path)))
    put_voice(tmp_path, "de-Spk0_man")
    assert list(voices.find(found)) == ["de-Spk0_man"]
    put_voice(tmp_path, "en-Mike_man")
    assert list(voices.find(found)) == ["en-Mike_man", "de-Spk0_man"]
    put_voice(tmp_path, "en-Carter_man")
    assert list(voices.find(found)) == ["en-Carter_man", "de-Spk0_man", "en-Mike_man"]
    assert voices.digest_of(voices.find(found)) != voices.digest_of({})


@pytest.mark.parametrize(
    "changes",
    [{"text.keys": [4, 2, 0, 64]}, {"speech.values": [20, 2, 4, 64]}, {"against.hidden": [895]}, {"more": [1]}],
    ids=["empty", "unequal", "size", "more"],
)
def test_a_voice_of_other_shapes_is_refused_by_name(tmp_path: Path, changes: dict[str, list[int]]) -> None:
    found = checkpoint.read(str(lay(tmp_path)))
    put_voice(tmp_path, "en-Mike_man", changes)
    with pytest.raises(ModelNotReady, match=r"en-Mike_man\.safetensors.*convert-presets vibevoice-realtime"):
        voices.find(found)


def test_a_request_takes_what_the_model_was_loaded_with() -> None:
    loaded = RealtimeOptions(num_diffusion_steps=9)
    assert options.read({"max_frames": 4}, loaded) == options.Wishes(9, 1.5, 4)
    assert options.schema(loaded)["properties"]["num_diffusion_steps"]["default"] == 9
    with pytest.raises(InvalidRequest, match="vibevoice-realtime has no option"):
        options.read({"voice": "x"}, loaded)


TRIES = """
import json, os, socket, subprocess, sys
sys.path.insert(0, {folder!r})
import unpickle
def tried(what):
    try:
        what()
    except BaseException as error:
        return type(error).__name__
    return "done"
unpickle.confine()
import resource
print(json.dumps([
    tried(lambda: socket.socket()),
    tried(lambda: open({file!r})),
    tried(lambda: open({written!r}, "w")),
    tried(lambda: subprocess.run(["true"])),
    tried(lambda: os.pipe()),
    tried(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))),
    tried(lambda: bytearray(1 << 31)),
]))
print(os.geteuid())
"""


def test_a_confined_process_opens_nothing_starts_nothing_and_cannot_take_that_back(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = str(Path(unpickle.__file__).parent)
    program = TRIES.format(folder=folder, file=str(tmp_path / "file"), written=str(tmp_path / "written"))
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    tries, user = done.stdout.splitlines()
    assert json.loads(tries) == ["OSError"] * 5 + ["ValueError", "MemoryError"], done.stderr
    assert int(user) != 0 and not (tmp_path / "written").exists()


def test_an_interpreter_without_the_libraries_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match=r"cannot be read safely here.*torch"):
        convert(b"anything", lay(tmp_path), Path(sys.executable))
    with pytest.raises(ModelNotReady, match="nowhere"):
        convert(b"anything", tmp_path, tmp_path / "nowhere")
