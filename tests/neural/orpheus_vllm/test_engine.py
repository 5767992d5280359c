"""vLLM's own engine as a source of tokens: what the loop over transformers gives, side by side, cancelled, dying."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
import pytest
import torch

from syrinx.models.orpheus.checkpoint import Remedy, load_language_model, load_tokenizer
from syrinx.models.orpheus.engine import EngineLost, EngineSource
from syrinx.models.orpheus.frames import SLOTS, Framer
from syrinx.models.orpheus.llama import LlamaSource
from syrinx.models.orpheus.prompt import build_prompt
from syrinx.models.orpheus.sampling import Sampling
from syrinx.models.orpheus.source import Order, Taken, TokenSource
from syrinx.models.orpheus.vllm_engine import BLOCK_TOKENS

from .case import ENGINE
from .rig import options, start, tiny

IDS = options().ids
REMEDY = Remedy("orpheus")
GREEDY, DRAWN = Sampling(0.0, 1.0, 1.1), Sampling(0.8, 0.9, 1.1)
TEXTS = ("Good morning.", "It sleeps for a long while in the sun.", "One, two.", "The quick brown fox jumps.")
LONG = "x" * 1300
"""Its answer has over 2000 tokens: nobody waits for the end of it."""
LONGEST_S = 60.0
"""Of any wait."""


def order(job_id: str, text: str = TEXTS[0], sampling: Sampling = GREEDY, limit: int = 600, seed: int = 3) -> Order:
    tokenizer = load_tokenizer(tiny(), REMEDY)
    prompt = build_prompt(
        "orpheus", "tara", text, IDS, lambda said: tokenizer.encode(said, add_special_tokens=False).ids
    )
    return Order(job_id, prompt, sampling, limit, seed)


def speak(source: TokenSource, *orders: Order) -> tuple[dict[str, list[int]], dict[str, Taken]]:
    """Each order's tokens and its end, all side by side."""
    got: dict[str, list[int]] = {each.job_id: [] for each in orders}
    ended: dict[str, Taken] = {}
    for each in orders:
        source.open(each)
    late = time.monotonic() + LONGEST_S
    while len(ended) < len(got) and time.monotonic() < late:
        running = [job_id for job_id in got if job_id not in ended]
        for job_id, taken in zip(running, source.take(running), strict=True):
            got[job_id] += taken.ids
            if taken.done:
                ended[job_id] = taken
                source.close(job_id)
    assert set(ended) == set(got), "some did not end"
    return got, ended


def until(happened: Callable[[], bool]) -> None:
    late = time.monotonic() + LONGEST_S
    while not happened():
        assert time.monotonic() < late
        time.sleep(0.001)


def test_4_10_its_tokens_are_those_of_transformers_alone_and_side_by_side() -> None:
    torch.set_num_threads(1)
    model = load_language_model(tiny(), IDS, REMEDY, dtype=torch.float32)
    loop = LlamaSource(model, IDS, slot_mask=False)
    orders = [order(str(n), text) for n, text in enumerate(TEXTS)]
    wanted, _ = speak(loop, *orders)
    loop.unload()
    assert len({tuple(ids) for ids in wanted.values()}) == len(TEXTS)
    assert speak(ENGINE, orders[1])[0] == {"1": wanted["1"]}
    together, ended = speak(ENGINE, *orders)
    assert together == wanted
    assert not any(taken.error or taken.cut for taken in ended.values())
    framer = Framer(IDS.audio_base)
    assert len(framer.feed(together["1"])) == len(together["1"]) // SLOTS > 5 and framer.strays == 0


def test_a_seed_repeats_and_others_do_not_change_it() -> None:
    one, _ = speak(ENGINE, order("a", TEXTS[1], DRAWN, seed=5))
    beside, _ = speak(ENGINE, order("b", TEXTS[2], DRAWN, seed=9), order("a", TEXTS[1], DRAWN, seed=5))
    other, _ = speak(ENGINE, order("a", TEXTS[1], DRAWN, seed=6))
    assert beside["a"] == one["a"] != other["a"]


def test_a_limit_ends_a_job_and_is_told() -> None:
    got, ended = speak(ENGINE, order("a", TEXTS[1], limit=10))
    assert len(got["a"]) == 10 and ended["a"].cut and ended["a"].error is None


def test_memory_is_that_of_as_many_jobs_as_run_at_once() -> None:
    held = ENGINE.engine.vllm_config.cache_config
    wanted = options().max_batch * options().context_tokens
    assert wanted <= held.num_gpu_blocks * held.block_size <= wanted + 2 * BLOCK_TOKENS


def test_4_13_closing_a_job_frees_its_place_in_the_engine() -> None:
    """It has as many jobs as places, none of which ends soon: the next one speaks only in the place of a closed one."""
    places = [f"long-{n}" for n in range(options().max_batch)]
    for name in places:
        ENGINE.open(order(name, LONG, limit=2500))
    heard: dict[str, int] = dict.fromkeys(places, 0)

    def all_speak() -> bool:
        for name, taken in zip(places, ENGINE.take(places), strict=True):
            assert not taken.done, "it was meant to go on"
            heard[name] += len(taken.ids)
        return all(heard.values())

    until(all_speak)
    ENGINE.close(places[0])
    processor = ENGINE.engine.output_processor
    until(lambda: processor.get_num_unfinished_requests() == len(places) - 1)
    got, _ = speak(ENGINE, order("next", TEXTS[0]))
    still = ENGINE.take(places[1:])
    assert got["next"] and not any(taken.done for taken in still), "nobody else's place came free"
    for name in places[1:]:
        ENGINE.close(name)
    until(lambda: processor.get_num_unfinished_requests() == 0)


@pytest.fixture
def mortal() -> EngineSource:
    """An engine of the test's own."""
    return start(max_batch=2)


def test_an_engine_that_dies_ends_its_process_and_leaves_none(mortal: EngineSource) -> None:
    mortal.open(order("a", LONG, limit=2500))
    until(lambda: bool(mortal.take(["a"])[0].ids))
    (core,) = mortal.engine.engine_core.resources.engine_manager.processes
    family = psutil.Process(core.pid).children(recursive=True)
    psutil.Process(core.pid).kill()
    with pytest.raises(EngineLost, match="engine died"):
        until(lambda: mortal.take(["a"])[0].done)
    mortal.close("a")
    mortal.unload()
    assert psutil.wait_procs(family, LONGEST_S)[1] == []
