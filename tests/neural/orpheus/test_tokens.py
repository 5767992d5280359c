"""The token loop: jobs side by side, memory, draws, and the checkpoint that it is loaded from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from syrinx.core.errors import ModelNotReady
from syrinx.models.orpheus.checkpoint import Remedy, identity, load_language_model, load_tokenizer
from syrinx.models.orpheus.draw import drawn, penalised
from syrinx.models.orpheus.frames import Framer
from syrinx.models.orpheus.ids import TokenIds
from syrinx.models.orpheus.llama import LlamaSource
from syrinx.models.orpheus.options import OrpheusOptions
from syrinx.models.orpheus.prompt import build_prompt
from syrinx.models.orpheus.sampling import Sampling
from syrinx.models.orpheus.source import Order, Taken

from .case import tiny
from .weights import TINY_IDS, build

IDS: TokenIds = OrpheusOptions(**{**TINY_IDS, "stop_token_ids": tuple(TINY_IDS["stop_token_ids"])}).ids
REMEDY = Remedy("orpheus")
DRAWN = Sampling(0.8, 0.9, 1.1)
TEXTS = ("Good morning.", "It sleeps for a long while in the sun.", "One, two.", "The quick brown fox jumps.")


@pytest.fixture(scope="module")
def model() -> Any:
    torch.set_num_threads(1)
    return load_language_model(tiny(), IDS, REMEDY, dtype=torch.float32)


@pytest.fixture
def source(model: Any) -> Iterator[LlamaSource]:
    made = LlamaSource(model, IDS)
    yield made
    made.unload()


def order(job_id: str, text: str = TEXTS[0], **changes: Any) -> Order:
    tokenizer = load_tokenizer(tiny(), REMEDY)
    prompt = build_prompt(
        "orpheus", "tara", text, IDS, lambda said: tokenizer.encode(said, add_special_tokens=False).ids
    )
    return replace(Order(job_id, prompt, DRAWN, 700, seed=3), **changes)


def speak(source: LlamaSource, *orders: Order, join_after: int = 0) -> dict[str, list[int]]:
    """Each order's tokens; each joins ``join_after`` steps after the one before."""
    waiting, running, got = list(orders), [], {each.job_id: [] for each in orders}
    for step in range(2000):
        while waiting and (not join_after or step >= join_after * (len(orders) - len(waiting))):
            source.open(waiting[0])
            running.append(waiting.pop(0).job_id)
        if not running and not waiting:
            return got
        taken: list[Taken] = source.take(running)
        for job_id, each in zip(list(running), taken, strict=True):
            got[job_id] += each.ids
            if each.done:
                running.remove(job_id)
                source.close(job_id)
    raise AssertionError("it did not end")


# --- many jobs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mask", "join_after"), [(True, 0), (True, 3), (False, 2)])
def test_jobs_that_join_and_leave_give_what_each_gives_alone(model: Any, join_after: int, mask: bool) -> None:
    source = LlamaSource(model, IDS, slot_mask=mask)
    orders = [order(str(n), text, seed=n) for n, text in enumerate(TEXTS if mask else ("One.", "Two."))]
    alone = {each.job_id: speak(source, each)[each.job_id] for each in orders}
    assert speak(source, *orders, join_after=join_after) == alone
    assert len({tuple(ids) for ids in alone.values()}) == len(orders)


def test_the_loop_gives_what_generate_of_transformers_gives(model: Any, source: LlamaSource) -> None:
    """Greedily, over the whole vocabulary, without a cache of ours."""
    plain = order("a", sampling=Sampling(0.0, 1.0, 1.0), limit=70)
    whole = LlamaSource(model, IDS, slot_mask=False)
    ids = torch.tensor([plain.prompt.ids])
    told = model.generate(ids, max_new_tokens=70, do_sample=False, eos_token_id=list(IDS.stops), pad_token_id=0)
    wanted = [token for token in told[0, ids.shape[1] :].tolist() if token not in IDS.stops]
    assert speak(whole, plain)["a"] == wanted and len(wanted) > 40
    masked = speak(source, plain)["a"]
    assert masked[: len(wanted)] == wanted and 0 <= len(masked) - len(wanted) < 7  # it ends between frames only


def test_tokens_are_whole_frames_and_the_speech_ends_by_itself(source: LlamaSource) -> None:
    got = speak(source, *(order(str(n), text) for n, text in enumerate(TEXTS)))
    for ids in got.values():
        framer = Framer(IDS.audio_base)
        assert len(framer.feed(ids)) * 7 == len(ids) > 0 and framer.strays == 0
    assert len(got["1"]) > 1.5 * len(got["0"])


def test_memory_is_held_by_jobs_and_given_back_when_they_are_closed_midway(source: LlamaSource) -> None:
    source.open(order("idle"))
    assert source.cache_bytes == 0
    for job_id in "abc":
        source.open(order(job_id))
    source.take(["a", "b", "c"])
    held = source.cache_bytes
    assert held > 0
    source.close("b")
    source.open(order("d"))
    source.take(["a", "c", "d"])
    assert source.cache_bytes == held, "a row that is free is used again"
    for job_id in ("a", "c", "d", "idle"):
        source.close(job_id)
    assert source.cache_bytes == 0


def test_long_answers_grow_past_the_first_block_and_stay_the_same(model: Any) -> None:
    """The memory of a job grows while others speak: nobody's keys may be lost in that."""
    endless = Sampling(0.0, 1.0, 1.1)
    without_end = LlamaSource(model, replace(IDS, stops=(TINY_IDS["custom_base_id"] + 7,)))
    orders = [order(str(n), sampling=endless, limit=260 + 40 * n, seed=n) for n in range(2)]
    alone = {each.job_id: speak(without_end, each)[each.job_id] for each in orders}
    assert [len(ids) for ids in alone.values()] == [260, 300]
    assert speak(without_end, *orders, join_after=20) == alone


def test_a_limit_ends_a_job_and_is_told(source: LlamaSource) -> None:
    source.open(order("a", limit=10))
    first, second = source.take(["a"])[0], source.take(["a"])[0]
    assert len(first.ids) == 7 and not first.done
    assert len(second.ids) == 3 and second.done and second.cut


# --- draws ---------------------------------------------------------------------------------------------------------


def column(*values: float) -> Any:
    return torch.tensor(values)[:, None]


def test_a_seed_repeats_and_others_do_not_change_it(source: LlamaSource) -> None:
    one, other = speak(source, order("a", seed=5))["a"], speak(source, order("a", seed=6))["a"]
    assert speak(source, order("x", seed=None), order("a", seed=5))["a"] == one != other


def test_draws_follow_the_chances() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(20_000, 1)
    race = torch.empty(logits.shape).exponential_(generator=torch.Generator().manual_seed(1))
    ones = torch.ones(20_000, 1)
    counts = torch.bincount(drawn(logits, ones, ones, race), minlength=4) / 20_000
    assert counts.tolist() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.02)
    counts = torch.bincount(drawn(logits, ones, 0.7 * ones, race), minlength=4) / 20_000
    assert counts.tolist() == pytest.approx([0.625, 0.375, 0, 0], abs=0.02)
    towards_3 = torch.tensor([[1.0, 1.0, 1.0, 1e-9]]).repeat(3, 1)
    mixed = drawn(logits[:3], column(0.0, 1.0, 1.0), column(1.0, 1.0, 0.6), towards_3)
    assert mixed.tolist() == [0, 3, 0]


def test_what_was_used_is_held_back() -> None:
    logits, used = torch.tensor([[2.0, -2.0, 2.0]]), torch.tensor([[True, True, False]])
    assert penalised(logits, used, column(2.0)).tolist() == [[1.0, -4.0, 2.0]]


def test_a_penalty_makes_the_greedy_repeat_itself_less(source: LlamaSource) -> None:
    def kinds(penalty: float) -> float:
        ids = speak(source, order("a", TEXTS[1], sampling=Sampling(0.0, 1.0, penalty)))["a"]
        return len(set(ids)) / len(ids)

    assert kinds(2.0) >= kinds(1.0)


# --- the checkpoint ------------------------------------------------------------------------------------------------


CONFIGS: dict[str, dict[str, Any]] = {
    "foreign": {"model_type": "bert"},
    "small vocabulary": {"vocab_size": 2000},
    "another shape": {"hidden_size": 64},
    "more layers": {"num_hidden_layers": 2},
}


def broken(folder: Path, how: str) -> None:
    weights, config = folder / "model.safetensors", folder / "config.json"
    if how in CONFIGS:
        config.write_text(json.dumps({**json.loads(config.read_text()), **CONFIGS[how]}))
    elif how == "no json":
        config.write_text("nonsense")
    elif how == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif how == "no tokenizer":
        (folder / "tokenizer.json").unlink()
    else:
        weights.unlink()
    if how == "a pickle":
        torch.save({}, folder / "pytorch_model.bin")
    if how == "a missing shard":
        index = {"weight_map": {"x": "model-00001-of-00002.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("truncated", r"model\.safetensors is truncated"),
        ("no weights", r"model\.safetensors is not there"),
        ("a pickle", r"pytorch_model\.bin, a pickle, which is never read"),
        ("foreign", r"config\.json is of a 'bert' model"),
        ("small vocabulary", r"vocabulary of 2000 tokens.*audio_base_id"),
        ("another shape", "does not hold the weights of this model"),
        ("more layers", "lacks weights of this model"),
        ("no json", r"config\.json is no JSON"),
        ("a missing shard", r"model-00001-of-00002\.safetensors is not there"),
        ("no tokenizer", r"tokenizer\.json is not there"),
    ],
)
def test_weights_that_cannot_be_used_are_told_by_file_and_remedy(tmp_path: Path, how: str, said: str) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(tiny(), folder)
    broken(folder, how)
    with pytest.raises(ModelNotReady, match=f"{said}.*syrinx models install orpheus"):
        load_language_model(folder, IDS, REMEDY, dtype=torch.float32)


def test_a_tokenizer_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"version": 1}')
    with pytest.raises(ModelNotReady, match=r"tokenizer\.json cannot be read"):
        load_tokenizer(tmp_path, REMEDY)


def test_the_revision_changes_with_weights_and_configuration(tmp_path: Path) -> None:
    one = build(tmp_path / "one")
    before = identity([one], 1)
    assert identity([one], 1) == before != identity([one], 2)
    config = one / "config.json"
    config.write_text(config.read_text() + " ")
    assert identity([one], 1) != before
