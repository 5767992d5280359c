"""The response cache from outside: what comes from it is what came first, through every way out."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.e2e.talk import audio, talk
from tests.fakes.server_process import ServerPool, ServerProcess

WAIT_S = 20.0
KEY = {"x-api-key": "sesame-open"}


def text_of(name: str) -> str:
    """A text that no other test asks for, in any of its sentences."""
    return f"The cache is asked {name}. It answers {name} with what was made before. That is all {name}!"


def metric(server: ServerProcess, name: str) -> float:
    page = httpx.get(server.url + "/metrics", headers=KEY, trust_env=False).text
    found = re.search(rf"^syrinx_cache_{name}(_total)? (\S+)$", page, re.MULTILINE)
    assert found, f"/metrics has no syrinx_cache_{name}"
    return float(found[2])


def until(server: ServerProcess, name: str, least: float) -> None:
    """Wait until a metric has come to that."""
    deadline = time.monotonic() + WAIT_S
    while metric(server, name) < least:
        assert time.monotonic() < deadline, f"syrinx_cache_{name} never came to {least}"
        time.sleep(0.02)


def opened(server: ServerProcess) -> ServerProcess:
    """The server once its cache is open, which is a moment after it is ready."""
    until(server, "open", 1)
    return server


@pytest.fixture(scope="module")
def caching(start: Start) -> Iterator[ServerProcess]:
    yield opened(start(models=("espeak", "tone"), tone={"x_realtime": 50}))


def say(server: ServerProcess, text: str, **fields: object) -> bytes:
    body = {"input": text, "response_format": "pcm", **fields}
    answer = httpx.post(server.url + "/v1/audio/speech", json=body, trust_env=False, timeout=WAIT_S)
    assert answer.status_code == 200, answer.text
    return answer.content


def made_and_played(server: ServerProcess, text: str, **fields: object) -> tuple[bytes, bytes]:
    """The same request twice: all of it made, then all of it played."""
    before = metric(server, "misses"), metric(server, "hits")
    first = say(server, text, **fields)
    made = metric(server, "misses") - before[0]
    assert made > 0 and metric(server, "hits") == before[1]
    second = say(server, text, **fields)
    assert metric(server, "hits") - before[1] == made and metric(server, "misses") - before[0] == made
    return first, second


@pytest.mark.parametrize("form", ["pcm", "wav", "mp3", "flac", "aac", "mulaw", "pcm_f32le"])
def test_a_hit_is_the_same_bytes_in_every_format(caching: ServerProcess, form: str) -> None:
    first, second = made_and_played(caching, text_of(f"in {form}"), response_format=form)
    assert len(first) > 2000 and first == second


@pytest.mark.parametrize(
    "fields", [{"speed": 2.5}, {"pitch": 1.3}, {"speed": 1.2, "volume": 1.7}, {"sample_rate": 8000}], ids=str
)
def test_a_hit_is_the_same_bytes_through_the_whole_chain(caching: ServerProcess, fields: dict[str, float]) -> None:
    first, second = made_and_played(caching, text_of("with " + " and ".join(fields)), **fields)
    assert len(first) > 2000 and first == second


def test_what_was_made_for_one_format_is_played_in_another(caching: ServerProcess) -> None:
    text = text_of("in any format")
    made_and_played(caching, text)
    before = metric(caching, "misses")
    assert say(caching, text, response_format="mp3") and say(caching, text, response_format="wav", sample_rate=48_000)
    assert metric(caching, "misses") == before


async def test_a_hit_is_the_same_audio_and_marks_on_a_realtime_socket(caching: ServerProcess) -> None:
    before = metric(caching, "hits")
    async with talk(caching) as client:
        first, second = [await client.say(name, text_of("on a socket"), voice="en-us") for name in ("one", "two")]
    assert metric(caching, "hits") > before
    assert len(audio(first)) > 2000 and audio(first) == audio(second)
    kinds = [[event["type"] for event in heard if "delta" not in event["type"]] for heard in (first, second)]
    assert kinds[0] == kinds[1]


def test_several_who_ask_at_once_share_one_making(caching: ServerProcess) -> None:
    text = " ".join(f"Sentence number {number} of a text that several ask for." for number in range(20))
    before = metric(caching, "misses"), metric(caching, "shared") + metric(caching, "hits")

    async def ask() -> list[bytes]:
        async with httpx.AsyncClient(trust_env=False, timeout=WAIT_S) as http:
            body = {"input": text, "response_format": "pcm"}
            answers = await asyncio.gather(*(http.post(caching.url + "/v1/audio/speech", json=body) for _ in range(6)))
        return [answer.content for answer in answers]

    heard = asyncio.run(ask())
    assert min(map(len, heard)) > 0.99 * max(map(len, heard)) > 100_000
    made = metric(caching, "misses") - before[0]
    not_made = metric(caching, "shared") + metric(caching, "hits") - before[1]
    assert made < not_made and made + not_made == 6 * (made + not_made) // 6


def test_a_request_may_ask_to_be_made_anew_and_one_of_a_sampled_model_to_be_kept(caching: ServerProcess) -> None:
    text = text_of("by request")
    for _ in range(2):
        say(caching, text, cache=False)
        say(caching, text, model="tone")
    hits, misses = metric(caching, "hits"), metric(caching, "misses")
    first, second = (say(caching, text, model="tone", cache=True) for _ in range(2))
    assert first == second != say(caching, text, model="tone")
    assert metric(caching, "hits") > hits and metric(caching, "misses") > misses
    say(caching, text)
    assert metric(caching, "misses") > misses


def test_a_hit_is_recorded_as_one_and_teaches_the_admission_nothing(caching: ServerProcess) -> None:
    made_and_played(caching, text_of("for the record"))
    import sqlite3

    deadline = time.monotonic() + WAIT_S
    cached: list[int] = []
    while cached[-2:] != [0, 1]:
        assert time.monotonic() < deadline, "the two utterances were not recorded"
        time.sleep(0.05)
        database = sqlite3.connect(caching.data_dir / "syrinx.db")
        cached = [row[0] for row in database.execute("SELECT cached FROM utterances ORDER BY id")]
        database.close()


def test_no_text_and_no_key_is_in_anything_that_is_kept(start: Start) -> None:
    server = opened(start({"API_KEY": "sesame-open"}, models=("espeak",)))
    body = {"input": "Confidential words about pomegranates.", "response_format": "pcm"}
    for _ in range(2):
        answer = httpx.post(server.url + "/v1/audio/speech", json=body, headers=KEY, trust_env=False)
        assert answer.status_code == 200
    until(server, "entries", 1)
    assert server.stop() == 0
    files = [path for path in server.data_dir.rglob("*") if path.is_file()]
    assert any(path.name == "syrinx.db" for path in files) and any("cache" in path.parts for path in files)
    for path in files:
        data = path.read_bytes()
        assert b"pomegranate" not in data and b"Confidential" not in data and b"sesame" not in data, path


def test_the_cache_outlives_the_server_and_a_broken_file_is_made_anew(servers: ServerPool) -> None:
    server = servers.fresh(("espeak",))
    with server:
        opened(server)
        first = say(server, text_of("twice"))
        until(server, "entries", 2)
    with server:
        opened(server)
        assert say(server, text_of("twice")) == first
        assert metric(server, "misses") == 0
    for path in (server.data_dir / "cache" / "audio").iterdir():
        path.write_bytes(path.read_bytes()[:-4])
    with server:
        opened(server)
        assert len(say(server, text_of("twice"))) > 2000
        assert metric(server, "corrupt") > 0 and metric(server, "hits") == 0
        until(server, "entries", 2)
        assert say(server, text_of("twice")) == say(server, text_of("twice"))


def test_the_setting_turns_it_off_for_good(start: Start) -> None:
    server = start(models=("espeak",), response_cache="off")
    assert say(server, "Off.", cache=True) and say(server, "Off.", cache=True)
    assert "syrinx_cache" not in httpx.get(server.url + "/metrics", trust_env=False).text
    assert not (server.data_dir / "cache" / "audio").exists()
