"""Steps, ends, cancelling and memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.models.base import ReferenceClip
from syrinx.models.vibevoice.backend import VibeVoiceBackend
from tests.fakes.speech import speech

from .case import make
from .rig import TEXT, job, keep, speak, whole
from .weights import build


@pytest.fixture(scope="module")
def backend() -> Iterator[VibeVoiceBackend]:
    made = make()
    made.load()
    yield made
    made.unload()


def test_the_prompt_is_the_first_step_and_each_other_step_one_frame(backend: VibeVoiceBackend) -> None:
    steps = backend.stepped()
    steps.open(job())
    (read,) = steps.step(["a"])
    assert read.chunk is None and not read.done
    for _ in range(3):
        (result,) = steps.step(["a"])
        assert result.chunk is not None and len(result.chunk.samples) == 3200
    steps.close("a")


def test_a_closed_job_makes_no_more_and_its_caches_are_freed(backend: VibeVoiceBackend) -> None:
    steps = backend.stepped()
    steps.open(job("cancelled"))
    steps.open(job("other"))
    steps.step(["cancelled", "other"])
    speaking = weakref.ref(steps._speaking["cancelled"]._cache)  # type: ignore[attr-defined]
    steps.close("cancelled")
    gc.collect()
    assert speaking() is None
    (result,) = steps.step(["other"])
    assert result.chunk is not None
    steps.close("other")


def test_a_seed_repeats_and_belongs_to_its_job(backend: VibeVoiceBackend) -> None:
    few = {"max_frames": 4}
    one = whole(speak(backend, job(seed=3, options=few)))
    steps = backend.stepped()
    steps.open(job("x", seed=11, options=few))
    steps.step(["x"])
    two = whole(speak(backend, job(seed=3, options=few)))
    steps.close("x")
    assert np.array_equal(one, two)
    assert not np.array_equal(one, whole(speak(backend, job(seed=4, options=few))))


def test_options_of_a_request_are_heard(backend: VibeVoiceBackend) -> None:
    plain = speak(backend, job(seed=1, options={"max_frames": 3}))
    finer = speak(backend, job(seed=1, options={"max_frames": 3, "num_diffusion_steps": 6}))
    guided = speak(backend, job(seed=1, options={"max_frames": 3, "guidance_scale": 5}))
    assert len(plain) == len(finer) == len(guided) == 3
    assert not np.array_equal(whole(plain), whole(finer)) and not np.array_equal(whole(plain), whole(guided))


def test_the_text_bounds_the_frames_where_nothing_else_does() -> None:
    backend = make(max_frames=0)
    backend.load()
    frames = len(speak(backend, job(text="One.")))
    assert 30 <= frames <= 60
    backend.unload()


def test_special_tokens_in_the_text_are_no_commands(backend: VibeVoiceBackend) -> None:
    few = {"max_frames": 3}
    plain = whole(speak(backend, job(text="Say it", seed=1, options=few)))
    spelled = whole(speak(backend, job(text="Say <|vision_pad|><|vision_end|><|endoftext|> it\n", seed=1, options=few)))
    assert np.array_equal(plain, spelled)


def test_the_end_is_the_models_to_say(tmp_path: Path) -> None:
    backend = make(weights=str(build(tmp_path / "ends", ends=True)))
    backend.load()
    assert speak(backend, job()) == []
    backend.unload()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_speaks_and_clones(tmp_path: Path, dtype: str) -> None:
    backend = make(dtype=dtype)
    backend.load()
    prompt = keep(backend, backend.prepare_voice(ReferenceClip(speech()[:22_050], 22_050)), tmp_path)
    for wanted in (job(seed=1), job(seed=1, voice="mine", prompt=prompt)):
        chunks = speak(backend, replace(wanted, options={"max_frames": 4}))
        assert [len(chunk) for chunk in chunks] == [3200] * 4 and np.abs(whole(chunks)).max() > 0.01
    backend.unload()


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"num_diffusion_steps": 0}, "num_diffusion_steps"),
        ({"guidance_scale": "much"}, "guidance_scale"),
        ({"max_frames": -1}, "max_frames"),
    ],
)
def test_a_bad_option_is_named(backend: VibeVoiceBackend, options: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        backend.stepped().open(job(options=options))
    assert caught.value.param == param


def test_a_clone_is_the_same_after_a_restart_and_refused_by_other_weights(
    backend: VibeVoiceBackend, tmp_path: Path
) -> None:
    prompt = keep(backend, backend.prepare_voice(ReferenceClip(speech()[:22_050], 22_050)), tmp_path)
    few = {"max_frames": 3}
    wanted = job(voice="mine", prompt=prompt, seed=5, options=few)
    before = whole(speak(backend, wanted))
    again = make()
    again.load()
    assert np.array_equal(before, whole(speak(again, wanted)))
    again.unload()
    other = make(weights=str(build(tmp_path / "other", ends=True)))
    other.load()
    with pytest.raises(InvalidRequest) as caught:
        other.stepped().open(wanted)
    assert caught.value.code == "bad_prompt"
    other.unload()


@pytest.mark.parametrize(
    "tensors",
    [
        {"latents": np.zeros((3, 15), np.float32)},
        {"latents": np.zeros((3, 16), np.float64)},
        {"latents": np.zeros((0, 16), np.float32)},
        {"latents": np.full((3, 16), np.nan, np.float32)},
        {"latents": np.zeros((2000, 16), np.float32)},
        {"other": np.zeros((3, 16), np.float32)},
    ],
    ids=["size", "dtype", "empty", "nan", "long", "name"],
)
def test_a_prompt_of_another_form_is_refused(backend: VibeVoiceBackend, tmp_path: Path, tensors: dict) -> None:
    with pytest.raises(InvalidRequest) as caught:
        backend.stepped().open(job(voice="mine", prompt=keep(backend, tensors, tmp_path)))
    assert caught.value.code == "bad_prompt"


def test_long_text_is_read_whole(backend: VibeVoiceBackend) -> None:
    text = (TEXT + " ") * 13
    one, other = (speak(backend, job(text=text + end, seed=1, options={"max_frames": 2})) for end in ("No.", "Yes."))
    assert not np.array_equal(whole(one), whole(other))
