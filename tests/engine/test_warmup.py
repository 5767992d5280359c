"""The warm-up: begun once, joined or refused while it runs, its errors kept, heard and counted by nobody."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.errors import ModelFailed, SyrinxError
from syrinx.core.types import SpeechRequest
from syrinx.engine.engine import Engine
from syrinx.engine.policy import EnginePolicy, WarmUpPolicy
from syrinx.engine.warmup import WarmUp, WarmUpState
from tests.fakes.host import FakeHost
from tests.fakes.stage import Records, settle


class Speaker:
    """Speaks when told to."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str | None]] = []
        self.may_end = asyncio.Event()
        self.error: Exception | None = None
        self.clock = FakeClock()
        self.tasks: list[asyncio.Task[None]] = []

    async def speak(self, request: SpeechRequest, text: str) -> None:
        assert request.cache is False  # it must reach the model
        self.said.append((text, request.language))
        await self.may_end.wait()
        self.clock.advance(0.25)
        if self.error is not None:
            raise self.error

    def warmup(self, **policy: object) -> WarmUp:
        def background(work: object) -> asyncio.Task[None]:
            self.tasks.append(asyncio.create_task(work))  # type: ignore[arg-type]
            return self.tasks[-1]

        return WarmUp(WarmUpPolicy(**policy), self.speak, background, self.clock)  # type: ignore[arg-type]


async def test_it_begins_once_and_its_state_tells_all() -> None:
    speaker = Speaker()
    warmup = speaker.warmup(text="Hello.", language="de")
    assert warmup.state == WarmUpState("not_started", 0, None, None, None, None, None)
    assert await warmup.trigger(reason="startup")
    assert (warmup.state.status, warmup.state.runs, warmup.state.last_reason) == ("running", 1, "startup")
    speaker.may_end.set()
    assert not await warmup.trigger(wait=True, reason="another")
    state = warmup.state
    assert (state.status, state.runs, state.last_reason, state.last_error) == ("ready", 1, "startup", None)
    assert state.last_duration_ms == 250.0
    began, ended = (datetime.fromisoformat(str(at)) for at in (state.last_started_at, state.last_completed_at))
    assert began.tzinfo is not None
    assert ended >= began
    assert speaker.said == [("Hello.", "de")]


async def test_one_that_went_well_is_repeated_only_by_force() -> None:
    speaker = Speaker()
    warmup = speaker.warmup()
    speaker.may_end.set()
    assert await warmup.trigger(wait=True)
    assert not await warmup.trigger(wait=True)
    assert await warmup.trigger(wait=True, force=True, reason="api")
    assert (warmup.state.runs, warmup.state.last_reason) == (2, "api")
    assert speaker.said[0][1] is None  # auto: the voice's own language


async def test_while_one_runs_force_begins_no_second_and_without_wait_nobody_waits() -> None:
    speaker = Speaker()
    warmup = speaker.warmup()
    assert await warmup.trigger()
    assert not await warmup.trigger(force=True)
    joined = asyncio.create_task(warmup.trigger(wait=True, force=True))
    await settle()
    assert not joined.done()
    speaker.may_end.set()
    assert not await joined
    assert len(speaker.said) == 1


async def test_a_waiter_that_gives_up_leaves_it_running() -> None:
    speaker = Speaker()
    warmup = speaker.warmup()
    waiting = asyncio.create_task(warmup.trigger(wait=True))
    await settle()
    waiting.cancel()
    await settle()
    assert warmup.state.status == "running"
    speaker.may_end.set()
    await warmup.trigger(wait=True)
    assert warmup.state.status == "ready"


@pytest.mark.parametrize(
    ("error", "words"), [(ModelFailed("The model broke."), "The model broke."), (KeyError("x"), "KeyError")]
)
async def test_an_error_is_kept_and_the_next_attempt_needs_no_force(error: Exception, words: str) -> None:
    speaker = Speaker()
    warmup = speaker.warmup()
    speaker.may_end.set()
    speaker.error = error
    assert await warmup.trigger(wait=True)
    assert warmup.state.status == "error"
    assert words in str(warmup.state.last_error)
    speaker.error = None
    assert await warmup.trigger(wait=True)
    assert (warmup.state.status, warmup.state.last_error) == ("ready", None)


async def test_one_that_never_ends_is_given_up() -> None:
    speaker = Speaker()
    warmup = speaker.warmup(timeout_s=0.01)
    assert await warmup.trigger(wait=True)
    assert warmup.state.last_error == "It took longer than 0.01 s."


async def test_another_model_makes_it_void_also_where_it_runs() -> None:
    speaker = Speaker()
    warmup = speaker.warmup()
    await warmup.trigger(reason="old")
    await settle()
    warmup.reset()
    assert warmup.state.status == "not_started"
    assert await warmup.trigger(reason="new")
    await settle()
    assert [task.cancelled() for task in speaker.tasks] == [True, False]
    speaker.may_end.set()
    await warmup.trigger(wait=True)
    assert (warmup.state.status, warmup.state.last_reason, warmup.state.runs) == ("ready", "new", 2)


# --- over an engine ------------------------------------------------------------------------------------------------


def engine_over(host: FakeHost, records: Records, *, on_startup: bool = True) -> Engine:
    policy = EnginePolicy(warmup=WarmUpPolicy(on_startup=on_startup))
    return Engine([host], policy, clock=FakeClock(), observer=records)


async def test_it_runs_after_the_start_and_nobody_waits_for_it() -> None:
    host, records = FakeHost(auto=False), Records()
    engine = engine_over(host, records)
    await engine.start()
    assert engine.ready
    assert (engine.warmup.state.status, engine.warmup.state.last_reason) == ("running", "startup")
    await settle()
    while not all(stream.over for stream in host.streams) or engine.warmup.state.status == "running":
        for stream in host.streams:
            if not stream.over:
                stream.speak()
        await asyncio.sleep(0)
    assert engine.warmup.state.status == "ready"
    assert records.all == []
    assert (engine.gate("fake").running, engine.models()[0].queued) == (0, 0)
    await engine.stop()
    assert len(asyncio.all_tasks()) == 1


async def test_it_does_not_run_where_the_settings_say_so() -> None:
    host = FakeHost()
    engine = engine_over(host, Records(), on_startup=False)
    await engine.start()
    await settle()
    assert (engine.warmup.state.status, host.streams) == ("not_started", [])
    await engine.stop()


async def test_a_model_that_breaks_leaves_the_server_ready_and_the_reason_in_the_state() -> None:
    host = FakeHost(auto=False)
    engine = engine_over(host, Records())
    await engine.start()
    while not host.streams:
        await asyncio.sleep(0)
    error: SyrinxError = ModelFailed("The model broke.")
    host.streams[0].end(error)
    await engine.warmup.trigger(wait=True)
    while engine.warmup.state.status == "running":
        await asyncio.sleep(0)
    assert (engine.warmup.state.status, engine.warmup.state.last_error) == ("error", "The model broke.")
    assert engine.ready
    await engine.stop()


async def test_stopping_in_the_middle_leaves_no_task_and_tells_of_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    engine = engine_over(FakeHost(auto=False), Records())
    await engine.start()
    await settle()
    await engine.stop()
    assert engine.warmup.state.status == "not_started"
    assert not caplog.records, "an end that was asked for is no failure"
    assert len(asyncio.all_tasks()) == 1
