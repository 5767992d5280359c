"""Hostile bytes on every route of the sidecar and on its sockets: its own envelope, no 500, nothing left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, TEXTS, VALUES
from tests.e2e.sidecar import BEARER, TOKEN, UNKNOWN, Sidecar, chunks, idle, kinds, refused, rest, sidecar
from tests.fakes.server_process import ServerProcess

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "speak": (
        "POST",
        "/v1/speak",
        {"text": "Hi.", "voice_id": "0", "language": "en", "settings": {"rate": 4.0, "chunking": {"max_chars": 100}}},
    ),
    "cancel": ("POST", "/v1/cancel", {"job_id": UNKNOWN}),
    "playback": ("POST", f"/v1/jobs/{UNKNOWN}/playback", {"rate": 1.0, "pitch": 1.0, "volume": 1.0}),
    "clone": (
        "POST",
        "/v1/voices/clone",
        {
            "display_name": "x",
            "ref_audio": {"path": "/nothing", "wav_base64": "UklGRg=="},
            "ref_text": "x",
            "language": "en",
            "description": "x",
            "options": {"normalize_audio": True},
        },
    ),
    "patch": ("PATCH", f"/v1/voices/{UNKNOWN}", {"display_name": "x", "language": "en", "description": "x"}),
    "warmup": ("POST", "/v1/warmup", {"wait": True, "force": False, "reason": "x"}),
    "activate": (
        "POST",
        "/v1/models/activate",
        {
            "synth_backend": "qwen",
            "active_model_id": "x",
            "qwen_dtype": "x",
            "kyutai_sample_rate": 24000,
            "reason": "x",
        },
    ),
    "prefetch": ("POST", "/v1/models/prefetch", {"mode": "none"}),
}
LOOKS: tuple[tuple[str, str], ...] = (
    ("GET", "/v1/health"),
    ("GET", "/v1/voices"),
    ("DELETE", "/v1/voices/%00"),
    ("DELETE", "/v1/voices/" + "a" * 5000),
    ("PATCH", "/v1/voices/..%5c..%5cx"),
    ("POST", "/v1/jobs/%00/playback"),
    ("POST", "/v1/jobs/" + "j" * 5000 + "/playback"),
)


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """Some of what it is sent asks for downloads: they find nobody."""
    return start({"SPEAK_SELECTION_ENGINE_TOKEN": TOKEN, "HF_ENDPOINT": "http://127.0.0.1:9"}, max_lead_s=0)


@pytest.fixture
async def side(server: ServerProcess) -> AsyncIterator[Sidecar]:
    async with sidecar(server.url) as client:
        yield client
        assert kinds(await client.say("Still here."))[-1] == "JOB_DONE"
    await idle(server)


def assert_in_its_own_words(answer: httpx.Response) -> None:
    """A success, or an error in the envelope that blames the request."""
    if answer.status_code == 200:
        return
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert error["code"] and error["message"] and isinstance(error["details"], dict)
    assert len(answer.content) < 4000, "an error is no echo"
    if error["code"] == "INVALID_REQUEST" and answer.status_code == 400:
        assert all(item["loc"] and item["msg"] and item["type"] for item in error["details"].get("errors", []))


def fields_of(value: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, inner in value.items():
        found.append((*path, name))
        if isinstance(inner, dict):
            found += fields_of(inner, (*path, name))
    return found


def with_value(value: dict[str, Any], path: tuple[str, ...], text: str) -> bytes:
    """The JSON of ``value`` with the raw ``text`` in place of one field."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = "@@here@@"
    return json.dumps(copy).replace('"@@here@@"', text).encode()


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_field_of_every_request(side: Sidecar, name: str) -> None:
    method, path, body = REQUESTS[name]
    for field in fields_of(body):
        for value in VALUES.values():
            answer = await side.http.request(method, path, content=with_value(body, field, value))
            assert_in_its_own_words(answer)
        missing = {key: inner for key, inner in body.items() if key != field[0]}
        assert_in_its_own_words(await side.http.request(method, path, json=missing))
        extra = {**body, "unknown": {"deep": [1, None]}}
        assert_in_its_own_words(await side.http.request(method, path, json=extra))


@pytest.mark.parametrize("name", BODIES)
async def test_every_body_on_every_route(side: Sidecar, name: str) -> None:
    for method, path, _ in REQUESTS.values():
        assert_in_its_own_words(await side.http.request(method, path, content=BODIES[name]))


async def test_paths(side: Sidecar) -> None:
    for method, path in LOOKS:
        body = {"rate": 1.0, "display_name": "x"}
        assert_in_its_own_words(await side.http.request(method, path, json=None if method == "GET" else body))


@pytest.mark.parametrize("name", TEXTS)
async def test_text(side: Sidecar, name: str) -> None:
    body = b'{"text":%s,"settings":{"rate":4.0,"chunking":{"max_chars":100}}}' % TEXTS[name].encode()
    answer = await side.http.post("/v1/speak", content=body)
    assert_in_its_own_words(answer)
    if answer.status_code != 200:
        return
    events = await side.hear(answer.json())
    assert kinds(events)[0] == "JOB_STARTED" and kinds(events)[-1] in ("JOB_DONE", "JOB_ERROR")
    text = json.loads(TEXTS[name])
    for event in chunks(events):
        told = event["text_range"]
        assert 0 <= told["start_char"] < told["end_char"] <= len(text) and told["end_char"] - told["start_char"] <= 100


async def test_null_where_nothing_may_be_null(side: Sidecar) -> None:
    for fields in (
        {"text": None},
        {"text": "Hi.", "settings": None},
        {"text": "Hi.", "settings": {"rate": None}},
        {"text": "Hi.", "settings": {"chunking": None}},
        {"text": "Hi.", "settings": {"chunking": {"max_chars": None}}},
    ):
        refused(await side.http.post("/v1/speak", json=fields), 400, "INVALID_REQUEST")


async def test_what_a_listener_says_is_not_looked_at(side: Sidecar) -> None:
    job = await side.speak("Hello there, you. {{stall 0.3}} And on.")
    async with side.listen(job) as link:
        for body in (*BODIES.values(), "text", "{}"):
            await link.send(body)
        assert kinds(await rest(link))[-1] == "JOB_DONE"


async def test_listeners_that_come_and_go(server: ServerProcess, side: Sidecar) -> None:
    job = await side.speak("Hello there, you. {{long 900}}")

    async def visit(after: int) -> None:
        async with side.listen(job) as link:
            for _ in range(after):
                await link.recv()
            link.transport.abort()

    await asyncio.gather(*(visit(n % 4) for n in range(40)))
    assert (await side.post("/v1/cancel", job_id=job["job_id"])).status_code == 200
    metrics = httpx.get(f"{server.url}/metrics", headers=BEARER, trust_env=False).text
    open_sockets = [line for line in metrics.splitlines() if 'protocol="voicereader"' in line and "sockets" in line]
    assert open_sockets, "they are counted"
