"""What we make is what the library makes: the same codes, as many samples, and no seams where pieces meet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from syrinx.models.qwen.clone import CODES, SPEAKER, TEXT
from syrinx.models.qwen.sampling import Sampling, choose, penalise

from .rig import ROW, ROWS, Rig, loaded, recording
from .rig import TEXT as SAID

GREEDY: dict[str, Any] = {"do_sample": False, "subtalker_dosample": False, "max_new_tokens": ROWS + 1}
"""For as many frames as ours: its last code has none."""
TOLERANCE = 2e-4
"""Of our samples against the library's, as a share of the loudest: what rounding leaves."""


@pytest.fixture(scope="module", params=["custom_voice", "base", "voice_design"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with loaded(request.param, "1b7") as made:
        yield made


def library_says(rig: Rig, language: str, **more: Any) -> np.ndarray:
    model, kind = rig.voice._model, rig.voice._found.kind.value
    call = {"custom_voice": "custom_voice", "base": "voice_clone", "voice_design": "voice_design"}[kind]
    (heard,), rate = getattr(model, f"generate_{call}")(text=SAID, language=language, **more, **GREEDY)
    assert rate == rig.info.sample_rate
    return heard


def alike(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert len(ours) == len(theirs) == ROWS * ROW
    assert np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max()


@pytest.mark.parametrize(
    ("tag", "language", "instructions"),
    [("en", "English", "slowly and low"), ("auto", "Auto", ""), ("zh", "Chinese", "")],
)
def test_the_likeliest_speech_is_the_librarys(rig: Rig, tag: str, language: str, instructions: str) -> None:
    kind, options = rig.voice._found.kind.value, {"temperature": 0, "instructions": instructions}
    if kind == "base":
        return
    for voice in rig.info.voices:  # among them one who speaks a dialect
        more = {"instruct": instructions, **({"speaker": voice.id} if kind == "custom_voice" else {})}
        ours = rig.sound(voice=voice.id, language=tag, options=options)
        alike(ours, library_says(rig, language, **more))


@pytest.mark.parametrize("transcript", ["", "reference words", "reference words " * 20])
def test_cloned_speech_is_the_librarys(rig: Rig, tmp_path: Path, transcript: str) -> None:
    """Without a transcript, with one shorter than the recording has frames, and with a longer one."""
    if not rig.info.clones:
        return
    clip = recording(text=transcript.strip())
    model = rig.voice._model
    item = model.create_voice_clone_prompt(
        ref_audio=(clip.samples, clip.sample_rate), ref_text=clip.text or None, x_vector_only_mode=not clip.text
    )
    theirs = library_says(rig, "English", voice_clone_prompt=item)
    prompt = rig.clone(tmp_path, clip)
    alike(rig.sound(voice="mine", prompt=prompt, options={"temperature": 0}), theirs)


def test_what_is_kept_of_a_recording_is_what_the_library_hears(rig: Rig) -> None:
    if not rig.info.clones:
        return
    clip = recording(text="Grüße")
    kept = rig.backend.prepare_voice(clip)
    item = rig.voice._model.create_voice_clone_prompt(ref_audio=(clip.samples, clip.sample_rate), ref_text="x")[0]
    assert np.array_equal(kept[CODES], item.ref_code.numpy()) and kept[CODES].dtype == np.int64
    assert np.allclose(kept[SPEAKER], item.ref_spk_embedding.numpy(), atol=1e-6)
    assert bytes(kept[TEXT]).decode() == "Grüße"
    assert set(rig.backend.prepare_voice(recording(rate=48_000))) == {SPEAKER}


@pytest.mark.parametrize("how", [Sampling(0.7, 5, 1.0), Sampling(1.3, 0, 0.6), Sampling(0.9, 20, 0.9)])
def test_codes_are_chosen_as_transformers_would(how: Sampling) -> None:
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(64, generator=torch.manual_seed(3))
    theirs = TemperatureLogitsWarper(how.temperature)(None, logits[None])
    theirs = TopKLogitsWarper(how.top_k)(None, theirs) if how.top_k else theirs
    theirs = TopPLogitsWarper(how.top_p)(None, theirs) if how.top_p < 1 else theirs
    possible = set(torch.nonzero(theirs[0].softmax(-1)).flatten().tolist())
    chosen = [int(choose(logits, how, torch.Generator().manual_seed(seed))) for seed in range(400)]
    assert set(chosen) <= possible
    likeliest = int(logits.argmax())
    share = float(theirs[0].softmax(-1)[likeliest])
    assert chosen.count(likeliest) / 400 == pytest.approx(share, abs=0.1)


def test_what_was_said_is_penalised_as_transformers_would() -> None:
    from transformers import RepetitionPenaltyLogitsProcessor

    logits, said = torch.randn(64, generator=torch.manual_seed(4)), torch.tensor([3, 9, 40])
    theirs = RepetitionPenaltyLogitsProcessor(1.3)(said[None], logits[None].clone())[0]
    assert torch.allclose(penalise(logits, said, 1.3), theirs)
