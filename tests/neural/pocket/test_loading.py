"""What is missing, broken or foreign is refused at loading, by the file's name and with the remedy."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.models.pocket import mirror

from .case import tiny
from .rig import Rig, apart, clip, keep


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(tiny(), tmp_path / "models" / "kyutai" / "pocket-tts")


def refusal(folder: Path, **options) -> str:
    with pytest.raises(ModelNotReady) as caught:
        Rig(folder, **options)
    return str(caught.value)


def test_missing_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    said = refusal(folder)
    assert "model.safetensors" in said and mirror.REMEDY in said


def test_a_folder_that_is_not_there(folder: Path) -> None:
    assert mirror.REMEDY in refusal(folder / "nowhere")


def test_truncated_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    said = refusal(folder)
    assert str(path) in said and "truncated" in said and mirror.REMEDY in said


def test_rubbish_for_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(b"rubbish " * 100)
    assert str(path) in refusal(folder)


def test_a_pickle_for_weights_is_not_opened(folder: Path) -> None:
    import torch

    path = folder / "model.safetensors"
    torch.save({"x": torch.zeros(3)}, path)
    said = refusal(folder)
    assert str(path) in said and "pickle" in said


def test_weights_of_another_shape(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = "flow_lm.transformer.layers.0.linear1.weight"
    tensors[name] = tensors[name][:8].copy()
    save_file(tensors, path)
    said = refusal(folder)
    assert str(path) in said and name in said


def test_weights_without_a_tensor(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    del tensors["flow_lm.out_eos.bias"]
    save_file(tensors, path)
    assert "flow_lm.out_eos.bias" in refusal(folder)


@pytest.mark.parametrize("spoiled", ["missing", "broken", "another"])
def test_tokenizers(folder: Path, spoiled: str) -> None:
    path = folder / "tokenizer.json"
    if spoiled == "missing":
        path.unlink()
    elif spoiled == "broken":
        path.write_text("{")
    else:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.add_tokens(["<one more>"])
        tokenizer.save(str(path))
    said = refusal(folder)
    assert "tokenizer" in said and "tokenizer.json" in said and mirror.REMEDY in said


def test_configurations(folder: Path) -> None:
    assert "klingon" in refusal(folder, config="klingon") and "english" in refusal(folder, config="klingon")
    (folder / "model.yaml").write_text("- not\n- one\n")
    assert "model.yaml" in refusal(folder)


def test_voices(folder: Path) -> None:
    assert "nobody" in refusal(folder, voice="nobody")
    shutil.rmtree(folder / "embeddings")
    assert "no voices" in refusal(folder)


def test_a_voice_of_another_model_is_named(folder: Path) -> None:
    from safetensors.numpy import save_file

    path = folder / "embeddings" / "alba.safetensors"
    save_file({"transformer.layers.0.self_attn/cache": np.zeros((2, 1, 3, 4, 5), np.float32)}, path)
    said = refusal(folder)
    assert str(path) in said and "another model" in said


def test_further_voices_come_from_a_folder_and_the_old_form_is_refused_with_advice(
    folder: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(folder / "embeddings" / "marius.safetensors", own / "granny.safetensors")
    rig = Rig(folder, voices=str(own), voice="granny")
    assert rig.info.default_voice == "granny"
    assert apart(rig.speak("Hello."), rig.speak("Hello.", voice="marius")) < 1e-6
    save_file({"audio_prompt": np.zeros((1, 5, 32), np.float32)}, own / "old.safetensors")
    said = refusal(folder, voices=str(own), voice="old")
    assert "old form" in said and "syrinx voices clone" in said
    assert "no folder" in refusal(folder, voices=str(tmp_path / "nowhere"))


def test_the_old_form_beside_its_own_weights_is_spoken(folder: Path) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(1)
    save_file(
        {"audio_prompt": rng.normal(size=(1, 9, 32)).astype(np.float32)}, folder / "embeddings" / "old.safetensors"
    )
    rig = Rig(folder, voice="old")
    assert apart(rig.speak("Hello."), rig.speak("Hello.", voice="alba")) > 1e-3


def test_the_layout_of_the_published_repositories(tmp_path: Path) -> None:
    """Weights in one repository; tokenizer and voices in the other."""
    weights, other = tmp_path / "kyutai" / "pocket-tts", tmp_path / "kyutai" / mirror.OTHER_REPO
    (weights / "languages/english").mkdir(parents=True)
    (other / "languages/english").mkdir(parents=True)
    shutil.copy(tiny() / "model.safetensors", weights / "languages/english")
    shutil.copytree(tiny() / "embeddings", other / "languages/english/embeddings")
    shutil.copy(tiny() / "tokenizer.json", other / "languages/english")
    text = (tiny() / "model.yaml").read_text().replace("pocket-tts/model", "pocket-tts/languages/english/model")
    there = f"{mirror.OTHER_REPO}/languages/english/tokenizer"
    (weights / "english.yaml").write_text(text.replace("pocket-tts/tokenizer", there))
    rig = Rig(weights, config="english")
    assert rig.info.voices[0].id == "alba" and len(rig.speak("Hello.")) > 1920


def test_the_layout_of_the_sidecars_mirror(folder: Path) -> None:
    """``tts_*.safetensors`` and a yaml whose paths are those of another machine."""
    (folder / "model.safetensors").rename(folder / "tts_b6369a24.safetensors")
    text = (
        (folder / "model.yaml").read_text().replace("hf://kyutai/pocket-tts/", "/another/machine/").replace("@main", "")
    )
    (folder / "voicereader-pocket-tts.yaml").write_text(text)
    (folder / "model.yaml").unlink()
    assert len(Rig(folder).speak("Hello.")) > 1920


def test_weights_that_cannot_clone_say_so(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["flow_lm.speaker_proj_weight"] = np.zeros_like(tensors["flow_lm.speaker_proj_weight"])
    save_file(tensors, path)
    rig = Rig(folder)
    assert not rig.info.clones
    with pytest.raises(InvalidRequest) as caught:
        rig.backend.prepare_voice(clip())
    assert caught.value.code == "cannot_clone"


def test_the_revision_tells_checkpoints_apart_and_not_folders(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    own = Rig().info.revision
    assert Rig(folder).info.revision == own
    assert Rig(folder, quantize=True).info.revision != own
    path = folder / "model.safetensors"
    tensors = load_file(path)
    save_file(
        {name: value * np.float32(1.01) if value.dtype == np.float32 else value for name, value in tensors.items()},
        path,
    )
    assert Rig(folder).info.revision != own


def test_import_and_loading_leave_the_process_as_it_was() -> None:
    import torch

    before = logging.getLogger().handlers[:]
    Rig()
    assert logging.getLogger().handlers == before
    assert torch.get_num_threads() == 1
    from syrinx.models.pocket.backend import PocketBackend
    from syrinx.models.pocket.options import PocketOptions

    PocketBackend(PocketOptions(weights=str(tiny()), threads=2)).load()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


# --- cloned voices ---------------------------------------------------------------------------------------------------


def test_a_clone_survives_a_restart_and_is_refused_by_another_checkpoint(folder: Path, tmp_path: Path) -> None:
    rig = Rig(folder)
    prompt = keep(tmp_path, rig, rig.backend.prepare_voice(clip()))
    said = rig.speak(voice="mine", prompt=prompt)
    assert apart(said, rig.speak()) > 1e-3
    assert apart(said, Rig(folder).speak(voice="mine", prompt=prompt)) < 1e-6
    with pytest.raises(InvalidRequest) as caught:
        Rig(folder, quantize=True).open("a", voice="mine", prompt=prompt)
    assert caught.value.code == "bad_prompt"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: {"audio_prompt": np.zeros((1, 5, 32), np.float32)},
        lambda t: {name: value for name, value in t.items() if "layers.1" not in name},
        lambda t: {name: value[:, :, :, :1].copy() if value.ndim == 5 else value for name, value in t.items()},
        lambda t: {name: value.astype(np.float64) for name, value in t.items()},
        lambda t: {name: value * np.float32("nan") if value.ndim == 5 else value for name, value in t.items()},
        lambda t: {name: value if value.ndim == 5 else value * 1000 for name, value in t.items()},
        lambda t: {name: value if value.ndim == 5 else value * 0 for name, value in t.items()},
        lambda t: t | {"transformer.layers.2.self_attn/cache": np.zeros((2, 1, 3, 2, 16), np.float32)},
        lambda t: {"x": np.zeros(3, np.float32)},
    ],
)
def test_prompts_that_hold_anything_else_are_refused(tmp_path: Path, spoil) -> None:
    rig = Rig()
    prompt = keep(tmp_path, rig, spoil(dict(rig.backend.prepare_voice(clip()))))
    with pytest.raises(InvalidRequest) as caught:
        rig.open("a", voice="mine", prompt=prompt)
    assert caught.value.code == "bad_prompt" and caught.value.param == "voice"
    assert len(rig.speak("Hello.")) > 1920


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_clips_of_any_rate_and_length_make_voices(rate: int) -> None:
    made = Rig().backend.prepare_voice(clip(seconds=4.0, rate=rate))
    assert 48 <= made["transformer.layers.0.self_attn/offset"][0] <= 54  # 12.5 a second, the begin sign and a pause


def test_only_thirty_seconds_of_a_clip_are_used() -> None:
    made = Rig().backend.prepare_voice(clip(seconds=40.0))
    assert made["transformer.layers.0.self_attn/offset"][0] <= 30 * 12.5 + 3


# --- requests and int8 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1),
        ("temperature", "hot"),
        ("noise_clamp", 0),
        ("frames_after_eos", 1.5),
        ("eos_threshold", 1e9),
    ],
)
def test_options_out_of_their_range_are_refused_by_name(name: str, value: object) -> None:
    rig = Rig()
    with pytest.raises(InvalidRequest) as caught:
        rig.open("a", options={name: value})
    assert caught.value.param == name and name in str(caught.value)


def test_the_end_threshold_and_the_frames_after_it_are_honoured() -> None:
    rig = Rig()
    lengths = [
        len(rig.speak(options={"eos_threshold": -100.0, "frames_after_eos": after})) // 1920 for after in (0, 1, 5)
    ]
    assert lengths == [6, 7, 11]


def test_int8_speaks_close_to_float_and_batches() -> None:
    rig, whole = Rig(quantize=True, temperature=0.0), Rig(temperature=0.0)
    said = rig.speak()
    assert said.shape == whole.speak().shape and 1e-6 < apart(said, whole.speak()) < 0.3
    rig.open("a")
    rig.step(["a"])
    rig.open("b", "Hello world.")
    assert apart(rig.finish("a", "b")[0], said) < 0.02  # a number at the edge of two steps may fall to either
