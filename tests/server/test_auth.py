"""Keys: where they may be, what they must be, and what is told when they are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from websockets.typing import Subprotocol

from syrinx.core.errors import ConfigError, Unauthorized
from syrinx.server.auth import Keys, credentials, read_keys, subprotocol
from tests.fakes.live import close_code, live

SPEECH = "/v1/audio/speech"
BODY = {"input": "Hello."}


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer sesame"},
        {"authorization": "bearer  sesame"},
        {"authorization": "Token sesame"},
        {"x-api-key": "sesame"},
        {"xi-api-key": "sesame"},
    ],
)
async def test_the_key_is_found_in_every_header_the_dialects_use(headers: dict[str, str]):
    async with live(api_key="sesame") as server:
        assert (await server.http.post(SPEECH, json=BODY, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic sesame"},
        {"authorization": "sesame"},
        {"x-api-key": "sesam"},
        {"authorization": b"Bearer \xff\xfe"},
    ],
)
async def test_a_missing_or_wrong_key_is_401_in_the_envelope(headers: dict[str, Any]):
    async with live(api_key="sesame") as server:
        response = await server.http.post(SPEECH, json=BODY, headers=headers)
    assert response.status_code == 401 and response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "invalid_api_key"


async def test_the_key_is_found_in_the_query():
    async with live(api_key="sesame") as server:
        assert (await server.http.post(SPEECH + "?api_key=sesame", json=BODY)).status_code == 200
        assert (await server.http.post(SPEECH + "?api_key=other", json=BODY)).status_code == 401


async def test_without_a_configured_key_any_and_none_are_accepted():
    async with live() as server:
        for headers in ({}, {"authorization": "Bearer"}, {"authorization": "Bearer anything"}):
            assert (await server.http.post(SPEECH, json=BODY, headers=headers)).status_code == 200


async def test_health_needs_no_key_and_metrics_do():
    async with live(api_key="sesame") as server:
        for path in ("/healthz", "/readyz", "/health", "/"):
            assert (await server.http.get(path)).status_code == 200
        assert (await server.http.get("/metrics")).status_code == 401
        assert (await server.http.get("/metrics", headers={"x-api-key": "sesame"})).status_code == 200


async def test_1_01_a_socket_with_a_wrong_key_is_closed_with_1008_after_accepting():
    async with live(api_key="sesame") as server:
        for path in ("", "?api_key=wrong", "?api_key="):
            code, reason = await close_code(await server.socket("/v1/audio/speech/stream/ws" + path))
            assert code == 1008 and reason is not None and "key" in reason
        assert not server.engine.sessions


@pytest.mark.parametrize(
    "options",
    [
        {"path": "/v1/audio/speech/stream/ws?api_key=sesame"},
        {"additional_headers": {"Authorization": "Bearer sesame"}},
        {"additional_headers": {"xi-api-key": "sesame"}},
    ],
)
async def test_1_01_a_socket_with_the_right_key_stays_open(options: dict[str, Any]):
    async with live(api_key="sesame") as server, server.socket(**options) as socket:
        await socket.ping()
        assert socket.subprotocol is None


async def test_a_browsers_key_comes_as_a_subprotocol_and_is_never_echoed():
    offered = [Subprotocol("auth.bearer.v1"), Subprotocol("sesame")]
    async with live(api_key="sesame") as server, server.socket(subprotocols=offered) as socket:
        assert socket.subprotocol == "auth.bearer.v1"
        await socket.ping()


async def test_a_browser_with_a_wrong_key_sees_the_close_code_too():
    offered = [Subprotocol("auth.bearer.v1"), Subprotocol("wrong")]
    async with live(api_key="sesame") as server:
        assert (await close_code(await server.socket(subprotocols=offered)))[0] == 1008


async def test_a_browser_that_offers_a_key_to_an_open_server_gets_its_echo():
    offered = [Subprotocol("auth.bearer.v1"), Subprotocol("whatever")]
    async with live() as server, server.socket(subprotocols=offered) as socket:
        assert socket.subprotocol == "auth.bearer.v1"


@pytest.mark.parametrize(
    ("offered", "echoed"),
    [
        (["auth.bearer.v1", "k"], "auth.bearer.v1"),
        (["other", "auth.bearer.v1", "k"], "auth.bearer.v1"),
        (["k", "auth.bearer.v1"], None),
        (["auth.bearer.v1"], None),
        (["token", "k"], "token"),
        (["realtime", "openai-insecure-api-key.k"], "realtime"),
        (["k", "token"], None),
        ([], None),
    ],
)
def test_the_token_must_follow_the_name_directly(offered: list[str], echoed: str | None):
    assert subprotocol(offered) == echoed
    assert credentials({"type": "websocket", "headers": [], "subprotocols": offered}) == (["k"] if echoed else [])


def test_a_caller_is_named_by_a_fingerprint_and_never_by_the_key():
    scope = {"type": "http", "headers": [(b"x-api-key", b"sesame")], "client": ("10.0.0.9", 1)}
    owner = Keys(["other", "sesame"]).admit(scope)
    assert owner.startswith("key-") and "sesame" not in owner
    assert Keys([]).admit(scope) == "10.0.0.9"
    with pytest.raises(Unauthorized):
        Keys(["other"]).admit(scope)


def test_keys_of_a_file_stand_one_a_line(tmp_path: Path):
    file = tmp_path / "keys"
    file.write_text("# ours\nfirst\n\n second \n")
    keys = read_keys("third", file)
    for key in (b"first", b"second", b"third"):
        assert keys.admit({"type": "http", "headers": [(b"x-api-key", key)]})


def test_a_key_file_that_is_missing_or_empty_stops_the_start(tmp_path: Path):
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    for path in (tmp_path / "missing", empty):
        with pytest.raises(ConfigError, match="key file"):
            read_keys("", path)


@pytest.mark.parametrize("key", [" ", "key ", "\tkey", "key\n", "two\nlines", "nul\0"])
def test_a_key_that_nobody_could_send_stops_the_start(key: str):
    with pytest.raises(ConfigError, match="nobody could send it"):
        read_keys(key, None)
    assert not read_keys("", None).required
    assert read_keys("a b", None).required
