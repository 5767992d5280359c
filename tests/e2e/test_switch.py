"""Another model takes over in a running engine, with real workers: nobody is cut off, and no process is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from syrinx.config import make_settings
from syrinx.core.errors import ConfigError, ModelNotFound, ModelNotReady
from syrinx.core.types import Append, Audio, End, Failed, Finished, Open, ServerEvent, SpeechRequest, Started
from syrinx.engine.engine import Engine
from syrinx.engine.policy import SessionOptions
from syrinx.engine.session import Session
from syrinx.wiring import build_engine

WAIT_S = 30.0


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncGenerator[Engine]:
    engine = build_engine(make_settings({"models": ("tone",), "data_dir": folder, **settings}))
    before = workers()
    try:
        await engine.start()
        yield engine
    finally:
        await engine.stop()
        assert workers() <= before, "a worker was left behind"


def workers() -> set[int]:
    """Processes of ours that are alive."""
    return {child.pid for child in psutil.Process().children(recursive=True) if is_alive(child)}


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it went just now
        return False


def speaking(engine: Engine, text: str) -> Session:
    session = engine.session(SessionOptions("test"))
    for event in (Open("u", SpeechRequest()), Append("u", text), End("u")):
        session.send(event)
    return session


async def rest_of(session: Session) -> list[ServerEvent]:
    seen: list[ServerEvent] = []
    async with asyncio.timeout(WAIT_S):
        while not seen or not isinstance(seen[-1], Finished | Failed):
            event = await session.next()
            assert event is not None
            seen.append(event)
    session.close()
    return seen


async def speaker(engine: Engine) -> str:
    events = await rest_of(speaking(engine, "Hello."))
    assert isinstance(events[-1], Finished)
    return next(event.model for event in events if isinstance(event, Started))


async def gone(pids: set[int]) -> None:
    async with asyncio.timeout(WAIT_S):
        while workers() & pids:
            await asyncio.sleep(0.02)


async def test_another_model_takes_over_and_the_one_of_the_settings_stays(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        assert await speaker(engine) == "tone"
        tone = workers()
        await engine.switch("espeak", reason="as the test asked")
        assert await speaker(engine) == "espeak"
        assert [(m.name, m.is_default, m.reason) for m in engine.models()] == [
            ("espeak", True, "as the test asked"),
            ("tone", False, "as asked"),
        ]
        espeak = workers() - tone
        assert espeak
        await engine.switch("tone")
        assert await speaker(engine) == "tone"
        assert [m.name for m in engine.models()] == ["tone"]
        await gone(espeak)
        assert tone <= workers()


async def test_who_hears_the_old_one_hears_it_to_the_end_and_then_its_process_is_gone(tmp_path: Path) -> None:
    others = workers()  # servers of other tests
    async with running(tmp_path, model_options={"tone": {"x_realtime": 20}}) as engine:
        old = workers() - others
        assert old
        session = speaking(engine, "One two three four five six seven. " * 20)
        while not isinstance(await session.next(), Audio):
            pass
        await engine.switch("tone", {"x_realtime": 1000})
        assert old <= workers()
        events = await rest_of(session)
        assert isinstance(events[-1], Finished)
        assert events[-1].audio_s > 30
        await gone(old)
        assert await speaker(engine) == "tone"


async def test_what_cannot_be_loaded_changes_nothing_and_leaves_no_process(tmp_path: Path) -> None:
    async with running(tmp_path, load_timeout_s=2.0) as engine:
        before = workers()
        with pytest.raises(ModelNotReady, match="not loaded within"):
            await engine.switch("tone", {"load_s": 600})
        with pytest.raises(ConfigError, match="x_realtme"):
            await engine.switch("tone", {"x_realtme": 3})
        with pytest.raises(ModelNotFound):
            await engine.switch("ghost")
        assert workers() == before
        assert await speaker(engine) == "tone"


async def test_the_end_of_the_engine_in_the_middle_of_a_switch_leaves_no_process(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        before = workers()
        switching = asyncio.create_task(engine.switch("tone", {"load_s": 600}))
        async with asyncio.timeout(WAIT_S):
            while workers() == before:
                await asyncio.sleep(0.02)
        assert await speaker(engine) == "tone"  # meanwhile
        await engine.stop()
        with pytest.raises(ModelNotReady):
            await switching


async def test_a_warm_up_runs_at_the_start_and_after_a_switch(tmp_path: Path) -> None:
    async with running(tmp_path, warmup_text="Good morning, engine.") as engine:
        await engine.warmup.trigger(wait=True)
        state = engine.warmup.state
        assert (state.status, state.runs, state.last_reason, state.last_error) == ("ready", 1, "startup", None)
        await engine.switch("espeak", reason="api")
        await engine.warmup.trigger(wait=True)
        state = engine.warmup.state
        assert (state.status, state.runs, state.last_reason, state.last_error) == ("ready", 2, "api", None)
