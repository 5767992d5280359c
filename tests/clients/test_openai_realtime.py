"""The unmodified OpenAI SDKs on the Realtime API of a real server: Python, both kinds, and JavaScript."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import (
    ConversationItemTruncatedEvent,
    RealtimeErrorEvent,
    ResponseAudioDeltaEvent,
    ResponseAudioTranscriptDeltaEvent,
    ResponseDoneEvent,
    SessionCreatedEvent,
    SessionUpdatedEvent,
)
from websockets.exceptions import ConnectionClosedError

from tests.clients.node import run_node
from tests.e2e.probe import idle
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerPool, ServerProcess
from tests.fakes.tls_proxy import CERTIFICATE, TlsProxy

pytestmark = pytest.mark.filterwarnings("ignore:connect.. must be used as a context:DeprecationWarning")  # by the SDK
RATE = 24_000
TEXT = "Hello there. How are you?"
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@pytest.fixture
async def connection(tone: ServerProcess) -> AsyncIterator[AsyncRealtimeConnection]:
    client = AsyncOpenAI(base_url=f"{tone.url}/v1", api_key="any")
    async with asyncio.timeout(3 * WAIT_S), client.realtime.connect(model="gpt-realtime") as connected:
        created = await connected.recv()
        assert isinstance(created, SessionCreatedEvent)
        yield connected
    await idle(tone)


async def say(connection: AsyncRealtimeConnection, text: str) -> None:
    """Ask for a response."""
    content: Any = [{"type": "input_text", "text": text}]
    await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
    await connection.response.create()


async def until(connection: AsyncRealtimeConnection, kind: type) -> list[Any]:
    """Every event up to the first of that kind."""
    heard: list[Any] = []
    while not (heard and isinstance(heard[-1], kind)):
        heard.append(await connection.recv())
    return heard


def audio(heard: list[Any]) -> bytes:
    return b"".join(base64.b64decode(event.delta) for event in heard if isinstance(event, ResponseAudioDeltaEvent))


async def test_python_speaks_with_the_words(connection: AsyncRealtimeConnection) -> None:
    voice: Any = {"type": "realtime", "audio": {"output": {"voice": "sine", "speed": 2.0}}}
    await connection.session.update(session=voice)
    (updated,) = await until(connection, SessionUpdatedEvent)
    assert updated.session.audio.output.voice == "sine"
    await say(connection, TEXT)
    heard = await until(connection, ResponseDoneEvent)
    assert len(audio(heard)) / 2 / RATE == pytest.approx(LENGTH_S / 2, abs=0.3)
    words = [event.delta for event in heard if isinstance(event, ResponseAudioTranscriptDeltaEvent)]
    assert "".join(words) == TEXT and len(words) > 1
    done = heard[-1].response
    assert done.status == "completed" and done.output[0].content[0].transcript == TEXT
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens > 0


async def test_python_cancels_and_truncates(connection: AsyncRealtimeConnection) -> None:
    await say(connection, "One two three. {{long 3000}}")
    first = (await until(connection, ResponseAudioDeltaEvent))[-1]
    await connection.response.cancel(response_id=first.response_id)
    done = (await until(connection, ResponseDoneEvent))[-1].response
    assert (done.id, done.status, done.status_details.reason) == (first.response_id, "cancelled", "client_cancelled")
    assert done.model_extra["heard"] + done.model_extra["remaining"] == "One two three. {{long 3000}}"
    await connection.conversation.item.truncate(item_id=first.item_id, content_index=0, audio_end_ms=10)
    truncated = (await until(connection, ConversationItemTruncatedEvent))[-1]
    assert (truncated.item_id, truncated.audio_end_ms) == (first.item_id, 10)
    assert truncated.model_extra["heard"] == "One"
    await say(connection, "Again.")
    heard = await until(connection, ResponseDoneEvent)
    assert {event.response_id for event in heard if isinstance(event, ResponseAudioDeltaEvent)} == {
        heard[-1].response.id
    }


async def test_python_is_told_what_is_wrong_by_its_own_name_for_it(connection: AsyncRealtimeConnection) -> None:
    await connection.response.create(event_id="nothing-to-say")
    error = (await until(connection, RealtimeErrorEvent))[-1].error
    assert (error.type, error.code, error.event_id) == ("invalid_request_error", "empty_text", "nothing-to-say")
    await say(connection, TEXT)
    assert audio(await until(connection, ResponseDoneEvent)), "it is usable"


def test_python_without_asyncio(tone: ServerProcess) -> None:
    client = OpenAI(base_url=f"{tone.url}/v1", api_key="any")
    with client.realtime.connect(model="tone") as connection:
        content: Any = [{"type": "input_text", "text": TEXT}]
        connection.response.create(response={"input": [{"type": "message", "role": "user", "content": content}]})
        heard: list[Any] = []
        for event in connection:
            heard.append(event)
            if isinstance(event, ResponseDoneEvent):
                break
    assert len(audio(heard)) / 2 / RATE == pytest.approx(LENGTH_S, abs=0.3)


def test_a_wrong_key_is_refused(servers: ServerPool) -> None:
    locked = servers.get(("tone",), api_key="sesame")
    with OpenAI(base_url=f"{locked.url}/v1", api_key="wrong").realtime.connect(model="tone") as connection:
        said = connection.recv()
        assert isinstance(said, RealtimeErrorEvent)
        assert (said.error.type, said.error.code) == ("invalid_request_error", "invalid_api_key")
        with pytest.raises(ConnectionClosedError) as closed:
            connection.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    with OpenAI(base_url=f"{locked.url}/v1", api_key="sesame").realtime.connect(model="tone") as connection:
        assert isinstance(connection.recv(), SessionCreatedEvent)


@pytest.fixture(scope="module")
def https(tone: ServerProcess) -> Iterator[TlsProxy]:
    """The SDK for JavaScript insists on TLS."""
    proxy = TlsProxy(tone.port).start()
    yield proxy
    proxy.stop()


def test_javascript_speaks_is_interrupted_and_refused(https: TlsProxy, tone: ServerProcess) -> None:
    seen = run_node("openai_realtime.mjs", https.url.rstrip("/"), str(CERTIFICATE))
    assert (seen["model"], seen["voice"], seen["status"]) == ("gpt-realtime", "sine", "completed")
    assert seen["bytes"] / 2 / RATE == pytest.approx(LENGTH_S, abs=0.3) and seen["transcript"] == TEXT
    assert seen["types"][-1] == "response.done" and "response.output_audio.delta" in seen["types"]
    assert seen["heard"] == "Hello there."
    assert seen["cancelled"] == ["cancelled", "client_cancelled"] and seen["bytesAfter"] == 0
    (error,) = seen["errors"]
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "late")
    asyncio.run(idle(tone))
