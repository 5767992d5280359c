"""The supervisor with real worker processes: jobs, cancels, deaths of every kind, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, Overloaded, WorkerLost
from syrinx.core.types import AudioChunk, Samples, SynthesisJob
from syrinx.models.base import ReferenceClip
from syrinx.workers.host import HostState, JobTerms
from syrinx.workers.launch.process import ProcessSpec
from syrinx.workers.policy import BackendSpec, SupervisorPolicy
from syrinx.workers.recovery import RestartPolicy
from syrinx.workers.stream import Stream
from syrinx.workers.supervisor import Supervisor
from tests.workers.backends import CHUNK, RATE, expected

ROOT = str(Path(__file__).parents[2])
SPEC = ProcessSpec(env={"PYTHONPATH": ROOT})
QUICK = RestartPolicy(first_delay_s=0.05)
SOON_S = 20.0
"""No test takes so long; it bounds every wait."""


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process, no folder, after any test."""
    folder = tempfile.mkdtemp(prefix="sx")  # short: a socket's path must be
    monkeypatch.setattr(tempfile, "tempdir", folder)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert left == []
    assert glob.glob(folder + "/*") == []
    os.rmdir(folder)


def policy(**changes: Any) -> SupervisorPolicy:
    return SupervisorPolicy(**{"process": SPEC, "restart": QUICK, "load_timeout_s": SOON_S, **changes})


@contextlib.asynccontextmanager
async def running(options: dict[str, Any] | None = None, **changes: Any) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor("ramp", BackendSpec("tests.workers.backends:Ramp", options or {}), policy(**changes))
    async with asyncio.timeout(SOON_S):
        await supervisor.start()
        try:
            yield supervisor
        finally:
            await supervisor.stop()


def submit(host: Supervisor, job_id: str, text: str, **terms: Any) -> Stream:
    return host.submit(SynthesisJob(job_id, text, "v", "en"), JobTerms(**{"timeline": job_id, **terms}))


async def hear(stream: Stream) -> Samples:
    """Read to the end; raises what the stream raises."""
    heard: list[AudioChunk] = []
    while chunks := await stream.read():
        heard += chunks
    return np.concatenate([chunk.samples for chunk in heard])


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells of."""
    while not condition():
        await asyncio.sleep(0.01)


async def test_jobs_are_spoken_and_a_refused_or_broken_one_is_told_so():
    lines: list[tuple[str, str]] = []
    host = Supervisor(
        "ramp", BackendSpec("tests.workers.backends:Ramp"), policy(max_jobs=4), lambda *line: lines.append(line)
    )
    assert host.status.state is HostState.STOPPED
    with pytest.raises(ModelNotReady):
        submit(host, "early", "x")
    starting = asyncio.create_task(host.start())
    await until(lambda: host.status.state is HostState.STARTING)
    waiting = submit(host, "waiting", "hello")
    await starting
    try:
        assert host.info is not None and host.info.name == "ramp"
        assert np.array_equal(await hear(waiting), expected("waiting", "hello"))
        good, bad, refused = submit(host, "a", "hello"), submit(host, "b", "he#lo"), submit(host, "c", "?")
        with pytest.raises(InvalidRequest, match="There is a job 'a' already"):
            submit(host, "a", "again")
        with pytest.raises(InvalidRequest, match="cannot be passed"):
            submit(host, "d", "half a \ud83d")
        with pytest.raises(InvalidRequest, match="speed"):
            submit(host, "d", "x", playback_rate=0.0)
        submit(host, "e", "x")
        with pytest.raises(Overloaded):
            submit(host, "f", "x")
        assert np.array_equal(await hear(good), expected("a", "hello"))
        with pytest.raises(ModelFailed, match="the text has a hash"):
            await hear(bad)
        with pytest.raises(InvalidRequest, match="question mark") as refusal:
            await hear(refused)
        assert (refusal.value.code, refusal.value.param) == ("bad_sign", "text")
        await until(lambda: host.load.listeners() is not None)
        assert host.load.max_batch == 4 and host.status.state is HostState.READY
        assert ("ramp-0", "ramp is loaded") in lines
        await until(lambda: any("the text has a hash" in line for _, line in lines))
    finally:
        await host.stop()
    assert host.status.state is HostState.STOPPED and host.worker_pids == []


async def test_a_cancel_silences_the_reader_at_once_and_is_acknowledged_by_the_model():
    async with running({"step_s": 0.02}) as host:
        stream = submit(host, "a", "*")
        assert await stream.read()
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        stream.cancel()
        stream.cancel()
        assert await stream.read() == [] and await reading == []
        idle_s = await stream.wait_idle()
        assert idle_s is not None and idle_s == stream.idle_s
        assert host.status.running_jobs == 0
        again = submit(host, "a", "hello")
        assert np.array_equal(await hear(again), expected("a", "hello"))
        again.cancel()
        assert await again.wait_idle() is not None


async def test_crashes_by_two_texts_are_not_noticed_by_others_and_those_texts_are_given_up():
    async with running({"step_s": 0.01}) as host:
        steady = [submit(host, f"steady{n}", "steady " * 8) for n in range(2)]
        first = [await stream.read() for stream in steady]
        for poison in [submit(host, f"poison{n}", "abc!def") for n in range(2)]:
            with pytest.raises(ModelFailed, match="died 2 times"):
                await hear(poison)
        for stream, chunks in zip(steady, first, strict=True):
            rest = await hear(stream)
            whole = np.concatenate([*(chunk.samples for chunk in chunks), rest])
            assert np.array_equal(whole, expected(stream.job.job_id, "steady " * 8))
        assert host.status.restarts in (3, 4)


async def test_out_of_memory_fails_that_text_alone_and_the_worker_begins_anew():
    async with running({"step_s": 0.01}) as host:
        steady = submit(host, "steady", "steady " * 8)
        first, (pid,) = await steady.read(), host.worker_pids
        with pytest.raises(ModelFailed, match="The device is full"):
            await hear(submit(host, "large", "abc^def"))
        whole = np.concatenate([*(chunk.samples for chunk in first), await hear(steady)])
        assert np.array_equal(whole, expected("steady", "steady " * 8))
        await until(lambda: host.status.restarts == 1 and host.status.state is HostState.READY)
        assert pid not in host.worker_pids
        assert np.array_equal(await hear(submit(host, "next", "hello")), expected("next", "hello"))


async def test_a_voice_that_finds_no_memory_is_told_so_and_the_worker_begins_anew():
    async with running() as host:
        clip = ReferenceClip(np.zeros(80, np.float32), RATE, "^")
        with pytest.raises(ModelFailed, match="The device is full"):
            await host.prepare_voice(clip)
        assert np.array_equal(await hear(submit(host, "next", "hello")), expected("next", "hello"))
        assert host.status.restarts == 1


async def test_after_a_kill_in_mid_load_every_job_is_whole_with_its_marks_once():
    async with running({"step_s": 0.01}, workers=2) as host:
        streams = [submit(host, f"job{n}", "some words here", timeline=f"t{n % 3}") for n in range(9)]
        heard = [await streams[0].read()]
        os.kill(host.worker_pids[0], signal.SIGKILL)
        spans: list[int] = []
        while chunks := await streams[0].read():
            heard.append(chunks)
        spans = [mark.span.start for chunks in heard for chunk in chunks for mark in chunk.marks]
        assert spans == list(range(len("some words here")))
        for stream in streams[1:]:
            assert np.array_equal(await hear(stream), expected(stream.job.job_id, "some words here"))
        assert host.status.restarts == 1


async def test_a_model_that_cannot_repeat_itself_loses_what_is_heard_and_only_that():
    async with running({"step_s": 0.01, "repeatable": False}) as host:
        heard = submit(host, "heard", "*", timeline="t")
        queued = submit(host, "queued", "hello", timeline="t")
        assert await heard.read()
        os.kill(host.worker_pids[0], signal.SIGKILL)
        with pytest.raises(WorkerLost, match=r"mid-speech.*SIGKILL"):
            await hear(heard)
        assert np.array_equal(await hear(queued), expected("queued", "hello"))


async def test_a_process_that_falls_silent_is_replaced():
    async with running({"step_s": 0.01}, step_timeout_s=0.4, silence_margin_s=0.6) as host:
        stream = submit(host, "a", "some words here")
        first = await stream.read()
        os.kill(host.worker_pids[0], signal.SIGSTOP)
        whole = np.concatenate([*(chunk.samples for chunk in first), await hear(stream)])
        assert np.array_equal(whole, expected("a", "some words here"))


async def test_a_model_that_can_no_longer_be_loaded_fails_with_the_reason(tmp_path: Path):
    restart = RestartPolicy(first_delay_s=0.01, max_load_deaths=2)
    async with running({"step_s": 0.01, "die_if": str(tmp_path / "gone")}, restart=restart) as host:
        heard, queued = submit(host, "heard", "*", timeline="t"), submit(host, "queued", "x", timeline="t")
        assert await heard.read()
        (tmp_path / "gone").touch()
        os.kill(host.worker_pids[0], signal.SIGKILL)
        with pytest.raises(WorkerLost, match="a library says why"):
            await hear(heard)
        with pytest.raises(ModelNotReady, match="a library says why"):
            await hear(queued)
        assert host.status.state is HostState.FAILED and host.status.restarts == 3


async def test_jobs_go_where_least_is_to_do_and_a_listener_stays_where_it_is():
    async with running({"step_s": 0.01}, workers=2) as host:
        submit(host, "long", "l" * 100, timeline="one")
        submit(host, "short", "s" * 10, timeline="two")
        submit(host, "other", "o" * 10, timeline="three")
        submit(host, "more", "m" * 10, timeline="one")
        assert [sorted(slot.streams) for slot in host._slots] == [["long", "more"], ["other", "short"]]


async def test_a_step_that_hangs_is_ended_and_the_canceled_job_is_told_lost():
    async with running(step_timeout_s=0.3) as host:
        hung = submit(host, "hung", "ab~")
        canceled = submit(host, "canceled", "*", timeline="other")
        while await hung.read() == []:
            pass
        await asyncio.sleep(0.1)
        canceled.cancel()
        assert await canceled.wait_idle() is None
        with pytest.raises(ModelFailed, match="took longer than"):
            await hear(hung)
        assert np.array_equal(await hear(submit(host, "next", "x")), expected("next", "x"))


async def test_a_reader_that_stops_is_held_to_its_window_and_harms_nobody():
    async with running(window_s=1.0) as host:
        slow = submit(host, "slow", "s" * 60)
        other = await hear(submit(host, "other", "o" * 60))
        assert np.array_equal(other, expected("other", "o" * 60))
        assert 1.0 <= slow.progress.samples / RATE <= 1.0 + CHUNK / RATE
        assert np.array_equal(await hear(slow), expected("slow", "s" * 60))


async def test_a_model_that_cannot_be_loaded_says_why():
    for options, words in (({"refuse": True}, "run the install command"), ({"die": True}, "a library says why")):
        host = Supervisor("ramp", BackendSpec("tests.workers.backends:Ramp", options), policy())
        with pytest.raises(ModelNotReady, match=words):
            await host.start()
        assert host.status.state is HostState.FAILED and words in host.status.detail
        with pytest.raises(ModelNotReady):
            submit(host, "a", "x")
        await host.stop()


async def test_loading_has_a_time_limit_and_stopping_does_not_wait_for_it():
    host = Supervisor("ramp", BackendSpec("tests.workers.backends:Ramp", {"load_s": 60}), policy(load_timeout_s=0.5))
    with pytest.raises(ModelNotReady, match=r"not loaded within 0\.5 s"):
        await host.start()
    lines: list[str] = []
    slow = Supervisor(
        "ramp",
        BackendSpec("tests.workers.backends:Ramp", {"load_s": 60}),
        policy(stop_grace_s=SOON_S),
        lambda _, line: lines.append(line),
    )
    starting = asyncio.create_task(slow.start())
    await until(lambda: "ramp begins to load" in lines)
    async with asyncio.timeout(SOON_S / 2):
        await slow.stop()
    with pytest.raises(ModelNotReady, match="stopped"):
        await starting


async def test_stopping_tells_the_jobs_that_run():
    async with running({"step_s": 0.01}) as host:
        stream = submit(host, "a", "*")
        assert await stream.read()
        await host.stop()
        with pytest.raises(WorkerLost):
            while True:
                await stream.read()


async def test_a_worker_does_not_outlive_a_server_that_was_killed():
    script = (
        "import asyncio, sys\n"
        "from tests.workers.test_supervisor import running, submit\n"
        "async def main():\n"
        "    async with running() as host:\n"
        "        submit(host, 'a', 'ab~')\n"
        "        print(*host.worker_pids, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    env = {**os.environ, "PYTHONPATH": ROOT, "TMPDIR": tempfile.gettempdir()}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=env) as server:
        assert server.stdout is not None
        worker = psutil.Process(int(await asyncio.to_thread(server.stdout.readline)))
        server.kill()
    deadline = time.monotonic() + SOON_S
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
