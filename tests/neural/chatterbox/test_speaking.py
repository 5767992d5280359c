"""Speaking on tiny random weights: options, seeds, many at once, cancel, memory."""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Samples, SynthesisJob
from syrinx.models.base import ModelInfo, SteppedBackend
from syrinx.models.chatterbox.sound import FRAME
from syrinx.protocols.chatterbox.codec import ChatterboxPolicy, parse_synthesize

from .case import backend
from .weights import PROMPT as RECORDING
from .weights import TOKENS

TEXT = "Good morning, all of you."


@dataclass(frozen=True, slots=True)
class Found:
    """What a protocol learns of a model and its voice."""

    info: ModelInfo
    voice: str


def job(
    job_id: str = "a", text: str = TEXT, language: str = "en", seed: int | None = 7, **options: Any
) -> SynthesisJob:
    return SynthesisJob(job_id, text, "default", language, options=options, seed=seed)


def speak(steps: SteppedBackend, *jobs: SynthesisJob) -> list[Samples]:
    """Speak jobs in turns of a step each."""
    made: dict[str, list[Samples]] = {one.job_id: [] for one in jobs}
    for one in jobs:
        steps.open(one)
    running = list(made)
    while running:
        for job_id in tuple(running):
            (result,) = steps.step([job_id])
            assert result.error is None, result.error
            if result.chunk is not None:
                made[job_id].append(result.chunk.samples)
            if result.done:
                running.remove(job_id)
                steps.close(job_id)
    return [np.concatenate(chunks) for chunks in made.values()]


def loaded(variant: str = "english", **changes: object) -> SteppedBackend:
    made = backend(variant, **changes)
    made.load()
    return made.stepped()


@pytest.mark.parametrize(
    "options",
    [
        {"exaggeration": 0.0},
        {"cfg_weight": 0.0},
        {"cfg_weight": 1.5},
        {"temperature": 0.3},
        {"top_p": 0.2},
        {"min_p": 0.9},
    ],
    ids=str,
)
def test_an_option_changes_what_is_heard(options: dict[str, Any]) -> None:
    steps = loaded()
    (plain,), (changed,) = speak(steps, job()), speak(steps, job(**options))
    assert len(plain) == len(changed) == 2 * TOKENS * FRAME
    assert np.abs(plain - changed).max() > 0.01


def test_a_default_that_is_said_changes_nothing() -> None:
    steps = loaded()
    (one,), (other,) = speak(steps, job()), speak(steps, job(exaggeration=0.5, cfg_weight=0.5))
    assert np.array_equal(one, other)


def test_less_of_the_recording_is_another_sound_of_the_same_length_and_another_revision() -> None:
    whole, part = backend(), backend(recording_tokens=RECORDING - 4)
    infos = [made.load() for made in (whole, part)]
    (one,), (other,) = (speak(made.stepped(), job()) for made in (whole, part))
    assert len(one) == len(other) and not np.array_equal(one, other)
    assert infos[0].revision != infos[1].revision


def test_jobs_of_other_options_and_seeds_do_not_hear_each_other() -> None:
    steps = loaded()
    jobs = [job("a"), job("b", exaggeration=2.0), job("c", cfg_weight=0.0, seed=8), job("d", text="No.")]
    alone = [speak(steps, one)[0] for one in jobs]
    together = speak(steps, *jobs)
    assert all(np.array_equal(one, two) for one, two in zip(alone, together, strict=True))


def test_without_a_seed_it_differs_each_time() -> None:
    steps = loaded()
    one, other = (speak(steps, job(seed=None))[0] for _ in range(2))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("variant", ["multilingual", "turbo"])
def test_the_other_models_speak(variant: str) -> None:
    steps = loaded(variant)
    one, other = (speak(steps, job())[0] for _ in range(2))
    assert np.array_equal(one, other) and len(one) > FRAME * TOKENS and np.sqrt(np.mean(one**2)) > 0.01


def test_multilingual_speaks_each_language_and_leaves_nothing_in_the_network() -> None:
    made = backend("multilingual", max_tokens=25)
    info = made.load()
    assert len(info.voices[0].languages) == 23
    texts = {"ja": "日本語です", "zh": "你好", "ko": "안녕하세요", "he": "שלום", "ru": "привет", "de": "Grüß Gott"}
    assert made._loaded is not None
    modules = list(made._loaded.t3.modules())
    counts: list[int] = []
    for language, text in texts.items():
        (samples,) = speak(made.stepped(), job(text=text, language=language))
        assert len(samples) > 0
        counts.append(sum(len(module._forward_hooks) for module in modules))
    assert len(set(counts)) == 1  # the library's own loop adds three with each utterance


def test_3_03_exaggeration_of_the_chatterbox_protocol_is_heard_in_the_sound() -> None:
    made = backend()
    info = made.load()

    def heard(exaggeration: float) -> Samples:
        body = json.dumps({"text": TEXT, "exaggeration": exaggeration, "cfg_weight": 0}).encode()
        call = parse_synthesize(body, ChatterboxPolicy(), lambda *_: Found(info, "default"))
        assert not call.not_applied
        return speak(made.stepped(), job(**call.request.options))[0]

    calm, lively = heard(0.0), heard(1.5)
    assert np.array_equal(calm, heard(0.0)) and not np.array_equal(calm, lively)
    with pytest.raises(InvalidRequest) as caught:
        heard(2.5)
    assert caught.value.param == "exaggeration"


def test_3_03_turbo_tells_that_exaggeration_is_not_applied() -> None:
    info = backend("turbo").load()
    body = json.dumps({"text": TEXT, "exaggeration": 1.0}).encode()
    call = parse_synthesize(body, ChatterboxPolicy(), lambda *_: Found(info, "default"))
    assert call.not_applied == ("exaggeration",)


@pytest.mark.parametrize(
    ("variant", "changes", "param"),
    [
        ("english", {"exaggeration": 9.0}, "exaggeration"),
        ("english", {"cfg_weight": "much"}, "cfg_weight"),
        ("turbo", {"exaggeration": 0.7}, "exaggeration"),
        ("turbo", {"cfg_weight": 0.5}, "cfg_weight"),
        ("turbo", {"min_p": 0.1}, "min_p"),
    ],
)
def test_what_a_model_does_not_take_is_refused_by_name(variant: str, changes: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        loaded(variant).open(job(**changes))
    assert caught.value.param == param


def test_a_language_that_it_does_not_speak_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        loaded().open(job(language="de"))
    assert caught.value.param == "language"


def test_a_cancel_in_mid_speech_frees_the_jobs_cache() -> None:
    import torch

    def tensors() -> int:
        gc.collect()
        return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())

    steps = loaded()
    speak(steps, job())
    before = tensors()
    steps.open(job())
    while steps.step(["a"])[0].chunk is None:
        pass
    assert tensors() > before
    steps.close("a")
    assert tensors() == before


def test_a_step_without_sound_is_a_few_tokens() -> None:
    steps = loaded()
    steps.open(job())
    silent = 0
    while steps.step(["a"])[0].chunk is None:
        silent += 1
    steps.close("a")
    assert silent == 3  # 12 tokens of four a step; with the look-ahead the first window is there


def test_speech_ends_at_the_bound_of_tokens() -> None:
    (samples,) = speak(loaded(max_tokens=30), job())
    assert len(samples) == 30 * 2 * FRAME
