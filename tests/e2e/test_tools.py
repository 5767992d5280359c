"""The command-line tools against real servers, as their users run them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import soundfile

from tests.e2e.conftest import Start
from tests.fakes.server_process import ServerPool, ServerProcess

LONGEST_S = 100.0
TOKEN = "tools-token"
LINE = re.compile(
    r"chunk (\d+): gap_since_prev=(\d+\.\d+)s playback_wait=(\d+\.\d+)s playback_dur=(\d+\.\d+)s text=(\d+)-(\d+)"
)
TEXT = "One two three. Four five six seven. Eight nine ten."


def syrinx(*arguments: str, folder: Path, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in ``folder`` with none of the developer's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYRINX_")}
    return subprocess.run(
        [sys.executable, "-m", "syrinx", *arguments],
        cwd=folder,
        env=kept | variables,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process whose command line names something below ``folder``."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in word for word in process.cmdline()):
                found.append(process)
    return found


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """One with a key, which every tool here has in its environment."""
    return start(models=("espeak", "tone"), api_key=TOKEN)


@pytest.fixture(scope="module")
def busy(start: Start) -> Iterator[ServerProcess]:
    """One that speaks to one listener at a time, slowly, and lets nobody wait."""
    yield start(tone={"x_realtime": 2}, max_concurrent_jobs=1, max_queued_requests=0, max_lead_s=0)


def tool(server: ServerProcess, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command that speaks to that server."""
    return syrinx(*arguments, "--url", server.url, folder=folder, SYRINX_API_KEY=TOKEN, **variables)


@pytest.mark.parametrize("options", [[], ["--use-subprotocol-auth"]], ids=["header", "subprotocol"])
def test_0_41_smoke(options: list[str], server: ServerProcess, tmp_path: Path) -> None:
    done = tool(server, tmp_path, "smoke", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "SMOKE_TEST_OK"
    assert len(lines) == 11 and all(line.startswith("ok ") for line in lines[:-1])
    assert "token: a wrong one is refused" in done.stdout


def test_0_41_one_command_starts_a_server_tries_it_and_leaves_nothing(tmp_path: Path) -> None:
    done = syrinx("smoke", "--start", "--model", "tone", folder=tmp_path, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "SMOKE_TEST_OK"
    assert "mock (tone) on cpu" in done.stdout
    assert list(tmp_path.iterdir()) == [] and processes_of(tmp_path) == []


def test_0_41_quit_on_success_ends_the_server(servers: ServerPool, tmp_path: Path) -> None:
    with servers.fresh(("tone",), api_key=TOKEN) as server:
        done = tool(server, tmp_path, "smoke", "--quit-on-success")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "SMOKE_TEST_OK"), done.stdout + done.stderr
        assert server._process is not None and server._process.wait(LONGEST_S) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--token", "wrong"], "key is wrong"),
        (["--url", "http://127.0.0.1:9"], "No server could be reached at http://127.0.0.1:9"),
    ],
    ids=["wrong token", "no server"],
)
def test_0_41_smoke_says_what_failed(arguments: list[str], said: str, server: ServerProcess, tmp_path: Path) -> None:
    where = [] if "--url" in arguments else ["--url", server.url]
    done = syrinx("smoke", *where, *arguments, folder=tmp_path)
    assert done.returncode == 1
    assert said in done.stdout and "SMOKE_TEST_OK" not in done.stdout
    assert done.stderr == "syrinx: the smoke test failed: health.\n"


def test_0_42_stream_and_play(server: ServerProcess, tmp_path: Path) -> None:
    done = tool(server, tmp_path, "play", "--text", TEXT, "--rate", "4", "--silent", "--save-wav", "out.wav")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("No sound: playback is only timed.", "STREAM_PLAY_QUEUE_TEST_OK")
    assert "JOB_DONE" in lines
    chunks = [match.groups() for line in lines if (match := LINE.fullmatch(line))]
    assert [int(seq) for seq, *_ in chunks] == list(range(1, len(chunks) + 1)) and len(chunks) >= 2
    assert all(0 <= int(start) < int(end) <= len(TEXT) for *_, start, end in chunks)
    samples, rate = soundfile.read(tmp_path / "out.wav")
    assert np.abs(samples).max() > 0.01
    assert len(samples) / rate == pytest.approx(sum(float(chunk[3]) for chunk in chunks), abs=0.01)
    # The first waits for the second (start-after), and each later one for those before it.
    assert float(chunks[-1][2]) > float(chunks[0][2])


def test_0_42_is_heard_through_a_program_that_plays(server: ServerProcess, tmp_path: Path) -> None:
    player = tmp_path / "bin" / "pacat"
    player.parent.mkdir()
    player.write_text(f"#!/bin/sh\nexec cat > {tmp_path}/heard.raw\n")
    player.chmod(0o755)
    path = f"{player.parent}{os.pathsep}{os.environ['PATH']}"
    done = tool(server, tmp_path, "play", "--text", TEXT, "--rate", "4", "--save-wav", "out.wav", PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "only timed" not in done.stdout
    assert (tmp_path / "heard.raw").read_bytes() == (tmp_path / "out.wav").read_bytes()[44:]


def test_0_42_one_command_starts_warms_up_plays_and_ends(tmp_path: Path) -> None:
    arguments = ["--start", "--model", "tone", "--rate", "4", "--silent", "--text", "-"]
    done = syrinx("play", *arguments, folder=tmp_path, stdin="Hello there.")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warm-up: ready" in done.stdout
    assert done.stdout.splitlines()[-1] == "STREAM_PLAY_QUEUE_TEST_OK"


def test_0_42_a_job_that_fails_is_no_success(server: ServerProcess, tmp_path: Path) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    done = tool(server, tmp_path, "play", "--voice", unknown, "--silent", "--save-wav", "out.wav")
    assert done.returncode == 2 and unknown in done.stderr
    assert "STREAM_PLAY_QUEUE_TEST_OK" not in done.stdout and not (tmp_path / "out.wav").exists()


def test_0_42_ctrl_c_cancels_the_job_and_leaves_at_once(server: ServerProcess, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syrinx", "play", "--url", server.url, "--silent", "--save-wav", "out.wav"]
    command += ["--text", "This goes on for longer than anybody listens. " * 60]
    environ = os.environ | {"SYRINX_API_KEY": TOKEN, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        while not process.stdout.readline().startswith("chunk"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST_S) == 130
    assert list(tmp_path.iterdir()) == []


def recorded(server: ServerProcess, folder: Path) -> list[dict[str, Any]]:
    """The windows of the last half hour and hour, once the server has written what it spoke."""
    command = ["metrics", "--json", "--periods", "30m,1h", "--data-dir", str(server.data_dir)]
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        done = syrinx(*command, folder=folder)
        windows: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else []
        if windows and windows[0]["count"]:
            return windows
    raise AssertionError("nothing was recorded")


def test_1_30_metrics_prints_its_windows(server: ServerProcess, tmp_path: Path) -> None:
    assert tool(server, tmp_path, "warmup", "--short-reply").returncode == 0
    windows = recorded(server, tmp_path)
    assert [window["period"] for window in windows] == ["30m", "1h"]
    assert windows[1]["count"] >= windows[0]["count"] >= 1
    assert windows[0]["ttfa_p50_s"] > 0 and windows[0]["mean_xrt"] > 1
    table = syrinx("metrics", "--data-dir", str(server.data_dir), folder=tmp_path).stdout
    assert [line.split()[0] for line in table.splitlines()[1:6]] == ["1h", "6h", "12h", "24h", "3d"]


@pytest.mark.parametrize("mode", ["single", "sentences"])
@pytest.mark.parametrize("dialect", ["realtime", "openai", "chatterbox"])
def test_1_31_bench(dialect: str, mode: str, server: ServerProcess, tmp_path: Path) -> None:
    asked = ["--n", "6", "--concurrency", "3", "--mode", mode, "--dialect", dialect]
    report = json.loads(tool(server, tmp_path, "bench", *asked, "--json").stdout)
    assert (report["requests"], report["spoken"], report["rejected"], report["failed"]) == (6, 6, 0, 0)
    for figure in ("ttfb_s", "first_audible_s", "wall_s", "rtf", "xrt"):
        spread = report[figure]
        assert 0 < spread["p50"] <= spread["p95"] <= spread["max"], figure
    assert report["ttfb_s"]["mean"] <= report["first_audible_s"]["mean"] <= report["wall_s"]["mean"]
    assert report["audio_s"] > 60 and report["chunks"] >= 6


def test_1_31_bench_is_readable_too(server: ServerProcess, tmp_path: Path) -> None:
    done = tool(server, tmp_path, "bench", "--n", "2", "--short-reply", "--speed", "1.5")
    assert done.returncode == 0, done.stderr
    assert "2 spoken, 0 rejected, 0 failed" in done.stdout
    assert re.search(r"first byte, ms +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+", done.stdout)
    assert done.stderr == "", "no progress where there is no terminal"


def test_1_31_what_a_busy_server_rejects_is_counted(busy: ServerProcess, tmp_path: Path) -> None:
    done = tool(busy, tmp_path, "bench", "--n", "4", "--concurrency", "4", "--short-reply", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["rejected"] >= 1 and report["spoken"] >= 1 and report["failed"] == 0
    assert report["rejected"] + report["spoken"] == 4


@pytest.mark.parametrize("mode", ["single", "sentences"])
def test_1_31_tpm(mode: str, server: ServerProcess, tmp_path: Path) -> None:
    asked = ["--duration", "1", "--concurrency", "2", "--short-reply", "--mode", mode]
    done = tool(server, tmp_path, "tpm", *asked, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["per_minute"] == pytest.approx(report["spoken"] * 60) and report["spoken"] >= 1


@pytest.mark.parametrize("mode", ["single", "sentences"])
def test_1_31_warmup(mode: str, server: ServerProcess, tmp_path: Path) -> None:
    done = tool(server, tmp_path, "warmup", "--save", "--mode", mode, "--text", TEXT)
    assert done.returncode == 0, done.stderr
    assert "Saved in warmup.wav" in done.stdout
    samples, rate = soundfile.read(tmp_path / "warmup.wav")
    assert 2 < len(samples) / rate < 15 and np.abs(samples).max() > 0.01


@pytest.mark.parametrize(
    ("command", "arguments", "status", "said"),
    [
        ("bench", ["--url", "http://127.0.0.1:9"], 1, "No server could be reached at"),
        ("bench", ["--api-key", "wrong"], 1, "key"),
        ("bench", ["--dialect", "openai", "--api-key", "wrong"], 1, "key"),
        ("tpm", ["--voice", "zork"], 2, "zork"),
        ("tpm", ["--dialect", "zork"], 2, "zork"),
        ("warmup", ["--save", "--api-key", "wrong"], 1, "key"),
        ("warmup", ["--dialect", "chatterbox", "--speed", "2"], 2, "no speed"),
    ],
)
def test_1_31_what_cannot_work_is_told_in_one_line(
    command: str, arguments: list[str], status: int, said: str, server: ServerProcess, tmp_path: Path
) -> None:
    where = [] if "--url" in arguments else ["--url", server.url]
    done = syrinx(command, *where, *arguments, folder=tmp_path, SYRINX_API_KEY=TOKEN)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == "" and list(tmp_path.iterdir()) == []


def test_3_18_the_benchmark_tells_every_figure_of_the_chatterbox_dialect(server: ServerProcess, tmp_path: Path) -> None:
    done = tool(server, tmp_path, "bench", "--dialect", "chatterbox", "--n", "3", "--concurrency", "1")
    assert done.returncode == 0, done.stderr
    for word in ("first byte, ms", "whole request, ms", "RTF", "x real time", "s of audio in", "chunks"):
        assert word in done.stdout


def test_1_32_only_its_own_process_ends(servers: ServerPool, tmp_path: Path) -> None:
    """Two servers on one data folder: the strictest case, since each finds the other's file."""
    with servers.fresh(("tone",)) as kept:
        data_dir = str(kept.data_dir)
        with servers.fresh(("tone",), data_dir=kept.data_dir) as stopped:
            unclear = syrinx("stop", "--data-dir", data_dir, folder=tmp_path)
            assert unclear.returncode == 2 and stopped.url in unclear.stderr and kept.url in unclear.stderr
            done = syrinx("stop", "--port", str(stopped.port), "--data-dir", data_dir, folder=tmp_path)
            assert done.returncode == 0, done.stderr
            assert f"Stopped {stopped.url}" in done.stdout
            assert stopped.stop() == 0 and not answers(stopped.url)
            assert answers(kept.url)
        refused = syrinx("purge", "--data-dir", data_dir, "--yes", folder=tmp_path)
        assert refused.returncode == 2 and kept.url in refused.stderr
        assert answers(kept.url)
    assert syrinx("purge", "--data-dir", data_dir, "--yes", folder=tmp_path).returncode == 0
    assert not (kept.data_dir / "syrinx.db").exists()
