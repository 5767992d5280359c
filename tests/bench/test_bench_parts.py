"""The parts that the bench's figures rest on: the listener's arithmetic, the search, the metrics reader, the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import load
from bench.figure import Effort, Figure, table
from bench.harness import ServerPlan, has_audible
from bench.measures.barge_in import PROGRAMS, ROOT, interruptions, stale_frames
from bench.measures.gapless import Trial, largest
from bench.metrics import read_histogram
from bench.playhead import PlayHead
from bench.realtime import Event
from tests.fakes.page_server import PageServer

# --- the listener ---------------------------------------------------------------------------------------------------


def test_audio_that_comes_faster_than_it_is_played_never_runs_dry() -> None:
    head = PlayHead(jitter_s=0.0)
    for number in range(100):
        head.receive(number * 0.04, 0.04)
    assert head.underruns == 0
    assert head.ends_at == pytest.approx(4.0)


def test_the_jitter_buffer_forgives_lateness_up_to_its_length_and_no_more() -> None:
    head = PlayHead(jitter_s=0.06)
    head.receive(0.0, 0.04)
    head.receive(0.1, 0.04)
    assert head.underruns == 0
    head.receive(0.15, 0.04)
    assert head.underruns == 1
    assert head.dry_s == pytest.approx(0.01)


def test_a_stream_that_stops_is_seen_at_the_end() -> None:
    head = PlayHead(jitter_s=0.0)
    head.receive(0.0, 1.0)
    head.check(0.9)
    assert head.underruns == 0
    head.check(3.0)
    assert (head.underruns, head.dry_s) == (1, 2.0)


def test_nothing_received_is_no_underrun() -> None:
    head = PlayHead(jitter_s=0.0)
    head.check(10.0)
    assert head.underruns == 0


@given(
    gaps=st.lists(st.floats(0, 1), min_size=1, max_size=50),
    lengths=st.lists(st.floats(0.001, 1), min_size=50, max_size=50),
    jitter_s=st.floats(0, 0.5),
)
def test_speech_and_silence_add_up_to_the_time_listened(
    gaps: list[float], lengths: list[float], jitter_s: float
) -> None:
    head, now = PlayHead(jitter_s), 0.0
    for gap, length in zip(gaps, lengths, strict=False):
        now += gap
        head.receive(now, length)
    assert head.ends_at == pytest.approx(gaps[0] + jitter_s + head.received_s + head.dry_s)
    assert head.ends_at > now - 1e-5
    assert (head.underruns > 0) == (head.dry_s > 0)


# --- the load process -----------------------------------------------------------------------------------------------


async def test_listeners_hear_a_server_that_keeps_up_and_count_gaps_of_one_that_does_not() -> None:
    fake = PageServer().start()
    plan = load.LoadPlan(f"ws://127.0.0.1:{fake.port}/v1/audio/speech/stream/ws", 3, 2.5, "Hello there world.", 0.3)
    try:
        healthy = await load.run(plan)
        fake.pace_x = 0.5
        starved = await load.run(plan)
    finally:
        fake.stop()
    assert healthy.utterances >= 3
    assert healthy.frames > 0 and healthy.audio_s > 3
    assert starved.underruns > 0 and starved.dry_s > 0
    assert not starved.clean


async def test_refusals_are_counted_as_failures() -> None:
    fake = PageServer().start()
    fake.refusals.append({"code": "busy"})
    plan = load.LoadPlan(f"ws://127.0.0.1:{fake.port}/v1/audio/speech/stream/ws", 1, 1.2, "Hello.", 0.0)
    try:
        result = await load.run(plan)
    finally:
        fake.stop()
    assert result.failures == ["busy"]
    assert not result.clean


async def test_a_load_process_that_fails_says_why() -> None:
    plan = load.LoadPlan("ws://127.0.0.1:1/", 1, 0.1, "Hello.", 0.0)
    with pytest.raises(RuntimeError, match="load process failed"):
        await load.run(plan)


@pytest.mark.parametrize("size", [0, 2, 4, 6, 512, 1920])
def test_samples_are_counted_from_base64_without_decoding(size: int) -> None:
    import base64

    event = Event(type="response.output_audio.delta", delta=base64.b64encode(bytes(size)).decode())
    assert event.samples == size // 2


# --- the search -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capacity", range(11))
async def test_the_search_finds_the_largest_clean_number(capacity: int) -> None:
    tried: list[int] = []

    async def probe(clients: int) -> Trial:
        tried.append(clients)
        return Trial(
            clients, load.LoadResult(clients=clients, underruns=int(clients > capacity), ttfa_s=[0.1] * 10), 0.0
        )

    best = await largest(10, 9, probe)
    assert (0 if best is None else best.clients) == capacity
    assert len(tried) <= 5


# --- metrics, settings, table ---------------------------------------------------------------------------------------

PAGE = """# HELP x_idle_seconds Idle
# TYPE x_idle_seconds histogram
x_idle_seconds_bucket{model="a",le="0.01"} 1.0
x_idle_seconds_bucket{model="a",le="0.05"} 2.0
x_idle_seconds_bucket{model="a",le="+Inf"} 2.0
x_idle_seconds_count{model="a"} 2.0
x_idle_seconds_sum{model="a"} 0.03
x_idle_seconds_bucket{model="b",le="0.01"} 0.0
x_idle_seconds_bucket{model="b",le="0.05"} 1.0
x_idle_seconds_bucket{model="b",le="+Inf"} 2.0
x_idle_seconds_count{model="b"} 2.0
x_idle_seconds_sum{model="b"} 0.21
"""


def test_a_histogram_is_read_over_all_its_labels() -> None:
    idle = read_histogram(PAGE, "idle")
    assert (idle.count, idle.mean, idle.bound) == (4, pytest.approx(0.06), float("inf"))
    assert idle.share_within(0.05) == 0.75
    assert idle.share_within(0.049) == 0.25
    with pytest.raises(LookupError, match="nothing_like_it"):
        read_histogram(PAGE, "nothing_like_it")


def test_a_server_is_started_without_the_developers_own_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SYRINX_API_KEY", "mine")
    plan = ServerPlan("tone", options={"x_realtime": 10}, settings={"max_lead_s": 1.0})
    environ = plan.environment(tmp_path)
    assert "SYRINX_API_KEY" not in environ
    assert environ["SYRINX_MODEL_OPTIONS"] == '{"tone": {"x_realtime": 10}}'
    assert environ["SYRINX_MAX_LEAD_S"] == "1.0"


@pytest.mark.parametrize(("value", "audible"), [(0, False), (32, False), (33, True), (-33, True), (-32768, True)])
def test_audible_means_above_60_dbfs_down(value: int, audible: bool) -> None:
    assert has_audible(bytes(10) + value.to_bytes(2, "little", signed=True)) is audible


def test_the_table_says_which_figures_fall_short() -> None:
    text = table([Figure("speed", ">= 1", "2", "3", True), Figure("size", "<= 1", "2", "3", False)])
    good, bad = text.splitlines()[2:]
    assert "speed" in good and good.endswith("| yes |")
    assert "size" in bad and bad.endswith("| NO  |")
    assert len({len(line) for line in text.splitlines()}) == 1


def test_quick_effort_takes_the_smaller_number(tmp_path: Path) -> None:
    assert Effort(quick=True, folder=tmp_path).pick(300, 30) == 30
    assert Effort(quick=False, folder=tmp_path).pick(300, 30) == 300


# --- frameworks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "stale"),
    [({"stale": 0, "fresh": 4}, 0), ({"stale": 3, "fresh": 4}, 3), ({"fresh_s": 0.72}, 0), ({"fresh_s": 0.9}, 1)],
)
def test_audio_of_the_old_answer_is_counted_however_a_framework_tells_it(told: dict[str, float], stale: int) -> None:
    assert stale_frames(told) == stale
    for seen in ({"said": {}, "interrupted": [told]}, {"sse": {"interrupted": [told]}, "voices": ["a"]}):
        assert list(interruptions(seen)) == [told]


def test_the_programs_are_there() -> None:
    assert [name for name, (script, *_) in PROGRAMS.items() if not (ROOT / "tests" / "clients" / script).exists()] == []
