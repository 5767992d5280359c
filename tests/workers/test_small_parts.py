"""The small pure parts of a worker: budget, speed, flight recorder, errors on the wire, addresses, environment."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core import errors
from syrinx.core.types import Delivery, SynthesisJob
from syrinx.workers import blackbox
from syrinx.workers.address import Address, parse_address, unix_path
from syrinx.workers.faults import MAX_MESSAGE_CHARS, OUT_OF_MEMORY_STATUS, error_of, fault_of
from syrinx.workers.launch.process import ProcessSpec, environment
from syrinx.workers.lengths import LengthDoubt
from syrinx.workers.meter import CostBySize, Meter, StepCost
from syrinx.workers.runaway import RunawayPolicy, budget_s, usual_s
from syrinx.workers.slot import describe_exit

POLICY = RunawayPolicy(base_s=4.0, factor=4.0)


@pytest.mark.parametrize("nonsense", [None, 0.0, -1.0, math.nan, math.inf])
def test_the_budget_follows_the_text_where_the_model_has_no_estimate(nonsense: float | None):
    slow = SynthesisJob("j", "x" * 50, "v", "en", Delivery(speed=0.5))
    assert usual_s(slow, nonsense, 0.1) == pytest.approx(10.0)
    assert budget_s(10.0, POLICY) == 4.0 + 4.0 * 10.0


def test_the_budget_follows_the_models_estimate_where_it_has_one():
    assert usual_s(SynthesisJob("j", "x", "v", "en"), 100.0, 0.1) == 100.0


def test_speed_is_weighted_by_time_and_follows_a_change():
    meter = Meter(window_s=10.0)
    assert meter.row_speed is None
    for _ in range(1000):
        meter.stepped(step_s=0.1, rows=2, audio_s=0.4)
    assert meter.row_speed == pytest.approx(2.0)
    for _ in range(300):
        meter.stepped(step_s=0.1, rows=1, audio_s=0.1)
    assert meter.row_speed == pytest.approx(1.0, abs=0.1)


def test_what_a_batch_costs_is_a_line_through_the_sizes_that_were_seen():
    costs = CostBySize()
    assert costs.cost is None
    for rows, step_s in ((1, 0.04), (8, 0.12)):
        for _ in range(50):
            costs.stepped(step_s, rows, rows * 0.08)
    assert costs.cost is not None
    assert costs.cost.of(1) == pytest.approx(0.5) and costs.cost.of(8) == pytest.approx(1.5)
    assert costs.cost.listeners(8) == 4  # 0.5 + 3 * 1 / 7 = 0.93


def test_beginnings_are_counted_by_how_much_speech_follows_and_do_not_bend_the_line():
    costs = CostBySize()
    for _ in range(100):
        costs.stepped(0.04, 1, 0.08)
    costs.stepped(0.04 + 0.1, 2, 0.16, began=1)  # nothing ended yet: who knows how much follows
    assert costs.cost is not None and costs.cost == pytest.approx(StepCost(0.5, 0.0))
    costs.ended(2.0)
    assert costs.cost.base == pytest.approx(0.5) and costs.cost.per_row == pytest.approx(0.1 / 2.0)


def test_jobs_that_were_canceled_before_their_first_sound_do_not_make_the_others_look_short():
    costs = CostBySize()
    for _ in range(100):
        costs.stepped(0.04, 1, 0.08)
    costs.stepped(0.04 + 0.1, 1, 0.08, began=1)
    costs.ended(2.0)
    for _ in range(50):
        costs.stepped(0.1, 1, 0.0, began=1)
        costs.ended(0.0)
    assert costs.cost is not None and costs.cost.per_row == pytest.approx(0.1 / 2.0)


def test_where_every_step_begins_something_that_is_what_steps_cost():
    costs = CostBySize()
    for rows in (1, 2) * 20:
        costs.stepped(0.1 + 0.1 * rows, rows, rows * 1.0, began=rows)
        costs.ended(1.0)
    assert costs.cost is not None
    assert costs.cost.of(1) == pytest.approx(0.2) and costs.cost.of(2) == pytest.approx(0.3)


def test_a_size_hardly_seen_says_nothing_beside_others():
    costs = CostBySize()
    for _ in range(100):
        costs.stepped(0.04, 1, 0.08)
    costs.stepped(0.2, 2, 0.16)
    assert costs.cost is not None and costs.cost.of(2) == pytest.approx(0.5)
    for _ in range(100):
        costs.stepped(0.06, 2, 0.16)
    assert costs.cost.of(2) == pytest.approx(0.75, rel=0.1)


def test_a_batch_slower_than_speech_is_whole_with_a_head_start():
    cost = StepCost(0.3, 0.15)
    assert [cost.listeners(8, slowest) for slowest in (1.0, 1.05, 1.2, 1.5, 9.0)] == [4, 5, 6, 8, 8]
    assert StepCost(1.2, 0.0).listeners(8, 1.1) == 0 and StepCost(1.2, 0.0).listeners(8, 1.3) == 8
    assert StepCost(0.05, 0.05).listeners(8, 9.0) == 17, "turns gain nothing by a head start"
    assert StepCost(1.2, 5e-324).listeners(8, 2.0) == 8, "next to nothing for a row"


@given(
    st.floats(0.0) | st.just(math.nan),
    st.floats(0.0) | st.just(math.nan),
    st.integers(1, 64),
    st.floats(1.0, 1e9),
)
def test_costs_that_make_no_sense_give_a_number_all_the_same(base: float, per_row: float, most: int, slowest: float):
    assert StepCost(base, per_row).listeners(most, slowest) >= StepCost(base, per_row).listeners(most) >= 0


def test_how_much_longer_speech_lasts_is_learned():
    lengths = LengthDoubt(1.5)
    lengths.heard(0.0, 1.0)
    lengths.heard(1.0, 0.0)
    lengths.heard(0.14, 0.8)  # "Hi."
    assert lengths.doubt == 1.5
    lengths.heard(5.1, 9.3)
    assert lengths.doubt == pytest.approx(9.3 / 5.1)
    for _ in range(19):
        lengths.heard(5.0, 5.5)
    assert lengths.doubt == pytest.approx(1.1), "one of twenty is no rule"
    for _ in range(10):
        lengths.heard(5.0, 10.0)
    assert lengths.doubt == pytest.approx(2.0)


def test_a_size_that_was_slow_once_and_is_not_tried_any_more_is_forgiven():
    costs = CostBySize()
    for _ in range(50):
        costs.stepped(0.4, 4, 4 * 0.08)  # something else wanted the machine
        costs.stepped(0.04, 1, 0.08)
    assert costs.cost is not None and costs.cost.listeners(8) <= 1
    for _ in range(1000):
        costs.stepped(0.04, 1, 0.08)
        costs.stepped(0.05, 2, 2 * 0.08)
    assert costs.cost.listeners(8) >= 3, "so that it is tried again"


@given(
    st.lists(st.tuples(st.integers(1, 64), st.floats(1e-4, 10), st.floats(0, 10)), min_size=1, max_size=30),
    st.integers(1, 64),
)
def test_whatever_was_measured_no_part_of_the_cost_is_negative(steps: list[tuple[int, float, float]], most: int):
    costs = CostBySize()
    for rows, step_s, audio_s in steps:
        costs.stepped(step_s, rows, audio_s)
    if (cost := costs.cost) is not None:
        assert cost.base >= -1e-9 * cost.of(1) and cost.per_row >= 0 and cost.listeners(most) >= 0


def test_a_step_without_audio_still_counts_its_time():
    meter = Meter()
    meter.stepped(0.1, 1, 0.0)
    assert meter.row_speed is None
    meter.stepped(0.1, 1, 0.4)
    assert meter.row_speed == pytest.approx(2.0, rel=0.02)


def test_the_black_box_tells_what_was_being_worked_on(tmp_path: Path):
    path = tmp_path / "box"
    blackbox.create(path)
    assert blackbox.read(path) == ()
    box = blackbox.BlackBox(path)
    box.begin(["a", "b"])
    assert blackbox.read(path) == ("a", "b")
    box.begin(["c"])
    assert blackbox.read(path) == ("c",)
    box.end()
    assert blackbox.read(path) == ()
    many = [f"job_{n:016x}" for n in range(10_000)]
    box.begin(many)
    noted = blackbox.read(path)
    assert len(noted) > 1000 and list(noted) == many[: len(noted)]
    box.close()


@given(data=st.binary(max_size=100))
def test_a_torn_black_box_is_read_as_empty_or_as_ids(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    path = tmp_path_factory.mktemp("box") / "box"
    assert blackbox.read(path) == ()
    path.write_bytes(data)
    assert all(isinstance(job_id, str) for job_id in blackbox.read(path))


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidRequest("No.", code="bad_sign", param="text"),
        errors.VoiceNotFound("No such voice.", param="voice"),
        errors.EmptyText("Nothing."),
        errors.ModelFailed("Broken."),
        errors.RunawayStopped("Too long."),
        errors.ModelNotReady("Not loaded."),
    ],
)
def test_our_errors_come_back_as_they_were(error: errors.SyrinxError):
    back = error_of(fault_of(error))
    assert type(back) is type(error)
    assert (back.code, back.message, back.param, back.retryable) == (
        error.code,
        error.message,
        error.param,
        error.retryable,
    )


def test_other_errors_come_back_as_the_nearest_kind():
    assert type(error_of(fault_of(ValueError("a tensor")))) is errors.ModelFailed
    busy = error_of(fault_of(errors.Overloaded("Later.", 7.0)))
    assert isinstance(busy, errors.Overloaded) and busy.retry_after_s == 7.0
    too_long = error_of(fault_of(errors.TextTooLong(10, 20, param="text")))
    assert type(too_long) is errors.InvalidRequest and too_long.code == "text_too_long"


def test_an_error_message_is_bounded_and_can_always_be_sent():
    fault = fault_of(RuntimeError("\ud800" + "x" * 10_000))
    assert len(fault.message) <= MAX_MESSAGE_CHARS
    fault.message.encode("utf-8")


def test_addresses_survive_the_command_line():
    for address in (Address(path="/tmp/a b/socket"), Address(port=4711)):
        assert parse_address(str(address)) == address
    for wrong in ("", "unix:", "tcp:x", "pipe:1"):
        with pytest.raises(ValueError, match="no address"):
            parse_address(wrong)


def test_a_folder_too_deep_for_a_socket_has_none():
    assert unix_path(Path("/" + "d" * 120)) is None


def test_thread_counts_are_shared_out_where_nobody_has_said_otherwise():
    made = environment({"OMP_NUM_THREADS": "7", "HOME": "/h"}, ProcessSpec(env={"X": "1"}, processes=4), "s3cret", 8)
    assert (made["OMP_NUM_THREADS"], made["MKL_NUM_THREADS"], made["HOME"], made["X"]) == ("7", "2", "/h", "1")
    assert made["SYRINX_WORKER_SECRET"] == "s3cret"
    assert environment({}, ProcessSpec(processes=16), "", 4)["OMP_NUM_THREADS"] == "1"


def test_threads_do_not_spin_where_nobody_has_said_otherwise():
    assert environment({}, ProcessSpec(), "", 4)["GOMP_SPINCOUNT"] == "10000"
    assert environment({"GOMP_SPINCOUNT": "7"}, ProcessSpec(), "", 4)["GOMP_SPINCOUNT"] == "7"
    assert "GOMP_SPINCOUNT" not in environment({"OMP_WAIT_POLICY": "ACTIVE"}, ProcessSpec(), "", 4)


def test_ends_of_processes_are_told_in_words():
    assert describe_exit(-9) == "The worker process was ended by signal 9 (SIGKILL)."
    assert describe_exit(70) == "The worker process ended with status 70."
    assert "ran out of memory" in describe_exit(OUT_OF_MEMORY_STATUS)
    assert "unknown" in describe_exit(-200)
    assert "could not be ended" in describe_exit(None)
