"""The unmodified Cartesia SDK for Python against a real server."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from cartesia import APIStatusError, Cartesia
from cartesia.types.websocket_response import Error

from tests.e2e.probe import idle
from tests.fakes.server_process import ServerPool, ServerProcess

pytestmark = pytest.mark.filterwarnings(
    "ignore:connect:DeprecationWarning"
)  # the SDK calls websockets in a way that it gives up
RATE = 24_000
TEXT = "Hello there, how are you?"
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""
RAW: Any = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE}
HOW: Any = {"model_id": "sonic-3.5", "voice": {"mode": "id", "id": "sine"}, "output_format": RAW}
WAIT_S = 30.0


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@contextmanager
def sdk(server: ServerProcess, key: str = "any") -> Iterator[Cartesia]:
    with httpx.Client(trust_env=False, timeout=WAIT_S) as http:
        yield Cartesia(
            api_key=key, base_url=server.url, websocket_base_url=server.ws_url, http_client=http, max_retries=0
        )


@pytest.fixture
def client(tone: ServerProcess) -> Iterator[Cartesia]:
    with sdk(tone) as made:
        yield made


def seconds(data: bytes) -> float:
    return len(data) / 2 / RATE


@pytest.mark.parametrize("encoding", ["pcm_s16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"])
@pytest.mark.parametrize("rate", [8000, 44_100])
def test_wav_of_every_encoding_decodes(client: Cartesia, encoding: Any, rate: Any) -> None:
    wanted: Any = {"container": "wav", "encoding": encoding, "sample_rate": rate}
    data = client.tts.generate(**{**HOW, "transcript": TEXT, "output_format": wanted}).read()
    sound, found = soundfile.read(io.BytesIO(data))
    assert found == rate and len(sound) / rate == pytest.approx(LENGTH_S, abs=0.3) and np.abs(sound).max() > 0.1


def test_mp3_decodes_and_raw_has_the_length_of_its_rate(client: Cartesia) -> None:
    wanted: Any = {"container": "mp3", "sample_rate": 44_100, "bit_rate": 128_000}
    data = client.tts.generate(**{**HOW, "transcript": TEXT, "output_format": wanted}).read()
    assert len(soundfile.read(io.BytesIO(data))[0]) / 44_100 == pytest.approx(LENGTH_S, abs=0.3)
    assert seconds(client.tts.generate(**HOW, transcript=TEXT).read()) == pytest.approx(LENGTH_S, abs=0.3)


def test_speed_is_honoured(client: Cartesia) -> None:
    fast = client.tts.generate(**HOW, transcript=TEXT, generation_config={"speed": 1.5, "volume": 0.5}).read()
    assert seconds(fast) == pytest.approx(LENGTH_S / 1.5, abs=0.3)


def test_a_hang_up_stops_the_model(client: Cartesia, tone: ServerProcess) -> None:
    with client.tts.with_streaming_response.generate(**HOW, transcript="{{long 3000}}") as answer:
        pieces = answer.iter_bytes()
        assert all(next(pieces) for _ in range(3))
    asyncio.run(idle(tone))


def test_server_sent_events_have_audio_words_and_an_end(client: Cartesia) -> None:
    events = list(client.tts.generate_sse(**HOW, transcript=TEXT, add_timestamps=True, context_id="happy"))
    audio = b"".join(event.audio or b"" for event in events if event.type == "chunk")
    words = [word for event in events if event.type == "timestamps" for word in event.word_timestamps.words]
    assert seconds(audio) == pytest.approx(LENGTH_S, abs=0.3) and words == TEXT.split()
    assert events[-1].type == "done" and {event.context_id for event in events if event.type != "error"} == {"happy"}


def test_a_context_speaks_what_comes_in_pieces_and_tells_its_words(client: Cartesia) -> None:
    with client.tts.websocket_connect() as connection:
        context = connection.context(**HOW, add_timestamps=True, timeout=WAIT_S)
        for word in TEXT.split(" "):
            context.push(word + " ")
        context.no_more_inputs()
        events = list(context.receive())
    audio = b"".join(event.audio or b"" for event in events if event.type == "chunk")
    times = [event.word_timestamps for event in events if event.type == "timestamps" and event.word_timestamps]
    assert seconds(audio) == pytest.approx(LENGTH_S, abs=0.4)
    assert [word for told in times for word in told.words] == TEXT.split()
    starts = [start for told in times for start in told.start]
    assert starts == sorted(starts) and starts[-1] > LENGTH_S / 2
    assert [event.type for event in events].count("done") == 1 and events[-1].type == "done"


def test_flushes_tell_the_audio_of_two_texts_apart(client: Cartesia) -> None:
    with client.tts.websocket_connect() as connection:
        context = connection.context(**HOW, timeout=WAIT_S)
        context.push("Stay hungry, ")
        context.push("", flush=True)
        context.push("stay foolish.")
        context.no_more_inputs()
        events = list(context.receive())
    by_flush: dict[int, bytes] = {}
    for event in events:
        if event.type == "chunk" and event.flush_id:
            by_flush[event.flush_id] = by_flush.get(event.flush_id, b"") + (event.audio or b"")
    assert [event.flush_id for event in events if event.type == "flush_done"] == [1]
    assert {flush_id: round(seconds(audio)) for flush_id, audio in by_flush.items()} == {1: 1, 2: 1}


def test_contexts_side_by_side_on_one_connection(client: Cartesia) -> None:
    texts = {f"context-{name}": f"This is {name}." for name in ("ann", "bob", "cid")}
    with client.tts.websocket_connect() as connection:
        contexts = {name: connection.context(name, **HOW, add_timestamps=True, timeout=WAIT_S) for name in texts}
        for name, context in contexts.items():
            context.push(texts[name], continue_=False)
        for name, context in contexts.items():
            events = list(context.receive())
            words = [
                word for e in events if e.type == "timestamps" and e.word_timestamps for word in e.word_timestamps.words
            ]
            assert words == texts[name].split() and {event.context_id for event in events} == {name}


def test_a_cancel_stops_the_model_and_no_stale_audio_reaches_the_next_context(
    client: Cartesia, tone: ServerProcess
) -> None:
    with client.tts.websocket_connect() as connection:
        old = connection.context("old", **HOW, max_buffer_delay_ms=0, timeout=WAIT_S)
        old.push("{{long 3000}} and more.")
        heard = old.receive()
        assert all(next(heard).type == "chunk" for _ in range(3))
        old.cancel()
        new = connection.context("new", **HOW, timeout=WAIT_S)
        new.push("Still here.", continue_=False)
        events = list(new.receive())
    begun = next(index for index, event in enumerate(events) if event.context_id == "new")
    assert {event.context_id for event in events[begun:]} == {"new"}, "what was on its way comes before, and no more"
    audio = b"".join(e.audio or b"" for e in events if e.type == "chunk" and e.context_id == "new")
    assert seconds(audio) == pytest.approx(len("Still here.") * 0.065, abs=0.3)
    asyncio.run(idle(tone))


def test_an_error_reaches_its_context_and_the_connection_goes_on(client: Cartesia) -> None:
    with client.tts.websocket_connect() as connection:
        bad = connection.context("bad", **{**HOW, "voice": "nobody"}, timeout=WAIT_S)
        bad.push("Hello.", continue_=False)
        (event,) = list(bad.receive())
        assert event.type == "error" and event.status_code == 404 and "nobody" in event.error
        good = connection.context("good", **HOW, timeout=WAIT_S)
        good.push("Hello.", continue_=False)
        assert [event.type for event in good.receive()][-1] == "done"


def test_lists_page_by_page(client: Cartesia) -> None:
    ids = [voice.id for voice in client.voices.list(limit=2)]
    assert ids[0] == "sine" and len(ids) == len(set(ids)) > 2, "over all pages"
    assert [voice.id for voice in client.voices.list(q="deep")] == ["deep"]
    voice = client.voices.get("deep")
    assert (voice.name != "", voice.gender, voice.language, voice.locales[0].is_native) == (
        True,
        "masculine",
        "en",
        True,
    )


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"voice": "nobody"}, 404, "voice_not_found"),
        ({"transcript": " "}, 400, "empty_transcript"),
        ({"model_id": "nothing"}, 400, "model_not_found"),
        ({"output_format": {**RAW, "encoding": "pcm_s24le"}}, 400, "invalid_output_format"),
    ],
)
def test_the_typed_error_says_what_is_wrong(client: Cartesia, fields: Any, status: int, code: str) -> None:
    with pytest.raises(APIStatusError) as caught:
        client.tts.generate(**{**HOW, "transcript": TEXT, **fields})
    body: Any = caught.value.body
    assert (caught.value.status_code, body["error_code"]) == (status, code) and body["message"]


def test_a_wrong_key_is_refused(servers: ServerPool) -> None:
    locked = servers.get(("tone",), api_key="sesame")
    with sdk(locked, "wrong") as wrong, sdk(locked, "sesame") as right:
        with pytest.raises(APIStatusError) as caught:
            wrong.tts.generate(**HOW, transcript=TEXT)
        assert caught.value.status_code == 401
        with wrong.tts.websocket_connect() as refused:
            said = refused.recv()
            assert isinstance(said, Error) and (said.error_code, said.status_code) == ("invalid_api_key", 401)
        assert right.tts.generate(**HOW, transcript=TEXT).read()
        with right.tts.websocket_connect() as connection:
            context = connection.context(**HOW, timeout=WAIT_S)
            context.push("Hello.", continue_=False)
            assert [event.type for event in context.receive()][-1] == "done"
