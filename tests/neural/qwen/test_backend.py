"""Qwen3-TTS as it is served: cancel, seeds, options, languages, clones, wrong files, devices that are not there."""

from __future__ import annotations

import gc
import json
import logging
import shutil
import socket
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from syrinx.core.errors import ConfigError, InvalidRequest, ModelNotReady
from syrinx.models.qwen.backend import QwenBackend
from syrinx.models.qwen.options import QwenOptions

from .case import MOST_S, weights
from .rig import ROW, Rig, loaded, recording
from .weights import SPECIAL


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with loaded() as made:
        yield made


@pytest.fixture(scope="module")
def base() -> Iterator[Rig]:
    with loaded("base") as made:
        yield made


def refused(rig: Rig, param: str, **changes: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        rig.steps.open(rig.job(**changes))
    assert caught.value.param == param
    return str(caught.value)


# --- steps ----------------------------------------------------------------------------------------------------------


def test_a_step_is_a_frame_and_the_first_sound_comes_after_two(rig: Rig) -> None:
    rig.steps.open(rig.job())
    gave = []
    for _ in range(9):
        (result,) = rig.steps.step(["a"])
        gave.append(None if result.chunk is None else len(result.chunk.samples) // ROW)
    rig.steps.close("a")
    assert gave == [None, 2, None, None, 3, None, None, None, 4]


def test_a_cancel_in_mid_speech_frees_its_memory_and_leaves_no_thread(rig: Rig) -> None:
    threads = set(threading.enumerate())
    rig.steps.open(rig.job())
    for _ in range(5):
        rig.steps.step(["a"])
    held = rig.steps._jobs["a"].speaking  # type: ignore[attr-defined]
    caches = [weakref.ref(held._rows._cache), weakref.ref(held._window._cache)]
    rig.steps.close("a")
    del held
    gc.collect()
    assert all(cache() is None for cache in caches)
    assert set(threading.enumerate()) == threads


def test_speech_ends_where_the_model_ends_it() -> None:
    with loaded(ends=True, max_seconds=60) as rig:
        lengths = {len(rig.sound(seed=seed)) for seed in range(5)}
    assert len(lengths) > 1 and max(lengths) < 60 * 24_000
    assert all(length % ROW == 0 and length >= 2 * ROW for length in lengths)


def test_a_model_that_finds_no_end_is_stopped_at_the_most(rig: Rig) -> None:
    assert len(rig.sound()) == round(MOST_S * 24_000)


# --- chance ---------------------------------------------------------------------------------------------------------


def test_seeds_repeat_and_differ_and_leave_everybody_elses_chance_alone(rig: Rig) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, again, other = rig.sound(seed=1), rig.sound(seed=1), rig.sound(seed=2)
    unseeded = [rig.sound(seed=None, utterance_id=name) for name in "aba"]
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert not np.array_equal(unseeded[0], unseeded[1])
    assert np.array_equal(unseeded[0], unseeded[2]), "a job that is taken up again goes on as it began"
    assert torch.equal(before, torch.get_rng_state())


def test_options_of_a_request_change_how_it_is_said(rig: Rig) -> None:
    said = [rig.sound(options=options) for options in ({}, {"temperature": 0}, {"temperature": 2, "top_k": 60})]
    assert sum(np.array_equal(a, b) for a in said for b in said) == 3
    assert np.array_equal(rig.sound(seed=1, options={"temperature": 0}), rig.sound(seed=2, options={"temperature": 0}))


# --- what a request may ask -----------------------------------------------------------------------------------------


def test_languages_that_it_does_not_speak_are_refused_with_those_it_does(rig: Rig) -> None:
    assert "auto, en, zh" in refused(rig, "language", language="hi")


def test_instructions_are_followed_by_weights_that_do() -> None:
    for kind in ("custom_voice", "voice_design"):
        with loaded(kind, "1b7") as rig:
            assert rig.info.options_schema["properties"]["instructions"]
            plain, low = rig.sound(), rig.sound(options={"instructions": "slowly and low"})
            assert not np.array_equal(plain, low)


def test_instructions_are_refused_with_the_reason_by_weights_that_do_not(rig: Rig, base: Rig) -> None:
    for made, reason in ((rig, "0.6B"), (base, "recording")):
        assert "instructions" not in made.info.options_schema["properties"]
        message = refused(made, "instructions", options={"instructions": "slowly"})
        assert reason in message and "1.7B" in message


def test_marks_of_the_tokenizer_in_a_text_are_letters(rig: Rig) -> None:
    tokens = rig.voice._scribe._tokens
    marks = set(rig.voice._model.processor.tokenizer.convert_tokens_to_ids(list(SPECIAL)))
    assert tokens("", "assistant")[0] in marks
    assert not marks & set(tokens("end<|im_end|> <tts_pad> <|im_start|>user"))
    assert len(rig.sound("<|im_end|>")) > 0


def test_text_at_the_bound_in_a_script_of_many_bytes_is_spoken(rig: Rig) -> None:
    assert len(rig.sound("語" * 300, language="ja")) > 0


# --- clones ---------------------------------------------------------------------------------------------------------


def test_a_clone_survives_a_restart_with_and_without_its_transcript(tmp_path: Path) -> None:
    sounds = []
    for restart in range(2):
        with loaded("base") as made:
            prompts = [made.clone(tmp_path, recording(text=text)) for text in ("", "some words")]
            sounds.append([made.sound(voice="mine", prompt=prompt) for prompt in prompts])
            assert len({prompt.digest for prompt in prompts}) == 2, restart
    assert all(np.array_equal(before, after) for before, after in zip(*sounds, strict=True))
    assert not np.array_equal(sounds[0][0], sounds[0][1])


def test_a_prompt_of_other_weights_is_refused(base: Rig, tmp_path: Path) -> None:
    with loaded("base", "1b7") as other:
        assert other.info.revision != base.info.revision
        prompt = other.clone(tmp_path, recording())
    with pytest.raises(InvalidRequest, match="other weights") as caught:
        base.steps.open(base.job(voice="mine", prompt=prompt))
    assert caught.value.code == "bad_prompt"


def test_speakers_do_not_clone_and_say_what_does(rig: Rig) -> None:
    with pytest.raises(InvalidRequest, match="Base") as caught:
        rig.backend.prepare_voice(recording())
    assert caught.value.code == "cannot_clone"


@pytest.mark.parametrize(("seconds", "code"), [(0.2, "audio_too_short"), (600, "audio_too_long")])
def test_recordings_that_do_not_fit_are_refused(base: Rig, seconds: float, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        base.backend.prepare_voice(recording(seconds, 8000))
    assert caught.value.code == code


# --- weights --------------------------------------------------------------------------------------------------------


def spoil(folder: Path, name: str, change: Any) -> str:
    """Copy the tiny weights with one tensor file changed."""
    shutil.copytree(weights(), folder)
    tensors = load_file(folder / name)
    change(tensors)
    save_file(tensors, folder / name, metadata={"format": "pt"})
    return str(folder)


HEAD = "talker.codec_head.weight"
OUT = "decoder.pre_transformer.output_proj.weight"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("model.safetensors", lambda tensors: tensors.pop(HEAD)),
        ("model.safetensors", lambda tensors: tensors.update({HEAD: torch.zeros(3, 3)})),
        ("speech_tokenizer/model.safetensors", lambda tensors: tensors.pop(OUT)),
        ("speech_tokenizer/model.safetensors", lambda tensors: tensors.update({OUT: torch.zeros(3, 3)})),
        ("model.safetensors", lambda tensors: tensors.clear()),
    ],
    ids=["lacking", "misshapen", "codec lacking", "codec misshapen", "empty"],
)
def test_weights_that_do_not_fit_are_refused_with_the_remedy(tmp_path: Path, name: str, change: Any) -> None:
    made = QwenBackend(QwenOptions(weights=spoil(tmp_path / "w", name, change), device="cpu", threads=1))
    with pytest.raises(ModelNotReady, match="syrinx models install qwen") as caught:
        made.load()
    assert str(tmp_path / "w") in str(caught.value)


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    shutil.copytree(weights(), tmp_path / "w")
    (tmp_path / "w" / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(ModelNotReady, match=r"config\.json"):
        QwenBackend(QwenOptions(weights=str(tmp_path / "w"))).load()


def test_a_custom_voice_checkpoint_without_speakers_is_refused_as_it_is_loaded(tmp_path: Path) -> None:
    shutil.copytree(weights(), tmp_path / "w")
    path = tmp_path / "w" / "config.json"
    config = json.loads(path.read_text())
    config["talker_config"]["spk_id"] = {}
    path.write_text(json.dumps(config))
    with pytest.raises(ModelNotReady, match="spk_id") as caught:
        QwenBackend(QwenOptions(weights=str(tmp_path / "w"), device="cpu", threads=1)).load()
    assert str(path) in str(caught.value) and "syrinx models install qwen" in str(caught.value)


# --- where it computes ----------------------------------------------------------------------------------------------


def test_row_0_06_a_device_that_is_not_there_is_a_clear_failure() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(ModelNotReady, match="finds no CUDA device"):
        QwenBackend(QwenOptions(weights=weights(), device="cuda:0")).load()


def test_the_sidecars_speaker_is_the_default_and_a_wrong_one_is_refused() -> None:
    with loaded(speaker="Vivian") as rig:
        assert rig.info.default_voice == "vivian"
    with pytest.raises(ConfigError) as caught:
        QwenBackend(QwenOptions(weights=weights(), speaker="Nobody")).load()
    assert caught.value.param == "speaker"


def test_row_0_38_it_loads_offline_and_looks_nothing_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no(*_: Any) -> None:
        raise AssertionError("it wants the network")

    monkeypatch.setattr(socket.socket, "connect", no)
    monkeypatch.setattr(socket, "getaddrinfo", no)
    monkeypatch.setenv("HOME", str(tmp_path))
    with loaded() as rig:
        rig.sound()
    assert not list(tmp_path.iterdir())


def test_attention_falls_back_honestly(caplog: pytest.LogCaptureFixture, rig: Rig) -> None:
    with caplog.at_level(logging.WARNING), loaded(attention="flash_attention_2") as made:
        assert made.voice.attention == "sdpa"
        assert np.array_equal(made.sound(), rig.sound())
    assert "flash_attention_2 cannot be used (the device is cpu)" in caplog.text
    with loaded(attention="eager") as made:
        assert made.voice._talker.config._attn_implementation == "eager"
    assert rig.voice.attention == "sdpa" and rig.voice._talker.config._attn_implementation == "sdpa"


def test_it_computes_in_the_numbers_asked_for() -> None:
    with loaded("base", dtype="bfloat16") as made:
        assert made.voice._talker.dtype == torch.bfloat16
        assert np.isfinite(made.sound()).all()
        assert made.backend.prepare_voice(recording())["ref_spk_embedding"].dtype == np.float32


def test_importing_it_leaves_threads_as_they_were_set(rig: Rig) -> None:
    assert torch.get_num_threads() == 1
    assert "sox" not in __import__("sys").modules


def test_one_voice_is_another_than_the_next(rig: Rig) -> None:
    sounds = [rig.sound(voice=voice.id, language="auto") for voice in rig.info.voices]
    assert len({sound.tobytes() for sound in sounds}) == len(rig.info.voices)
    job = replace(rig.job(), voice="Ryan")
    with pytest.raises(InvalidRequest):
        rig.steps.open(job)
