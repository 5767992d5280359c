"""A Syrinx in front of a Syrinx: what the one behind says is heard, what it refuses is told, what is canceled stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e.conftest import Start
from tests.e2e.probe import health, metrics_log, running, until
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

KEY = "sk-of-the-one-behind"
LONG = "This goes on and on, " * 14
"""Some twenty seconds, in one segment."""


@pytest.fixture(scope="module")
def behind(start: Start) -> ServerProcess:
    """It makes a second of audio a second, and asks for a key."""
    return start(tone={"x_realtime": 1}, api_key=KEY)


@pytest.fixture(scope="module")
def front(start: Start, behind: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> ServerProcess:
    key_file = tmp_path_factory.mktemp("keys") / "key"
    key_file.write_text(f"{KEY}\n")
    return before(start, behind, model="tone", key_file=str(key_file))


def before(start: Start, upstream: ServerProcess, **options: Any) -> ServerProcess:
    """A server whose only model is that one."""
    model_options = {"upstream": {"base_url": upstream.url, **options}}
    return start({"SYRINX_MODEL_OPTIONS": json.dumps(model_options)}, models=("upstream",))


def pcm(server: ServerProcess, text: str, **fields: Any) -> np.ndarray:
    body = {"model": "tts-1", "input": text, "response_format": "pcm", **fields}
    answer = httpx.post(f"{server.url}/v1/audio/speech", json=body, timeout=WAIT_S, trust_env=False)
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, "<i2").astype(np.float64)


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_speech_through_two_servers_is_that_of_the_one_behind(
    start: Start, server: ServerProcess, stream_format: str
) -> None:
    front = before(start, server, model="espeak", stream_format=stream_format)
    text = "Good morning, how did you sleep? I dreamt of 3 ships."
    direct, through = (pcm(each, text, voice="en-gb", model=name) for each, name in [(server, "espeak"), (front, None)])
    assert len(through) == pytest.approx(len(direct), rel=0.05)
    assert np.sqrt(np.mean(through**2)) == pytest.approx(np.sqrt(np.mean(direct**2)), rel=0.1)
    voices = httpx.get(f"{front.url}/v1/audio/voices", trust_env=False).json()["voices"]
    assert {"en-gb", "de", "hi"} <= {voice["id"] for voice in voices} and "beep" not in str(voices)


@pytest.fixture
def speaking(front: ServerProcess) -> Iterator[httpx.Response]:
    body = {"model": "upstream", "input": LONG, "response_format": "pcm"}
    with httpx.stream("POST", f"{front.url}/v1/audio/speech", json=body, timeout=WAIT_S, trust_env=False) as answer:
        assert answer.status_code == 200
        yield answer


async def test_a_listener_who_leaves_stops_the_model_behind(
    front: ServerProcess, behind: ServerProcess, speaking: httpx.Response
) -> None:
    heard = speaking.iter_bytes()  # kept: httpx hangs up as soon as nobody has the iterator
    next(heard)
    assert running(front) >= 1
    speaking.close()
    await until(lambda: [line for line in metrics_log(behind) if line["canceled"]], "a cancel behind")
    assert sum(line["audio_s"] for line in metrics_log(behind)) < 15, "its model would have gone on to some twenty"
    await until(lambda: running(front) == 0, "an idle model in front")


def test_what_the_one_behind_refuses_is_told_and_its_key_is_not(front: ServerProcess) -> None:
    body = {"model": "upstream", "voice": "nobody", "input": "Hello."}
    answer = httpx.post(f"{front.url}/v1/audio/speech", json=body, trust_env=False, timeout=WAIT_S)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "voice"
    assert KEY not in str(health(front)) + front.log_path.read_text()
