"""Hostile bytes on every HTTP route: an answer in the envelope, never a 500, never a hang, nothing left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, MEGABYTE, PLAIN_TEXT, TEXTS, VALUES
from tests.e2e.probe import idle
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

SPEECH = "/v1/audio/speech"
FIELDS = ("model", "voice", "response_format", "speed", "stream_format", "instructions", "sample_rate")
FIELDS += ("pitch", "volume", "language", "service_class", "seed")
ROUTES = (
    "/",
    "/v1",
    "/v1/",
    "/v1/models",
    "/v1/models/x",
    "/v1/audio/models",
    "/v1/audio/voices",
    "/health",
    "/healthz",
)
ROUTES += (
    "/readyz",
    "/metrics",
    "/favicon.ico",
    "/v1/audio/speech/stream/ws",
    "/%00",
    "/..%2f..%2fetc/passwd",
    "/é",
    SPEECH,
    "/v1/audio/speech/stream",
    "/v1/synthesize",
    "/v1/stream/tts",
    "/api/voices",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
CAP = 2


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """Few places and no line, so that one lost slot shows."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "0"}
    return start(seed, tone={"x_realtime": 5000, "chunk_ms": 400}, models=("tone", "espeak"))


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """One connection, so that an answer that breaks it is noticed; afterwards every place must be free."""
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S, limits=limits) as client:
        yield client
    await assert_unharmed(server)


async def assert_unharmed(server: ServerProcess) -> None:
    await idle(server)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as http:
        body = {"input": "Still here.", "response_format": "pcm"}
        answers = await asyncio.gather(*(http.post(SPEECH, json=body) for _ in range(CAP)))
    assert [answer.status_code for answer in answers] == [200] * CAP
    assert all(len(answer.content) == len(answers[0].content) > 1000 for answer in answers)


def assert_in_its_own_words(answer: httpx.Response) -> None:
    """Audio, or an error in OpenAI's envelope that blames the request."""
    if answer.status_code == 200:
        return
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    error = answer.json()["error"]
    assert error["message"] and error["type"] and error["code"], error
    assert len(answer.content) < 2000, "an error is no echo"


@pytest.mark.parametrize("name", TEXTS)
async def test_text(http: httpx.AsyncClient, name: str) -> None:
    for extra in ("", ',"stream_format":"sse"', ',"model":"espeak"'):
        body = f'{{"input":{TEXTS[name]},"response_format":"pcm","speed":4{extra}}}'
        answer = await http.post(SPEECH, content=body.encode())
        assert_in_its_own_words(answer)
        if name in ("empty", "white space", "only emoji"):
            assert answer.json()["error"]["code"] == "empty_text"
        if "megabyte" in name:
            assert answer.json()["error"]["code"] == "string_above_max_length"


@pytest.mark.parametrize("name", VALUES)
async def test_every_field(http: httpx.AsyncClient, name: str) -> None:
    for field in FIELDS:
        body = f'{{"input":"Hi.",{json.dumps(field)}:{VALUES[name]}}}'
        assert_in_its_own_words(await http.post(SPEECH, content=body.encode()))
    answer = await http.post(SPEECH, content=f'{{"response_format":"pcm","speed":4,"input":{VALUES[name]}}}'.encode())
    assert_in_its_own_words(answer)
    if "string" not in name and name not in ("path", "header break"):
        assert answer.status_code == 400, "not a text"


@pytest.mark.parametrize("name", BODIES)
async def test_bodies_on_every_route(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.post(SPEECH, content=BODIES[name])
    assert answer.status_code == 400
    assert_in_its_own_words(answer)
    for route in ROUTES:
        answer = await http.request("POST", route, content=BODIES[name])
        spoken = route == "/" and name in PLAIN_TEXT
        assert answer.status_code in ((200,) if spoken else (400, 404, 405)), route
        assert_in_its_own_words(answer)


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_on_every_route(http: httpx.AsyncClient, method: str) -> None:
    for route in ROUTES:
        answer = await http.request(method, route)
        assert answer.status_code < 500, route
        if method not in ("HEAD", "OPTIONS") and answer.status_code >= 400:
            assert_in_its_own_words(answer)


async def test_strange_queries_and_headers(http: httpx.AsyncClient) -> None:
    for query in ("?api_key=%ff%00", "?" + "a=1&" * 2000, "?model=%ed%a0%80", "?%", "?model[]=x&model[]=y"):
        for route in ("/v1/audio/voices", "/v1/models", "/healthz"):
            assert_in_its_own_words(await http.get(route + query))
    for name, value in (
        ("authorization", b"Bearer \xff\xfe"),
        ("authorization", b"Bearer"),
        ("x-api-key", b"\x80" * 500),
        ("x-request-id", b"a b;c\xff"),
        ("content-type", b"multipart/form-data"),
        ("content-encoding", b"gzip"),
        ("accept", b"*/*;q=NaN"),
        ("origin", b"null"),
        ("range", b"bytes=9-1"),
        ("host", b"evil.example"),
        ("host", b"[::1"),
    ):
        assert_in_its_own_words(await http.post(SPEECH, json={"input": "Hi."}, headers=[(name.encode(), value)]))


async def test_many_headers(http: httpx.AsyncClient) -> None:
    answer = await http.get("/healthz", headers=[(f"x-h{n}", "v" * 50) for n in range(300)])
    assert answer.status_code in (200, 400, 431)


async def test_a_body_over_the_bound_is_413(http: httpx.AsyncClient) -> None:
    answer = await http.post(SPEECH, content=b"x" * (3 * MEGABYTE))
    assert answer.status_code == 413 and answer.json()["error"]["code"] == "body_too_large"


# --- below the level of any HTTP library -----------------------------------------------------------------------------

REQUEST = b"POST /v1/audio/speech HTTP/1.1\r\nhost: 127.0.0.1\r\n"
GOOD = b'{"input":"Hi.","response_format":"pcm"}'

RAW: dict[str, bytes] = {
    "random bytes": BODIES["random bytes"],
    "NUL bytes": b"\x00" * 100 + b"\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(180),
    "no version": b"GET /\r\n\r\n",
    "version 9": b"GET / HTTP/9.9\r\nhost: 127.0.0.1\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "negative length": REQUEST + b"content-length: -5\r\n\r\n" + GOOD,
    "length that is no number": REQUEST + b"content-length: five\r\n\r\n" + GOOD,
    "endless length": REQUEST + b"content-length: 99999999999999999999999\r\n\r\n" + GOOD,
    "two lengths": REQUEST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "length and chunks": REQUEST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": REQUEST + b"transfer-encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: " + b"y" * 200_000 + b"\r\n\r\n",
    "endless target": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    "header without a colon": b"GET / HTTP/1.1\r\nhost 127.0.0.1\r\n\r\n",
    "length too long": REQUEST + b"content-length: 500\r\n\r\n" + GOOD,
    "length too short": REQUEST + b"content-length: 5\r\n\r\n" + GOOD,
    "half a request": b"POST /v1/audio/spe",
    "half the headers": REQUEST + b"content-le",
    "half an upgrade": b"GET /v1/audio/speech/stream/ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\n\r\n",
}


@pytest.mark.parametrize("name", RAW)
async def test_raw_bytes_are_answered_or_hung_up_on(server: ServerProcess, name: str) -> None:
    answer = await exchange(server, RAW[name])
    assert answer == b"" or answer.startswith(b"HTTP/1.1 "), answer[:100]
    assert b" 500 " not in answer.split(b"\r\n", 1)[0]
    await assert_unharmed(server)


async def exchange(server: ServerProcess, data: bytes) -> bytes:
    """Send, say that nothing follows, and read to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        async with asyncio.timeout(WAIT_S):
            writer.write(data)
            await writer.drain()
            writer.write_eof()
            return await reader.read()
    except (ConnectionResetError, BrokenPipeError):
        return b""  # it hung up while we still sent
    finally:
        writer.close()


async def test_pipelined_requests_are_answered_in_order(server: ServerProcess) -> None:
    good = REQUEST + b"content-length: %d\r\n\r\n%s" % (len(GOOD), GOOD)
    bad = REQUEST + b"content-length: 2\r\n\r\n{}"
    last = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    async with asyncio.timeout(WAIT_S):
        writer.write(good + bad + good + last)
        answer = await reader.read()
    writer.close()
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"400", b"200", b"200"] and answer.endswith(b'{"ok":true}')


async def test_clients_that_send_a_byte_and_wait_hold_up_nobody(server: ServerProcess) -> None:
    idlers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(50)]
    for _, writer in idlers:
        writer.write(REQUEST + b"content-length: 100\r\n\r\n{")
    await assert_unharmed(server)
    for _, writer in idlers:
        writer.close()
