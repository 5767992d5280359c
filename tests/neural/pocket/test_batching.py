"""Jobs that share steps sound as each alone, whoever joins, pauses and leaves."""

from __future__ import annotations

import random
import weakref

import numpy as np
import pytest

from .rig import TEXT, Rig, apart

SAME = 1e-6
"""Largest difference of a sample (full scale 1): kernels add up in another order when there are more rows."""
TEXTS = [
    "Hi.",
    "Short text.",
    TEXT,
    "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun.",
    "word " * 39,
    "x" * 120,
    "One. Two! Three? Four: five; six, seven.",
    "日本語です",
]


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig(max_batch=8)


@pytest.fixture(scope="module")
def alone(rig: Rig) -> list[np.ndarray]:
    return [rig.speak(text, voice=("alba", "marius")[n % 2], seed=n) for n, text in enumerate(TEXTS)]


def open_all(rig: Rig, texts: list[str]) -> list[str]:
    for n, text in enumerate(texts):
        rig.open(f"j{n}", text, voice=("alba", "marius")[n % 2], seed=n)
    return [f"j{n}" for n in range(len(texts))]


def test_a_full_batch_of_all_lengths_equals_each_alone(rig: Rig, alone: list[np.ndarray]) -> None:
    together = rig.finish(*open_all(rig, TEXTS))
    assert max(map(apart, together, alone)) < SAME


def test_rows_that_join_in_mid_flight_equal_each_alone(rig: Rig, alone: list[np.ndarray]) -> None:
    ids = open_all(rig, TEXTS)
    running: list[str] = []
    for turn in range(10_000):
        if turn % 5 == 0 and turn // 5 < len(ids):
            running.append(ids[turn // 5])
        running = [result.job_id for result in rig.step(running) if not result.done]
        if not running and turn > 5 * len(ids):
            break
    assert max(apart(np.concatenate(rig.said[i]), alone[n]) for n, i in enumerate(ids)) < SAME


def test_any_subset_may_be_stepped_in_any_order_and_the_others_stand_still(rig: Rig, alone: list[np.ndarray]) -> None:
    ids = open_all(rig, TEXTS)
    running, dice = set(ids), random.Random(5)
    while running:
        chosen = dice.sample(sorted(running), dice.randint(1, len(running)))
        before = {i: len(rig.said[i]) for i in running - set(chosen)}
        done = {result.job_id for result in rig.step(chosen) if result.done}
        assert before == {i: len(rig.said[i]) for i in before}
        running -= done
    assert max(apart(np.concatenate(rig.said[i]), alone[n]) for n, i in enumerate(ids)) < SAME


def test_rows_that_leave_in_mid_speech_change_nothing_for_the_others(rig: Rig, alone: list[np.ndarray]) -> None:
    ids = open_all(rig, TEXTS)
    for _ in range(4):
        rig.step(ids)
    for left in ids[::2]:
        rig.steps.close(left)
    together = rig.finish(*ids[1::2])
    assert max(map(apart, together, alone[1::2])) < SAME


def test_more_jobs_than_a_batch_holds_take_turns(rig: Rig, alone: list[np.ndarray]) -> None:
    ids = open_all(rig, TEXTS)
    waiting = list(ids)
    while waiting:
        batch, waiting = waiting[:3], waiting[3:]
        waiting += [result.job_id for result in rig.step(batch) if not result.done]
    assert max(apart(np.concatenate(rig.said[i]), alone[n]) for n, i in enumerate(ids)) < SAME


def test_one_step_is_one_codec_frame(rig: Rig) -> None:
    rig.open("a")
    (first,) = rig.step(["a"])
    assert first.chunk is not None and len(first.chunk.samples) == 1920 and not first.done
    rig.steps.close("a")


def test_a_job_that_is_closed_frees_its_memory(rig: Rig) -> None:
    rig.open("a")
    rig.step(["a"])
    row = weakref.ref(rig.steps._speaking["a"].row)
    assert row() is not None
    rig.steps.close("a")
    assert row() is None


def test_options_of_one_row_are_its_own(rig: Rig) -> None:
    calm = rig.speak(options={"temperature": 0.0})
    wild = rig.speak(options={"temperature": 1.0, "noise_clamp": 0.5})
    rig.open("calm", options={"temperature": 0.0})
    rig.open("wild", options={"temperature": 1.0, "noise_clamp": 0.5})
    together = rig.finish("calm", "wild")
    assert apart(together[0], calm) < SAME and apart(together[1], wild) < SAME
    assert apart(calm, wild) > 1e-3


def test_seeds_choose_the_performance_and_none_is_repeated_for_the_same_utterance(rig: Rig) -> None:
    one, other = rig.speak(seed=1), rig.speak(seed=2)
    assert apart(one, other) > 1e-3
    free = [rig.speak(seed=None, utterance_id=name) for name in ("u", "u", "v")]
    assert np.array_equal(free[0], free[1]) and apart(free[0], free[2]) > 1e-3


def test_codec_and_language_model_side_by_side_change_nothing(rig: Rig) -> None:
    alone = [rig.speak(text, seed=1, options={"eos_threshold": -100.0}) for text in ("Hi.", "Hello world.")]
    pair = Rig(threads=2, overlap=1)
    pair.open("a", "Hi.", seed=1, options={"eos_threshold": -100.0})
    for _ in range(4):
        pair.step(["a"])
    assert pair.steps._speaking["a"].ahead
    pair.open("b", "Hello world.", seed=1, options={"eos_threshold": -100.0})
    pair.step(["a", "b"])
    together = pair.finish("a", "b")
    pair.backend.unload()
    assert max(map(apart, together, alone)) < SAME
