"""Hosts, origins, CORS, body sizes and the connection cap."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from syrinx.core.errors import InvalidRequest, Overloaded
from syrinx.server.limits import BodyLimit, SocketCap, host_name, is_loopback
from tests.fakes.live import close_code, live


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:9", "[::1]:8000", "192.168.1.5", "a.localhost"]
)
async def test_loopback_names_and_literal_addresses_are_our_hosts(host: str):
    async with live() as server:
        assert (await server.http.get("/healthz", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[", "a b"])
async def test_other_host_names_are_refused_against_dns_rebinding(host: str):
    async with live() as server:
        response = await server.http.get("/healthz", headers={"host": host})
    assert response.status_code == 403 and response.json()["error"]["code"] == "host_not_allowed"


async def test_host_names_can_be_allowed():
    async with live(allowed_hosts=("Tts.Example",)) as server:
        assert (await server.http.get("/healthz", headers={"host": "tts.example:8000"})).status_code == 200
    async with live(allowed_hosts=("*",)) as server:
        assert (await server.http.get("/healthz", headers={"host": "any.example"})).status_code == 200


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://127.0.0.1", "tauri://localhost"])
async def test_loopback_pages_may_call_and_are_told_so(origin: str):
    async with live() as server:
        response = await server.http.get("/v1/models", headers={"origin": origin})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin and "Origin" in response.headers["vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "garbage", ""])
async def test_other_sites_may_not_call(origin: str):
    async with live() as server:
        response = await server.http.post("/v1/audio/speech", json={"input": "Hi."}, headers={"origin": origin})
        assert response.status_code == 403 and response.json()["error"]["code"] == "origin_not_allowed"
        assert "access-control-allow-origin" not in response.headers
        assert not server.engine.sessions


async def test_other_sites_cannot_open_a_socket():
    async with live() as server:
        socket = await server.socket(origin="https://evil.example")
        assert (await close_code(socket))[0] == 1008
        assert not server.engine.sessions
        async with server.socket(origin="http://localhost:3000") as ours:
            await ours.ping()


async def test_the_servers_own_origin_and_configured_ones_may_call():
    async with live(allowed_hosts=("tts.example",), cors_origins=("https://app.example",)) as server:
        for origin in ("https://tts.example", "https://app.example"):
            headers = {"host": "tts.example", "origin": origin}
            assert (await server.http.get("/healthz", headers=headers)).status_code == 200


async def test_a_preflight_is_answered_for_allowed_origins_only():
    wanted = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    async with live(api_key="sesame", cors_origins=("https://app.example",)) as server:
        good = await server.http.options("/v1/audio/speech", headers={"origin": "https://app.example", **wanted})
        bad = await server.http.options("/v1/audio/speech", headers={"origin": "https://evil.example", **wanted})
    assert good.status_code == 204
    assert good.headers["access-control-allow-origin"] == "https://app.example"
    assert good.headers["access-control-allow-headers"] == "authorization,content-type"
    assert "POST" in good.headers["access-control-allow-methods"]
    assert bad.status_code == 403


async def test_errors_carry_the_cors_headers_too():
    async with live(api_key="sesame") as server:
        response = await server.http.post("/v1/audio/speech", headers={"origin": "http://localhost:1"})
    assert response.status_code == 401 and response.headers["access-control-allow-origin"] == "http://localhost:1"


async def test_a_body_past_the_bound_is_413():
    async with live(max_body_bytes=1000) as server:
        declared = await server.http.post("/v1/audio/speech", content=b"x" * 1001)

        async def pieces():
            for _ in range(5):
                yield b"x" * 300

        streamed = await server.http.post("/v1/audio/speech", content=pieces())
        allowed = await server.http.post("/v1/audio/speech", content=b"{" + b" " * 900)
    for response in (declared, streamed):
        assert response.status_code == 413 and response.json()["error"]["code"] == "body_too_large"
    assert allowed.status_code == 400


async def test_a_body_that_waits_for_leave_is_refused_before_it_is_sent():
    async with live(max_body_bytes=1000) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert b" 413 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_a_body_that_never_comes_ends_in_a_timeout():
    async def reads_body(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def unused(message: Message) -> None:
        raise AssertionError

    limited = BodyLimit(reads_body, max_bytes=10, timeout_s=0.01)
    with pytest.raises(InvalidRequest) as caught:
        await limited({"type": "http", "path": "/", "headers": []}, never, unused)
    assert caught.value.code == "body_timeout"


async def test_a_path_may_have_a_bound_of_its_own():
    async with live(max_body_bytes=1000, max_reference_bytes=3000) as server:
        answers = [await server.http.post("/v1/voices/clone", content=b"x" * size) for size in (2000, 68_001)]
    assert [answer.status_code for answer in answers] == [400, 413]


def test_the_cap_counts_and_frees_its_slots_whatever_happens():
    cap = SocketCap(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), cap.slot():
            with pytest.raises(Overloaded), cap.slot():
                pass
            raise ZeroDivisionError
    assert cap.open == 0


def test_host_names_are_read_from_authorities():
    assert [host_name(a) for a in ("A.b:1", "[::1]:2", "x", "[", "", "[::1].evil.example")] == [
        "a.b",
        "::1",
        "x",
        "",
        "",
        "",
    ]
    assert is_loopback("127.9.9.9") and is_loopback("::1") and not is_loopback("10.0.0.1") and not is_loopback("")
