"""The same audio as the library's own loop gives, for every architecture that it packages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .case import tiny
from .rig import TEXT, Rig, apart, clip
from .weights import build, library_yaml

SAME = 2e-6
CONFIGS = ("english_2026-01", "english_18m_2026-10", "english_7m_2026-10", "english_2m_2026-10", "french_24l")
"""One of each kind: no begin sign, drifting, grouped heads, pointwise with a low-rank table, other text rules."""


def library_says(folder: Path, text: str, **changes) -> np.ndarray:
    """What pocket-tts itself makes of it, at temperature 0."""
    from pocket_tts import TTSModel

    model = TTSModel.load_model(config=library_yaml(folder), temp=0.0, **changes)
    model.max_decoder_frames_per_call = 1
    voice = model.get_state_for_audio_prompt(folder / "embeddings" / "alba.safetensors")
    return model.generate_audio(voice, text).numpy()


def test_one_job_equals_the_library(tmp_path: Path) -> None:
    text = TEXT + " Good morning."
    ours = Rig(temperature=0.0).speak(text)
    assert apart(ours, library_says(tiny(), text)) < SAME


def test_the_end_is_where_the_library_ends() -> None:
    ours = Rig(temperature=0.0, eos_threshold=-100.0).speak(TEXT)
    theirs = library_says(tiny(), TEXT, eos_threshold=-100.0)
    assert len(theirs) == 1920 * 9  # six frames in which no end is believed, and three after it
    assert apart(ours, theirs) < SAME


def test_a_text_of_several_passes_equals_the_library() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 4 + "Hello world, this is a test. " * 3
    assert len(Rig().steps.front.passes(text)) > 1
    ours = Rig(temperature=0.0).speak(text[:200])
    assert apart(ours, library_says(tiny(), text[:200])) < SAME


@pytest.mark.parametrize("config", CONFIGS)
def test_every_kind_of_architecture_equals_the_library(config: str, tmp_path: Path) -> None:
    folder = build(tmp_path, config=config)
    rig = Rig(folder, temperature=0.0)
    assert apart(rig.speak(TEXT), library_says(folder, TEXT)) < SAME
    rig.open("a")
    rig.step(["a"])
    rig.open("b", "Hello world.")
    together = rig.finish("a", "b")
    assert apart(together[0], rig.speak(TEXT)) < SAME


def test_a_cloned_voice_is_what_the_library_exports(tmp_path: Path) -> None:
    from pocket_tts.models.model_state import export_model_state
    from safetensors.numpy import load_file

    rig = Rig()
    made = rig.backend.prepare_voice(clip())
    library = Rig().steps._model  # loaded alike, and put back as it was
    for block in (*library.flow_lm.transformer.layers, *library.mimi.decoder_transformer.transformer.layers):
        del block.self_attn.forward
    import torch

    state = library.get_state_for_audio_prompt(torch.from_numpy(clip().samples)[None])
    export_model_state(state, tmp_path / "voice.safetensors")
    theirs = load_file(tmp_path / "voice.safetensors")
    for name, tensor in made.items():
        assert tensor.shape == theirs[name].shape and np.abs(tensor - theirs[name]).max() < SAME
