"""What a server keeps, from outside: figures on SQLite and on a real Postgres, and a database that is away or newer."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from syrinx.store.history import open_history
from syrinx.store.rows import JobSummary
from tests.e2e.talk import talk
from tests.fakes.postgres import Postgres
from tests.fakes.server_process import ServerPool, ServerProcess

WAIT_S = 20.0


def say(server: ServerProcess, text: str = "Hello there.", **fields: object) -> httpx.Response:
    body = {"input": text, "response_format": "pcm", **fields}
    return httpx.post(server.url + "/v1/audio/speech", json=body, trust_env=False, timeout=WAIT_S)


def summary_of(url: str, data_dir: Path) -> JobSummary:
    async def read() -> JobSummary:
        async with open_history(url, data_dir) as history:
            return await history.summary(0)

    return asyncio.run(read())


async def cancel_one(server: ServerProcess) -> None:
    async with talk(server) as client:
        await client.create("one", "This is said for a while. " * 20, voice="sine")
        await client.hear_first("response.output_audio.delta")
        await client.tell("response.cancel", response_id="one")
        await client.hear_end("one")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_figures_of_every_utterance_are_recorded(servers: ServerPool, postgres: Postgres, kind: str) -> None:
    url = postgres.database() if kind == "postgres" else ""
    server = servers.fresh(("tone",), database_url=url, model_options={"tone": {"x_realtime": 20}})
    with server:
        for _ in range(3):
            assert say(server).status_code == 200
        assert say(server, "{{error}}").status_code >= 500
        asyncio.run(cancel_one(server))
        assert server.stop() == 0
    summary = summary_of(url, server.data_dir)
    assert (summary.count, summary.completed, summary.canceled, summary.failed) == (5, 3, 1, 1)
    assert summary.audio_s > 1 and summary.mean_xrt is not None and summary.mean_xrt > 1
    assert summary.ttfa_p50_s is not None and 0 < summary.ttfa_p50_s < WAIT_S
    assert (server.data_dir / "syrinx.db").exists() is (kind == "sqlite")


def test_two_servers_share_a_new_postgres_from_the_start(servers: ServerPool, postgres: Postgres) -> None:
    url = postgres.database()
    both = [servers.fresh(("tone",), database_url=url) for _ in range(2)]
    try:
        for server in both:
            server.start()
        for server in both:
            assert say(server).status_code == 200
    finally:
        assert [server.stop() for server in both] == [0, 0]
    assert summary_of(url, both[0].data_dir).count == 2


def test_a_server_speaks_while_its_database_is_away_and_records_once_it_is_back(
    servers: ServerPool, postgres: Postgres
) -> None:
    url = postgres.database()
    server = servers.fresh(("espeak",), database_url=url)
    postgres.stop()
    try:
        server.start()
        assert say(server).status_code == 200
    finally:
        postgres.start()
    try:
        deadline = time.monotonic() + WAIT_S
        while summary_of(url, server.data_dir).count < 1:
            assert time.monotonic() < deadline, server.log_tail()
            time.sleep(0.1)
    finally:
        assert server.stop() == 0
    assert "The database is away" in server.log_tail()


def test_a_database_that_never_comes_does_not_delay_the_end(servers: ServerPool) -> None:
    server = servers.fresh(("tone",), database_url="postgresql://user:secret@127.0.0.1:1/none").start()
    assert say(server).status_code == 200
    began = time.monotonic()
    assert server.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 10
    log = server.log_tail()
    assert "1 rows could not be recorded" in log and "secret" not in log


def test_a_newer_database_ends_the_server_with_the_reason(servers: ServerPool) -> None:
    server = servers.fresh(("tone",))
    with server:
        assert say(server).status_code == 200
    with sqlite3.connect(server.data_dir / "syrinx.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    command = [sys.executable, "-m", "syrinx", "serve", "--port", "0", "--model", "tone"]
    environ = server.options.environment(server.data_dir)
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 2
    assert "newer Syrinx (its version is 9999" in ended.stderr.splitlines()[-1]
    with sqlite3.connect(server.data_dir / "syrinx.db") as database:
        assert database.execute("SELECT count(*) FROM utterances").fetchone() == (1,)


@pytest.mark.parametrize(
    ("url", "words"), [("mysql://u:secret@h/x", "must begin with"), ("postgresql://u:secret@h", "must name a database")]
)
def test_a_database_that_cannot_be_meant_stops_the_start(servers: ServerPool, url: str, words: str) -> None:
    server = servers.fresh(("tone",), database_url=url)
    with pytest.raises(RuntimeError, match=f"ended with status 2(.|\n)*database_url {words}"):
        server.start()
    assert "secret" not in server.log_tail()


def test_nothing_is_recorded_where_that_is_off(servers: ServerPool) -> None:
    server = servers.fresh(("tone",), job_history_days=0, response_cache="off")
    with server:
        assert say(server).status_code == 200
    assert not (server.data_dir / "syrinx.db").exists()


def test_a_second_server_on_a_data_folder_has_no_cache_and_says_so(servers: ServerPool) -> None:
    first = servers.fresh(("espeak",))
    with first:
        second = servers.fresh(("espeak",))
        second.data_dir = first.data_dir
        with second:
            assert say(second).status_code == 200
            assert "another server uses this data folder" in second.log_tail()
            assert "syrinx_cache" not in httpx.get(second.url + "/metrics", trust_env=False).text
        assert "syrinx_cache_bytes" in httpx.get(first.url + "/metrics", trust_env=False).text
    assert summary_of("", first.data_dir).count == 1
