"""Where an engine may be used from, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from syrinx import TTSConfig, TTSEngine, get_tts_engine, shutdown_tts_engine
from syrinx.core.errors import EmptyText, InvalidRequest, ModelFailed, ModelNotFound, ModelNotReady, SyrinxError
from tests.api.conftest import run_script
from tests.e2e.talk import WAIT_S

TEXT = "The first words are heard while the last ones are still being made."


def wait_until_idle(engine: TTSEngine) -> None:
    deadline = time.monotonic() + WAIT_S
    while asyncio.run(engine.health_check())["running"]:
        assert time.monotonic() < deadline, "the model works on"
        time.sleep(0.01)


async def length_of(engine: TTSEngine, text: str = TEXT) -> int:
    return sum([len(chunk) async for chunk in engine.synthesize_streaming(text)])


# --- loops and threads ------------------------------------------------------------------------------------------


def test_several_loops_one_after_the_other_and_none(tone: TTSEngine) -> None:
    lengths = [asyncio.run(length_of(tone)) for _ in range(3)]
    lengths.append(sum(map(len, tone.speak(TEXT))))
    assert max(lengths) - min(lengths) < 4800  # 0.1 s: pauses between segments are cut a little differently


def test_uvloop(tone: TTSEngine, data_dir: Path) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> int:
        async with TTSEngine(TTSConfig("tone", data_dir=data_dir)) as engine:
            return await length_of(engine) + await length_of(tone)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) > 48_000


def test_a_program_that_makes_uvloop_its_policy(data_dir: Path) -> None:
    code = """
import asyncio, sys, uvloop
from syrinx import TTSConfig, TTSEngine
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
async def main():
    async with TTSEngine(TTSConfig("tone", data_dir=sys.argv[1])) as engine:
        return sum([len(chunk) async for chunk in engine.synthesize_streaming("Hello there.")])
print(asyncio.run(main()) > 0)
"""
    assert run_script(code, data_dir).strip() == "True"


def test_many_threads_at_once(tone: TTSEngine) -> None:
    def one(number: int) -> int:
        return sum(map(len, tone.speak(TEXT))) if number % 2 else asyncio.run(length_of(tone))

    with ThreadPoolExecutor(8) as threads:
        lengths = list(threads.map(one, range(16)))
    assert min(lengths) > 48_000 and max(lengths) - min(lengths) < 4800


async def test_blocking_speech_inside_a_running_loop(tone: TTSEngine) -> None:
    """As in a notebook, whose cells run in a loop: it blocks that for so long, and nothing stands still for ever."""
    assert sum(map(len, tone.speak(TEXT))) > 48_000


async def test_audio_is_made_while_the_programs_loop_is_held_up(tone: TTSEngine) -> None:
    stream = tone.synthesize_streaming("Six seconds. {{long 6}}")
    await anext(stream)
    deadline = time.monotonic() + WAIT_S
    blocked = tone.speak("This, too.")
    while time.monotonic() < deadline and tone._current().ready.result().health()["running"]:
        time.sleep(0.01)
    assert tone._current().ready.result().health()["running"] == 0
    assert sum(map(len, blocked)) > 0
    assert sum([len(chunk) async for chunk in stream]) > 6 * 48_000


def test_the_shared_engine_outlives_the_loop_that_made_it(data_dir: Path) -> None:
    config = TTSConfig("tone", data_dir=data_dir)

    async def speak() -> tuple[TTSEngine, int]:
        engine = await get_tts_engine(config)
        stream = engine.synthesize_streaming("{{runaway}}")
        await anext(stream)  # and is not closed
        return engine, await length_of(engine)

    try:
        first, _ = asyncio.run(speak())
        second, length = asyncio.run(speak())
        assert first is second and length > 48_000
        wait_until_idle(second)
    finally:
        asyncio.run(shutdown_tts_engine())


def test_signal_handlers_are_left_alone(data_dir: Path) -> None:
    known = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
    with TTSEngine(TTSConfig("tone", data_dir=data_dir)) as engine:
        assert sum(map(len, engine.speak("Hello.")))
        assert [signal.getsignal(number) for number in sorted(signal.valid_signals())] == known
    assert [signal.getsignal(number) for number in sorted(signal.valid_signals())] == known


# --- plain scripts ----------------------------------------------------------------------------------------------


def test_with_in_a_plain_script(data_dir: Path) -> None:
    engine = TTSEngine(TTSConfig("tone", data_dir=data_dir))
    for _ in range(2):
        with engine as entered:
            assert entered is engine
            assert sum(map(len, engine.speak(iter(["Text may ", "come in pieces."])))) > 0
    with pytest.raises(ModelNotFound), TTSEngine(TTSConfig("no-such-model")):
        raise AssertionError("it was entered")


def test_errors_of_blocking_speech(tone: TTSEngine) -> None:
    def broken() -> Iterator[str]:
        yield "This is said. "
        raise ZeroDivisionError("the source is gone")

    with pytest.raises(EmptyText):
        next(tone.speak(" "))
    with pytest.raises(InvalidRequest):
        next(tone.speak("Hello.", speed=5))
    with pytest.raises(InvalidRequest):
        next(tone.speak(7))  # type: ignore[arg-type] - the point
    with pytest.raises(ModelFailed):
        list(tone.speak("Words. {{error}}"))
    with pytest.raises(ZeroDivisionError, match="source is gone"):
        list(tone.speak(broken()))
    wait_until_idle(tone)


def test_leaving_blocking_speech_stops_the_model(tone: TTSEngine) -> None:
    for _ in tone.speak("{{runaway}}"):
        break
    wait_until_idle(tone)
    speech = tone.speak("One two three four. {{long 3000}}")
    next(speech)
    speech.close()
    speech.close()
    assert list(speech) == []
    wait_until_idle(tone)


# --- what stays behind ------------------------------------------------------------------------------------------


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def engine_threads() -> int:
    return sum(thread.name == "syrinx-engine" for thread in threading.enumerate())


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_gone(pids: set[int]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not all(map(gone, pids)):
        assert time.monotonic() < deadline, f"processes are left: {[pid for pid in pids if not gone(pid)]}"
        time.sleep(0.01)


async def test_an_utterance_leaves_nothing_in_the_engine(data_dir: Path) -> None:
    """However it ends; an engine may speak for weeks."""

    async def endless() -> AsyncIterator[str]:
        while True:
            yield "On and on. "
            await asyncio.sleep(0.01)

    async with TTSEngine(TTSConfig("tone", data_dir=data_dir)) as engine:
        sessions = engine._current().ready.result()._engine._sessions
        assert await length_of(engine)
        assert sum(map(len, engine.speak(iter([TEXT]))))
        for text in ("", "{{error}}", "{{nonsense}}"):
            with pytest.raises(SyrinxError):
                await length_of(engine, text)
        for text in ("{{runaway}}", endless()):
            async for _ in engine.synthesize_streaming(text):
                break
        await engine.synthesize_batch([TEXT, "", "{{error}}"])
        async with asyncio.timeout(WAIT_S):
            while sessions or engine._current()._asked:
                await asyncio.sleep(0.01)


async def test_a_stream_that_is_closed_while_its_engine_starts_says_nothing(data_dir: Path) -> None:
    engine = TTSEngine(TTSConfig("tone", data_dir=data_dir, model_options={"load_s": 0.2}))
    stream = engine.synthesize_streaming("{{runaway}}")
    reading = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    await stream.aclose()
    try:
        async with asyncio.timeout(WAIT_S):
            assert await reading is None
        assert (await engine.health_check())["running"] == 0
    finally:
        await engine.cleanup()


def test_cleanup_leaves_no_process_and_no_thread(data_dir: Path) -> None:
    before, threads = children(), engine_threads()
    with TTSEngine(TTSConfig("tone", data_dir=data_dir)):
        started = children() - before
        assert len(started) == 1
    wait_gone(started)
    deadline = time.monotonic() + WAIT_S
    while engine_threads() > threads:
        assert time.monotonic() < deadline, "the thread is left"
        time.sleep(0.01)


def test_a_failed_start_leaves_no_process(data_dir: Path, recording: bytes) -> None:
    before = children()
    with pytest.raises(InvalidRequest), TTSEngine(TTSConfig("espeak", reference_audio=recording, data_dir=data_dir)):
        raise AssertionError("it was entered")
    wait_gone(children() - before)


def test_an_engine_that_is_forgotten_ends_its_process(data_dir: Path) -> None:
    before = children()

    def forget() -> None:
        engine = TTSEngine(TTSConfig("tone", data_dir=data_dir))
        assert sum(map(len, engine.speak("Hello.")))

    forget()
    started = children() - before
    gc.collect()
    wait_gone(started)


def test_a_stream_keeps_its_engine(data_dir: Path) -> None:
    stream = TTSEngine(TTSConfig("tone", data_dir=data_dir)).speak(TEXT)
    first = next(stream)
    gc.collect()
    assert len(first) + sum(map(len, stream)) > 48_000


EXITS = {
    "forgotten": "",
    "while it speaks": "next(engine.speak('{{runaway}}'))",
    "sys.exit while it speaks": "stream = engine.speak('{{runaway}}'); next(stream); raise SystemExit(0)",
    "tokens to come": "stream = engine.speak(endless()); next(stream)",
    "at once": "os._exit(0)",
    "while it starts": """
import asyncio
async def impatient():
    try:
        await asyncio.wait_for(TTSEngine(TTSConfig("tone", model_options={"load_s": 30})).initialize(), 0.5)
    except TimeoutError:
        print(*pids(), flush=True)
        sys.exit(0)
asyncio.run(impatient())""",
}


@pytest.mark.parametrize("how", EXITS)
def test_a_program_that_ends_without_cleanup_leaves_no_process(how: str, data_dir: Path) -> None:
    code = f"""
import os, sys, time, psutil
from syrinx import TTSConfig, TTSEngine
def endless():
    while True:
        yield "On and on. "
        time.sleep(0.001)
def pids():
    return [child.pid for child in psutil.Process().children(recursive=True)]
engine = TTSEngine(TTSConfig("tone", data_dir=sys.argv[1]))
engine.__enter__()
print(*pids(), flush=True)
{EXITS[how]}
"""
    pids = {int(pid) for pid in run_script(code, data_dir).split()}
    assert pids
    wait_gone(pids)


def test_a_killed_program_leaves_no_process(data_dir: Path) -> None:
    code = """
import sys, time, psutil
from syrinx import TTSConfig, TTSEngine
engine = TTSEngine(TTSConfig("tone", data_dir=sys.argv[1]))
engine.__enter__()
print(*[child.pid for child in psutil.Process().children(recursive=True)], flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", code, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        pids = {int(pid) for pid in program.stdout.readline().split()}
        program.kill()
    assert len(pids) == 1
    wait_gone(pids)


def test_a_forked_child_has_an_engine_of_its_own(data_dir: Path) -> None:
    code = """
import asyncio, os, sys
from syrinx import TTSConfig, get_tts_engine
config = TTSConfig("tone", data_dir=sys.argv[1])
length = lambda engine: sum(map(len, engine.speak("Hello there.")))
engine = asyncio.run(get_tts_engine(config))
parent = length(engine)
child = os.fork()
if child == 0:
    state = asyncio.run(engine.health_check())["status"]
    asyncio.run(engine.cleanup())
    engine = asyncio.run(get_tts_engine(config))
    print(state, length(engine) > 0, flush=True)
    sys.exit(0)
os.waitpid(child, 0)
print(asyncio.run(engine.health_check())["status"], length(engine) > 0)
"""
    assert run_script(code, data_dir).splitlines() == ["not_initialized True", "healthy True"]


async def test_nothing_hangs_on_an_engine_that_is_shut_down_in_the_middle(data_dir: Path) -> None:
    """Whatever is under way ends with an error that says so."""
    engine = TTSEngine(TTSConfig("tone", data_dir=data_dir))

    async def endless() -> AsyncIterator[str]:
        while True:
            yield "On and on. "
            await asyncio.sleep(0.01)

    async def read(text: str | AsyncIterator[str]) -> None:
        async for _ in engine.synthesize_streaming(text):
            pass

    await engine.initialize()
    work = [asyncio.create_task(read(text)) for text in ("{{runaway}}", endless())]
    batch = asyncio.create_task(engine.synthesize_batch(["{{runaway}}"] * 20))
    async with asyncio.timeout(WAIT_S):
        while not (await engine.health_check())["running"]:
            await asyncio.sleep(0.01)
        await engine.cleanup()
        results = await asyncio.gather(*work, return_exceptions=True)
        assert [type(result) for result in results] == [ModelNotReady, ModelNotReady]
        assert list(await batch) == [None] * 20
