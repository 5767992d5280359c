"""Tokens from vLLM's engine and from a completions server, behind the one interface."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syrinx.core.errors import ModelFailed, ModelNotReady
from syrinx.models.orpheus.engine import EngineLost, EngineSource
from syrinx.models.orpheus.ids import TokenIds
from syrinx.models.orpheus.options import OrpheusOptions
from syrinx.models.orpheus.prompt import Prompt
from syrinx.models.orpheus.sampling import Sampling
from syrinx.models.orpheus.source import Order, Taken, TokenSource
from syrinx.models.orpheus.tags import tag
from syrinx.models.orpheus.upstream import UpstreamSource, find_upstream

from .servers import Engine, Script, completions, event

IDS = TokenIds()
STOP = IDS.stops[0]
AUDIO = [IDS.audio_base + 4096 * (n % 7) + n for n in range(21)]


@pytest.fixture(autouse=True)
def _threads_end() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    late = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < late:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


def order(job_id: str = "a", limit: int = 700, seed: int | None = None) -> Order:
    return Order(job_id, Prompt((1, 2, 3), "said"), Sampling(0.5, 0.8, 1.2), limit, seed)


def all_of(source: TokenSource, *job_ids: str) -> dict[str, tuple[list[int], Taken]]:
    """Take until every job has ended."""
    got: dict[str, list[int]] = {job_id: [] for job_id in job_ids}
    ended: dict[str, tuple[list[int], Taken]] = {}
    for _ in range(1000):
        running = [job_id for job_id in job_ids if job_id not in ended]
        if not running:
            return ended
        for job_id, taken in zip(running, source.take(running), strict=True):
            got[job_id] += taken.ids
            if taken.done:
                ended[job_id] = (got[job_id], taken)
    raise AssertionError("it did not end")


def upstream(url: str, **options: Any) -> UpstreamSource:
    return UpstreamSource(find_upstream(OrpheusOptions(url=url, source="upstream", timeout_s=5, **options)), IDS)


# --- a completions server ------------------------------------------------------------------------------------------


def test_ids_that_vllm_gives_are_taken_several_an_event_too() -> None:
    lines = [event(AUDIO[:1]), event(AUDIO[1:9]), ": a comment\n\n", event(AUDIO[9:]), event([STOP], reason="stop")]
    script = Script([*lines, "data: [DONE]\n\n"])
    with completions(script) as url:
        source = upstream(url)
        source.open(order(seed=7))
        ids, taken = all_of(source, "a")["a"]
        source.unload()
    assert ids == AUDIO and taken.error is None and not taken.cut
    (asked,) = script.asked
    assert asked["path"] == "/v1/completions" and asked["model"] == "one" and asked["prompt"] == "said"
    assert asked["return_token_ids"] and asked["stop_token_ids"] == list(IDS.stops) and asked["seed"] == 7
    assert (asked["temperature"], asked["top_p"], asked["repetition_penalty"]) == (0.5, 0.8, 1.2)
    assert asked["max_tokens"] == 700 and asked["add_special_tokens"] is False


def test_text_is_read_where_a_server_gives_no_ids_and_split_tags_are_put_together() -> None:
    text = "".join(tag(token, IDS.custom_base) for token in [*AUDIO, STOP])
    lines = [event(text=text[n : n + 11]) for n in range(0, len(text), 11)]
    script = Script([*lines, event(reason="stop"), "data: [DONE]\n\n"])
    with completions(script) as url:
        source = upstream(f"{url}/base/", upstream_kind="plain", upstream_model="mine")
        source.open(order())
        ids, _ = all_of(source, "a")["a"]
        source.unload()
    assert ids == AUDIO
    (asked,) = script.asked
    assert asked["path"] == "/base/v1/completions" and asked["model"] == "mine" and asked["repeat_penalty"] == 1.2
    assert asked["stop"] == ["<custom_token_2>", "<custom_token_6>"] and "stop_token_ids" not in asked


def test_two_at_once_are_two_requests() -> None:
    with completions(Script([event(AUDIO, reason="stop")])) as url:
        source = upstream(url)
        for job_id in "ab":
            source.open(order(job_id))
        ended = all_of(source, "a", "b")
        source.unload()
    assert ended["a"][0] == ended["b"][0] == AUDIO


def test_a_limit_that_was_reached_is_told() -> None:
    with completions(Script([event(AUDIO, reason="length")])) as url:
        source = upstream(url)
        source.open(order())
        assert all_of(source, "a")["a"][1].cut
        source.unload()


def test_4_13_closing_a_job_closes_its_request() -> None:
    script = Script([event(AUDIO[:7])], hangs=True)
    with completions(script) as url:
        source = upstream(url)
        source.open(order())
        assert source.take(["a"])[0].ids
        source.close("a")
        assert script.left.wait(5)
        source.unload()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (Script(status=500), "answered 500"),
        (Script([event(AUDIO)]), "before the speech had ended"),
        (Script(["data: {nonsense\n\n"]), "no JSON"),
        (Script(['data: {"error": {"message": "out of memory"}}\n\n']), "out of memory"),
        (Script(['data: {"choices": [7]}\n\n', 'data: {"choices": []}\n\n']), "before the speech had ended"),
    ],
    ids=["refused", "cut off", "no json", "error", "odd"],
)
def test_an_answer_that_is_wrong_fails_its_job(script: Script, said: str) -> None:
    with completions(script) as url:
        source = upstream(url)
        source.open(order())
        _, taken = all_of(source, "a")["a"]
        source.unload()
    assert isinstance(taken.error, ModelFailed) and said in str(taken.error)


def test_the_key_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\nmore")
    script = Script([event(AUDIO, reason="stop")], key="secret")
    with completions(script) as url:
        with pytest.raises(ModelNotReady, match="401"):
            upstream(url)
        with pytest.raises(ModelNotReady, match="api_key_file"):
            upstream(url, api_key_file=str(tmp_path / "none"))
        source = upstream(url, api_key_file=str(tmp_path / "key"))
        source.open(order())
        all_of(source, "a")
        source.unload()
    assert script.asked[0]["key"] == "Bearer secret"


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    with pytest.raises(ModelNotReady, match="needs url"):
        find_upstream(OrpheusOptions(source="upstream"))
    with pytest.raises(ModelNotReady, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        upstream("http://127.0.0.1:9")
    with completions(Script(models=[])) as url, pytest.raises(ModelNotReady, match="upstream_model"):
        upstream(url)


# --- vLLM's engine -------------------------------------------------------------------------------------------------


def test_the_engine_gives_the_ids_of_jobs_side_by_side() -> None:
    engine = Engine(AUDIO)
    source = EngineSource(lambda: engine, lambda order: order)
    for job_id in "ab":
        source.open(order(job_id))
    ended = all_of(source, "a", "b")
    source.close("a")
    source.open(order("a"))
    again = all_of(source, "a")
    source.unload()
    assert ended["a"][0] == ended["b"][0] == again["a"][0] == AUDIO and not ended["a"][1].cut
    assert engine.asked[0][0] == {"prompt_token_ids": [1, 2, 3]} and engine.asked[0][1] == order("a")
    assert engine.stopped and not engine.running


def test_4_13_closing_a_job_aborts_it_in_the_engine() -> None:
    engine = Engine(AUDIO, hangs=True)
    source = EngineSource(lambda: engine, lambda order: order)
    source.open(order())
    assert source.take(["a"])[0].ids
    source.close("a")
    source.open(order("b"))
    source.take(["b"])
    source.unload()
    assert len(engine.aborted) == 2 and not engine.running


def test_what_the_engine_raises_is_its_jobs_end() -> None:
    engine = Engine(AUDIO)
    source = EngineSource(lambda: engine, lambda order: 1 / 0)
    source.open(order())
    assert isinstance(all_of(source, "a")["a"][1].error, ZeroDivisionError)
    source.unload()


def test_an_engine_that_died_ends_the_process_that_needs_it() -> None:
    engine = Engine(AUDIO)
    source = EngineSource(lambda: engine, lambda order: order)
    source.open(order("a"))
    assert all_of(source, "a")["a"][0] == AUDIO
    engine.errored = True
    source.open(order("b"))
    with pytest.raises(EngineLost, match="engine died: EngineCore encountered an issue"):
        all_of(source, "b")
    source.unload()
    assert issubclass(EngineLost, SystemExit), "no step loop takes it for a job's own error"


def test_the_id_that_ends_speech_is_not_among_the_tokens() -> None:
    source = EngineSource(lambda: Engine([*AUDIO, STOP]), lambda order: order, IDS.stops)
    source.open(order())
    assert all_of(source, "a")["a"][0] == AUDIO
    source.unload()


def test_an_engine_that_does_not_start_leaves_no_thread() -> None:
    def start() -> None:
        raise ImportError("vllm")

    with pytest.raises(ImportError):
        EngineSource(start, lambda order: order)


def test_a_job_that_was_never_stepped_asks_for_nothing() -> None:
    engine = Engine(AUDIO, reason="length")
    source = EngineSource(lambda: engine, lambda order: order)
    source.open(order("idle"))
    source.open(order("b"))
    assert all_of(source, "b")["b"][1].cut
    source.close("idle")
    source.close("never opened")
    source.unload()
    assert len(engine.asked) == 1
