"""Every variable of a founding system that sets something has its effect in a real server (row 0-40 and its like).

Most are shown where what they set is tested; ``ELSEWHERE`` says where. The rest is here, in two servers that differ in
all of them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from syrinx.config import read_settings
from syrinx.founding import ALIASES
from syrinx.models.fetch import Places, environment
from tests.e2e.probe import log_events, until
from tests.e2e.talk import WAIT_S, kinds, talk
from tests.fakes.server_process import ServerOptions, ServerProcess

HERE = Path(__file__)
TOKEN = "sesame"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
WARM_UP_TEXT = "&"
"""Spoken in English; in Zulu, for which there are no rules of writing, there is nothing in it to speak."""
ONE = {
    "SPEAK_SELECTION_ENGINE_TOKEN": TOKEN,
    "VOICEREADER_SYNTH_BACKEND": "mock",
    "VOICEREADER_WARMUP_ON_STARTUP": "no",
    "VOICEREADER_WARMUP_TEXT": WARM_UP_TEXT,
    "VOICEREADER_WARMUP_LANGUAGE": "en",
    "LOG_LEVEL": "WARNING",
    "KOKORO_SPEED": "2.0",
    "QUEUE_MAXSIZE": "3",
    "OPUS_BITRATE": "16k",
    "OPUS_APPLICATION": "lowdelay",
}
OTHER = {
    "SPEAK_SELECTION_ENGINE_TOKEN": TOKEN,
    "VOICEREADER_SYNTH_BACKEND": "mock",
    "VOICEREADER_WARMUP_ON_STARTUP": "y",
    "VOICEREADER_WARMUP_TEXT": WARM_UP_TEXT,
    "VOICEREADER_WARMUP_LANGUAGE": "zu",
    "LOG_LEVEL": "INFO",
    "KOKORO_SPEED": "1.0",
    "QUEUE_MAXSIZE": "5",
    "OPUS_BITRATE": "96000",
    "OPUS_APPLICATION": "audio",
}
PORT = "TTS_PORT"
HUB_CACHE = "VOICEREADER_HF_CACHE_DIR"
ELSEWHERE = {
    "API_KEY": "e2e/test_framing.py",
    "DEFAULT_VOICE_FEMALE": "e2e/test_realtime.py",
    "DEFAULT_VOICE_MALE": "e2e/test_realtime.py",
    "STREAM_CHUNK_SECONDS": "e2e/test_framing.py",
    "FIRST_SEGMENT_MAX_WORDS": "e2e/test_framing.py",
    "FIRST_SEGMENT_BOUNDARIES": "e2e/test_framing.py",
    "FIRST_SEGMENT_REQUIRE_BOUNDARY": "e2e/test_framing.py",
    "MAX_UTTERANCE_WORDS": "e2e/test_realtime.py",
    "PRIME_STREAM": "e2e/test_framing.py",
    "PRIME_BYTES": "e2e/test_framing.py",
    "MAX_CONCURRENT_JOBS": "e2e/test_admission.py",
    "MAX_QUEUED_REQUESTS": "e2e/test_admission.py",
    "QUEUE_WAIT_SLA_MS": "e2e/test_admission.py",
    "AVG_JOB_WALL_MS": "e2e/test_admission.py",
    "SCHED_QUANTUM_BYTES": "e2e/test_admission.py",
    "PRIORITY_QUANTUM_BYTES": "e2e/test_admission.py",
    "WS_FIRST_CHUNK_IMMEDIATE": "e2e/test_framing.py",
    "WS_BUFFER_BYTES": "e2e/test_framing.py",
    "WS_FLUSH_EVERY": "e2e/test_framing.py",
    "WS_MAX_LATENCY_MS": "e2e/test_framing.py",
    "WS_SEND_TIMEOUT": "e2e/test_framing.py",
    "WS_LONG_SEND_LOG_MS": "e2e/test_framing.py",
    "FLUSH_IDLE_MS": "e2e/test_realtime.py",
    "TTS_MAX_CONNECTIONS": "e2e/test_chatterbox_server.py",
    "TTS_CHUNK_SIZE": "e2e/test_chatterbox_socket.py",
}


@pytest.fixture(scope="module")
def servers_by_variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """Started by variables alone: no flag names a port or a model."""
    folder = tmp_path_factory.mktemp("variables")
    (folder / "one").mkdir()
    (folder / "other").mkdir()
    with (
        ServerProcess(ServerOptions((), variables=ONE, port_variable=PORT), folder / "one") as one,
        ServerProcess(ServerOptions((), variables=OTHER, port_variable=PORT), folder / "other") as other,
    ):
        yield one, other


@pytest.fixture
def one(servers_by_variables: tuple[ServerProcess, ServerProcess]) -> ServerProcess:
    return servers_by_variables[0]


@pytest.fixture
def other(servers_by_variables: tuple[ServerProcess, ServerProcess]) -> ServerProcess:
    return servers_by_variables[1]


def get(server: ServerProcess, path: str) -> Any:
    return httpx.get(server.url + path, headers=HEADERS, timeout=WAIT_S, trust_env=False).json()


def warm_up(server: ServerProcess) -> dict[str, Any]:
    return get(server, "/v1/health")["runtime"]["warmup"]


def speech(server: ServerProcess, **fields: Any) -> bytes:
    body = {"input": "The same sentence for both of them, and not a short one.", "voice": "sine", **fields}
    answer = httpx.post(f"{server.url}/v1/audio/speech", json=body, headers=HEADERS, timeout=WAIT_S, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_every_variable_that_sets_something_is_shown_somewhere() -> None:
    setting = {alias.variable for alias in ALIASES if alias.setting and not alias.models}
    assert set(ONE) == set(OTHER)
    assert {*ONE, PORT, HUB_CACHE, *ELSEWHERE} == setting
    root = HERE.parents[1]
    lost = [name for name, file in ELSEWHERE.items() if f'"{name}"' not in (root / file).read_text(encoding="utf-8")]
    assert lost == []


def test_0_40_the_token_is_asked_for(one: ServerProcess) -> None:
    assert httpx.get(f"{one.url}/v1/health", trust_env=False).status_code == 401
    assert httpx.get(f"{one.url}/v1/health", headers=HEADERS, trust_env=False).status_code == 200


def test_0_40_the_mock_backend_is_tone(one: ServerProcess) -> None:
    assert [model["id"] for model in get(one, "/v1/models")["data"]] == ["tone"]
    assert get(one, "/v1/health")["runtime"]["backend"] == "mock"


@pytest.mark.parametrize(("backend", "model"), [("kyutai", "pocket"), ("qwen", "qwen")])
def test_0_40_a_backend_that_is_not_there_ends_the_start_and_nothing_stands_in(
    backend: str, model: str, tmp_path: Path
) -> None:
    environ = ServerOptions(variables={"VOICEREADER_SYNTH_BACKEND": backend, PORT: "0"}).environment(tmp_path)
    command = [sys.executable, "-m", "syrinx", "serve"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"syrinx models install {model}" in done.stderr and "Traceback" not in done.stderr
    assert "ready" not in done.stdout


async def test_0_40_warm_up_at_the_start_of_what_text_in_what_language(
    one: ServerProcess, other: ServerProcess
) -> None:
    assert warm_up(one)["status"] == "not_started"
    asked = {"wait": True, "force": False, "reason": "test"}
    answer = httpx.post(f"{one.url}/v1/warmup", json=asked, headers=HEADERS, timeout=WAIT_S, trust_env=False)
    assert answer.json()["warmup"]["status"] == "ready", "it is spoken in English"

    state = await until(lambda: warm_up(other) if warm_up(other)["last_completed_at"] else None, "a warm-up")
    assert state["runs"] == 1 and state["last_reason"] == "startup"
    assert state["status"] == "error" and "nothing to speak" in state["last_error"]


def test_0_40_the_hubs_library_is_told_its_folder(tmp_path: Path) -> None:
    """What it keeps there is its own affair, and with the models in folders of ours that is next to nothing."""
    settings = read_settings({HUB_CACHE: str(tmp_path / "cache")})
    told = environment(Places(settings.data_dir, settings.hub_cache_dir), {"HF_HOME": "/home/somebody"})
    assert told["HF_HOME"] == str(tmp_path / "cache")
    assert told["HF_HUB_CACHE"] == str(tmp_path / "cache" / "hub")


def test_the_log_has_what_its_level_lets_in(one: ServerProcess, other: ServerProcess) -> None:
    for server in (one, other):
        get(server, "/v1/models")
    assert log_events(other, "request") != []
    assert log_events(one, "request") == []


def test_the_speed_where_a_request_names_none(one: ServerProcess, other: ServerProcess) -> None:
    plain = len(speech(other, response_format="pcm"))
    assert len(speech(one, response_format="pcm")) == pytest.approx(plain / 2, rel=0.03)
    assert len(speech(one, response_format="pcm", speed=1.0)) == pytest.approx(plain, rel=0.03)


def test_how_opus_is_encoded(one: ServerProcess, other: ServerProcess) -> None:
    low, high = (speech(server, response_format="opus", speed=1.0) for server in (one, other))
    assert len(high) > 2 * len(low)
    delays = [int.from_bytes(found[1], "little") for data in (low, high) if (found := _HEAD.search(data))]
    assert delays == [120, 312]  # samples at 48 kHz that a decoder drops (libopus: lowdelay, audio)


_HEAD = re.compile(rb"OpusHead\x01.(..)", re.DOTALL)
"""RFC 7845, 5.1: magic, version, channels, pre-skip."""


@pytest.mark.parametrize("which", [0, 1])
async def test_how_many_utterances_one_connection_may_have(
    servers_by_variables: tuple[ServerProcess, ServerProcess], which: int
) -> None:
    server, most = servers_by_variables[which], (3, 5)[which]
    async with talk(server, additional_headers=HEADERS) as client:
        for number in range(most + 1):
            await client.create(f"r{number}", "{{long 3000}}")
        heard = await client.hear_first("response.error")
        assert heard[-1]["response"] == f"r{most}"
        assert "error" not in kinds(heard[:-1])
