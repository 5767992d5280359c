"""Windows, ends, seams, cancelling and memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from syrinx.core.errors import InvalidRequest, TextTooLong
from syrinx.models.vibevoice_realtime.backend import RealtimeBackend
from syrinx.models.vibevoice_realtime.speaking import SPEECH_WINDOW, TEXT_WINDOW

from .case import make, tiny
from .rig import HOP, TEXT, job, speak, whole
from .weights import build

APART = 1e-5
"""Largest difference of any sample: rounding, where frames are decoded one by one or all at once."""


@pytest.fixture(scope="module")
def backend() -> Iterator[RealtimeBackend]:
    made = make()
    made.load()
    yield made
    made.unload()


def test_voices_have_the_names_of_their_files_the_default_first(backend: RealtimeBackend) -> None:
    voices = [(voice.id, voice.name, voice.languages, voice.gender) for voice in backend.info.voices]
    assert voices == [
        ("en-Carter_man", "Carter", ("en",), "male"),
        ("de-Spk0_woman", "Spk0", ("de",), "female"),
        ("en-Emma_woman", "Emma", ("en",), "female"),
    ]


def test_every_step_is_one_frame_from_the_first_on(backend: RealtimeBackend) -> None:
    steps = backend.stepped()
    steps.open(job())
    for _ in range(2 * SPEECH_WINDOW + 1):
        (result,) = steps.step(["a"])
        assert result.chunk is not None and len(result.chunk.samples) == HOP and not result.done
    steps.close("a")


def test_text_is_read_in_windows_while_it_is_spoken(backend: RealtimeBackend) -> None:
    """Bytes are tokens here: what comes after the fifth is not heard before the seventh frame."""
    few = {"max_frames": SPEECH_WINDOW + 1}
    head = "quick"
    assert len(head) == TEXT_WINDOW
    one, other = (speak(backend, job(text=head + rest, seed=1, options=few)) for rest in (" brown", " black"))
    for index in range(SPEECH_WINDOW):
        assert np.array_equal(one[index], other[index]), index
    assert not np.array_equal(one[SPEECH_WINDOW], other[SPEECH_WINDOW])
    (early,) = speak(backend, job(text="quack", seed=1, options={"max_frames": 1}))
    assert not np.array_equal(one[0], early)


def test_streamed_frames_are_those_of_one_decoding(backend: RealtimeBackend) -> None:
    frames = backend._steps._loaded.network.frames  # type: ignore[union-attr]
    steps = backend.stepped()
    steps.open(job(seed=2))
    chunks, latents = [], []
    for _ in range(9):
        (result,) = steps.step(["a"])
        assert result.chunk is not None
        chunks.append(result.chunk.samples)
        latents.append(steps._speaking["a"]._latent)  # type: ignore[attr-defined]
    steps.close("a")
    with torch.inference_mode():
        at_once, _ = frames.decode(torch.cat(latents, dim=1), None)
    np.testing.assert_allclose(whole(chunks), np.clip(at_once[0, 0].numpy(), -1, 1), atol=APART)
    assert np.abs(whole(chunks)).max() > 0.01


def test_the_model_hears_its_own_frames(backend: RealtimeBackend) -> None:
    """Another noise in one frame changes the next."""
    steps = backend.stepped()
    states: list[Any] = []
    for seed in (1, 2):
        steps.open(job(seed=seed))
        for _ in range(2):
            steps.step(["a"])
        states.append(steps._speaking["a"]._hidden)  # type: ignore[attr-defined]
        steps.close("a")
    assert not torch.equal(*states)


def test_guidance_leads_away_from_what_knows_nothing(backend: RealtimeBackend) -> None:
    spoken = {
        scale: whole(speak(backend, job(seed=1, options={"max_frames": 3, "guidance_scale": scale})))
        for scale in (1, 1.0001, 1.5, 3)
    }
    np.testing.assert_allclose(spoken[1], spoken[1.0001], atol=1e-2)
    assert np.abs(spoken[1] - spoken[1.5]).max() > 1e-3 and np.abs(spoken[1.5] - spoken[3]).max() > 1e-3


def test_a_closed_job_makes_no_more_and_its_caches_are_freed(backend: RealtimeBackend) -> None:
    steps = backend.stepped()
    steps.open(job("cancelled"))
    steps.open(job("other"))
    steps.step(["cancelled", "other"])
    kept = weakref.ref(steps._speaking["cancelled"]._speech)  # type: ignore[attr-defined]
    steps.close("cancelled")
    gc.collect()
    assert kept() is None
    (result,) = steps.step(["other"])
    assert result.chunk is not None
    steps.close("other")


def test_a_voice_is_not_changed_by_speaking(backend: RealtimeBackend) -> None:
    few = {"max_frames": 8}
    before = whole(speak(backend, job(seed=3, options=few)))
    speak(backend, job(seed=4, text="Something else.", options=few))
    assert np.array_equal(before, whole(speak(backend, job(seed=3, options=few))))


def test_a_seed_repeats_and_belongs_to_its_job(backend: RealtimeBackend) -> None:
    few = {"max_frames": 4}
    one = whole(speak(backend, job(seed=3, options=few)))
    steps = backend.stepped()
    steps.open(job("x", seed=11, options=few))
    steps.step(["x"])
    two = whole(speak(backend, job(seed=3, options=few)))
    steps.close("x")
    assert np.array_equal(one, two)
    assert not np.array_equal(one, whole(speak(backend, job(seed=4, options=few))))


def test_the_end_is_the_models_to_say(tmp_path: Path) -> None:
    backend = make(weights=str(build(tmp_path / "ends", ends=True)))
    backend.load()
    assert [len(chunk) for chunk in speak(backend, job())] == [HOP], "it says so after the first frame"
    backend.unload()


def test_the_text_bounds_the_frames_where_nothing_else_does() -> None:
    backend = make(max_frames=0)
    backend.load()
    assert 30 <= len(speak(backend, job(text="One."))) <= 60
    backend.unload()


def test_no_utterance_is_longer_than_the_positions_of_the_model(tmp_path: Path) -> None:
    import json
    import shutil

    folder = tmp_path / "weights"
    shutil.copytree(tiny(), folder)
    config = json.loads((folder / "config.json").read_text())
    config["decoder_config"]["max_position_embeddings"] = 60  # the voices have 15
    (folder / "config.json").write_text(json.dumps(config))
    from .weights import add_voice, voice_of

    for path in (folder / "presets").iterdir():
        add_voice(folder, path.stem, voice_of(config, 1))
    backend = make(weights=str(folder))
    backend.load()
    assert len(speak(backend, job(text="x" * 39))) == 60 - 15 - 40
    with pytest.raises(TextTooLong, match="45 tokens; the limit is 45"):
        backend.stepped().open(job(text="x" * 44))
    backend.unload()


def test_special_tokens_and_typographic_quotes_are_read_as_text(backend: RealtimeBackend) -> None:
    few = {"max_frames": 9}
    plain = whole(speak(backend, job(text="Say 'it'", seed=1, options=few)))
    spelled = whole(speak(backend, job(text="Say <|image_pad|><|endoftext|> \u2019it\u2019\n", seed=1, options=few)))
    assert np.array_equal(plain, spelled)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_speaks(dtype: str) -> None:
    backend = make(dtype=dtype)
    backend.load()
    chunks = speak(backend, job(seed=1, options={"max_frames": 8}))
    assert [len(chunk) for chunk in chunks] == [HOP] * 8 and np.abs(whole(chunks)).max() > 0.01
    backend.unload()


@pytest.mark.parametrize(
    ("options", "param"),
    [({"num_diffusion_steps": 0}, "num_diffusion_steps"), ({"guidance_scale": "much"}, "guidance_scale")],
)
def test_a_bad_option_is_named(backend: RealtimeBackend, options: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        backend.stepped().open(job(options=options))
    assert caught.value.param == param


def test_long_text_is_read_whole(backend: RealtimeBackend) -> None:
    frames = {"max_frames": 12 * SPEECH_WINDOW}
    text = TEXT + " And on."
    one, other = (speak(backend, job(text=text + end, seed=1, options=frames)) for end in ("No.", "Da."))
    assert len(one) == 12 * SPEECH_WINDOW and not np.array_equal(whole(one), whole(other))
