"""Cartesia's socket over real ones: many contexts side by side, barge-in, times, flushes, what is hostile."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from websockets.frames import Frame, Opcode

from tests.e2e.cartesia import HOW, Cartesia, Message, cartesia, sound, words
from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, TEXTS, VALUES
from tests.e2e.probe import idle, metric, until
from tests.e2e.talk import RATE, WAIT_S
from tests.fakes.server_process import ServerProcess

TEXT = "The first words are heard, while the last ones are made."
SECONDS_PER_CHAR = 0.065
"""As tone speaks."""
CAP = 4
MANY = 100
HEAD = '{"model_id":"sonic","output_format":{"container":"raw","encoding":"pcm_s16le","sample_rate":24000},'
PLACES: dict[str, str] = {
    "context_id": HEAD + '"transcript":"Hi. ","context_id":VALUE}',
    "transcript": HEAD + '"transcript":VALUE,"context_id":"x"}',
    **{
        field: HEAD + '"transcript":"Hi. ","context_id":"' + field + '","' + field + '":VALUE}'
        for field in ("continue", "flush", "cancel", "model_id", "voice", "language", "locale", "speed", "extra")
    },
    **{
        field: HEAD + '"transcript":"Hi. ","context_id":"' + field + '","' + field + '":VALUE}'
        for field in ("add_timestamps", "add_phoneme_timestamps", "max_buffer_delay_ms", "output_format")
    },
    "voice.id": HEAD + '"transcript":"Hi. ","context_id":"x","voice":{"mode":"id","id":VALUE}}',
    "voice.mode": HEAD + '"transcript":"Hi. ","context_id":"x","voice":{"mode":VALUE}}',
    "generation_config": HEAD + '"transcript":"Hi. ","context_id":"x","generation_config":VALUE}',
    "emotion": HEAD + '"transcript":"Hi. ","context_id":"x","generation_config":{"emotion":VALUE}}',
    "gen.speed": HEAD + '"transcript":"Hi. ","context_id":"x","generation_config":{"speed":VALUE}}',
    "gen.volume": HEAD + '"transcript":"Hi. ","context_id":"x","generation_config":{"volume":VALUE}}',
    **{
        field: '{"transcript":"Hi. ","context_id":"x","output_format":{"container":"raw","encoding":"pcm_s16le",'
        '"sample_rate":24000,"' + field + '":VALUE}}'
        for field in ("container", "encoding", "sample_rate")
    },
}
"""Every field of every message."""
ANSWERS = ("chunk", "timestamps", "flush_done", "done", "error")


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """Few places, so that a leak shows."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "256"}
    return start(seed, tone={"x_realtime": 100}, max_lead_s=2, max_text_chars=20_000, max_message_bytes=1_500_000)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Cartesia]:
    """A socket that must still work at the end, on a server that has lost no place."""
    async with cartesia(server) as link:
        yield link
        async with asyncio.timeout(WAIT_S):  # the places of a flood's contexts are free a moment after their cancels
            while not sound(heard := await link.say("still here"), "still here"):
                assert heard[-1].get("error_code") == "concurrency_limited", heard
    await idle(server)


async def test_text_in_pieces_with_the_times_of_its_words(client: Cartesia) -> None:
    for word in TEXT.split():
        await client.tell(word + " ", "a", add_timestamps=True)
    await client.tell("", "a", more=False)
    heard = await client.hear_done("a")
    assert len(sound(heard, "a")) / 2 / RATE == pytest.approx(len(TEXT) * SECONDS_PER_CHAR, abs=0.4)
    assert words(heard, "a") == TEXT.split()
    starts = [at for said in heard if said["type"] == "timestamps" for at in said["word_timestamps"]["start"]]
    assert starts == sorted(starts) and starts[-1] == pytest.approx(TEXT.index("made") * SECONDS_PER_CHAR, abs=0.2)
    assert [said["done"] for said in heard].count(True) == 1


async def test_speech_begins_before_the_text_ends_and_done_comes_only_behind_it(client: Cartesia) -> None:
    await client.tell("A first sentence. ", "a")
    await client.hear_until(lambda said: said["type"] == "chunk")
    await client.tell("A second one.", "a", more=False)
    heard = await client.hear_done("a")
    assert len(sound(heard, "a")) / 2 / RATE > len("A second one.") * SECONDS_PER_CHAR - 0.2


async def test_a_flush_speaks_what_is_there_and_tells_when_it_is_spoken(client: Cartesia) -> None:
    await client.tell("Stay hungry, ", "a")
    await client.tell("", "a", flush=True)
    first = await client.hear_until(lambda said: said["type"] == "flush_done")
    await client.tell("stay foolish.", "a", more=False)
    second = await client.hear_done("a")
    assert first[-1]["flush_id"] == 1 and {said["flush_id"] for said in first[:-1]} == {1}
    assert {said["flush_id"] for said in second[:-1]} == {2} and sound(first, "a") and sound(second, "a")


@pytest.mark.parametrize(("encoding", "width"), [("pcm_s16le", 2), ("pcm_f32le", 4), ("pcm_mulaw", 1), ("pcm_alaw", 1)])
async def test_every_encoding_has_the_length_of_its_rate(client: Cartesia, encoding: str, width: int) -> None:
    wanted = {"container": "raw", "encoding": encoding, "sample_rate": 8000}
    heard = await client.say("a", TEXT, output_format=wanted)
    assert len(sound(heard, "a")) / width / 8000 == pytest.approx(len(TEXT) * SECONDS_PER_CHAR, abs=0.4)


async def test_a_hundred_contexts_on_one_socket_are_never_mixed_and_all_complete(start: Start) -> None:
    """Each has words, a length and a pitch of its own; their texts come in turns, and many speak at once."""
    server = start({"MAX_CONCURRENT_JOBS": str(MANY)}, tone={"x_realtime": 20, "max_batch": MANY})
    names = [f"zo{chr(97 + n // 10)}ra{chr(97 + n % 10)}" for n in range(MANY)]
    texts = {name: f"{name} speaks {'long ' * (n % 7)}and says {name}." for n, name in enumerate(names)}
    async with cartesia(server) as client:
        for part in range(2):
            for name, text in texts.items():
                half = len(text) // 2
                piece = text[half:] if part else text[:half]
                await client.tell(piece, name, more=not part, add_timestamps=True)
        left = set(texts)
        heard = await client.hear_until(lambda said: said["done"] and (left.discard(said["context_id"]), not left)[1])
    by_name: dict[str, list[Message]] = defaultdict(list)
    for said in heard:
        by_name[said["context_id"]].append(said)
    assert set(by_name) == set(texts) and not [said for said in heard if said["type"] == "error"]
    pitches = dict[str, float]()
    for name, said in by_name.items():
        text, audio = texts[name], sound(said, name)
        assert words(said, name) == text.split(), "words of another context"
        assert len(audio) / 2 / RATE == pytest.approx(len(text) * SECONDS_PER_CHAR, abs=0.4)
        assert said[-1]["type"] == "done" and [one["done"] for one in said].count(True) == 1
        pitches[name] = pitch(audio)
    assert len({round(hertz) for hertz in pitches.values()}) > MANY / 2, "utterances have pitches of their own"
    interleaved = sum(a["context_id"] != b["context_id"] for a, b in itertools.pairwise(heard))
    assert interleaved > MANY, "they were heard side by side"


def pitch(audio: bytes) -> float:
    """Hertz of the tone that all of it is in; fails where there is another one in it."""
    samples = np.frombuffer(audio, "<i2").astype(np.float64)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    peak = hertz[int(np.argmax(power))]
    assert power[np.abs(hertz - peak) < 40].sum() > 0.95 * power.sum(), "tones of two contexts in one"
    return float(peak)


def test_a_second_tone_is_noticed() -> None:
    at = np.arange(RATE) / RATE
    tones = [(8000 * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes() for hertz in (300, 500)]
    assert pitch(tones[0] + tones[0]) == pytest.approx(300, abs=2)
    with pytest.raises(AssertionError, match="two contexts"):
        pitch(tones[0] + tones[1])


@pytest.mark.parametrize("more", [True, False], ids=["in the middle of the text", "when all was sent"])
async def test_barge_in_leaves_no_stale_audio_and_stops_the_model(
    client: Cartesia, server: ServerProcess, more: bool
) -> None:
    await client.tell("{{long 3000}} and so on. ", "old", more=more, max_buffer_delay_ms=0)
    await client.hear_until(lambda said: said["type"] == "chunk")
    await client.cancel("old")
    await client.tell("New.", "new", more=False)
    heard = await client.hear_done("new")
    fresh = next(index for index, said in enumerate(heard) if said["context_id"] == "new")
    assert {said["context_id"] for said in heard[fresh:]} == {"new"} and sound(heard, "new")
    assert not [said for said in heard if said["context_id"] == "old" and said["done"]]
    await idle(server)
    assert sound(await client.say("old"), "old"), "the name is free"


async def test_who_says_how_far_it_played_is_told_what_was_heard(client: Cartesia) -> None:
    text = "One two three. {{long 3000}} and more."
    await client.tell(text, "a", more=False)
    await client.hear_until(lambda said: said["type"] == "chunk")
    await client.link.send('{"context_id":"a","cancel":true,"played_s":0}')
    told = (await client.hear_done("a"))[-1]
    assert (told["type"], told["heard"] + told["remaining"], told["spoken_until"]) == ("done", text, len(told["heard"]))


async def test_a_hang_up_stops_the_model(server: ServerProcess) -> None:
    async with cartesia(server) as client:
        for name in ("a", "b"):
            await client.tell("{{long 3000}} ", name, max_buffer_delay_ms=0)
        await client.hear_until(lambda said: said["type"] == "chunk")
        client.link.transport.abort()
    await idle(server)
    await until(lambda: metric(server, "syrinx_websockets") == 0, "the end of the socket")


async def test_what_the_model_breaks_is_told_and_the_context_ends(client: Cartesia) -> None:
    heard = await client.say("a", "{{long 1}} {{error}}")
    assert (heard[-1]["error_code"], heard[-1]["status_code"], heard[-1]["context_id"]) == ("model_failed", 502, "a")


# --- hostile ---------------------------------------------------------------------------------------------------------


async def test_unknown_double_and_late(client: Cartesia) -> None:
    await client.cancel("nobody")
    await client.tell("", "nobody", flush=True)
    assert (await client.say("nobody", ""))[-1]["type"] == "done", "nothing was said, so it is done"
    await client.say("a")
    for _ in range(3):
        await client.cancel("a")
    heard = await client.say("b")
    assert {said["context_id"] for said in heard} == {"b"}
    assert sound(await client.say("a", "Late."), "a"), "a new context of the same name"


async def test_text_behind_the_end_is_an_error_and_the_context_ends(client: Cartesia, server: ServerProcess) -> None:
    await client.tell("{{long 3000}}", "a", more=False)
    await client.hear_until(lambda said: said["type"] == "chunk")
    await client.tell("More.", "a")
    heard = await client.hear_done("a")
    assert (heard[-1]["type"], heard[-1]["status_code"]) == ("error", 400)
    assert heard[-1]["request_id"].startswith("req_"), "what the log calls the connection"
    await idle(server)


@pytest.mark.parametrize("name", VALUES)
async def test_every_field_of_every_message(client: Cartesia, name: str) -> None:
    for message in PLACES.values():
        await client.link.send(message.replace("VALUE", VALUES[name]))
    for context in (*PLACES, "x"):
        await client.cancel(context)  # some would speak for long
    heard = await client.say("the last")
    for said in heard:
        assert said["type"] in ANSWERS and "context_id" in said and isinstance(said["done"], bool), said
        if said["type"] == "error":
            assert said["message"] and said["title"] and said["error_code"] and len(str(said)) < 3000, "no echo"


@pytest.mark.parametrize("name", TEXTS)
async def test_text(client: Cartesia, name: str) -> None:
    await client.link.send(HEAD + '"voice":"sine","context_id":"a","transcript":' + TEXTS[name] + "}")
    said = await client.hear()
    assert said["type"] in ("chunk", "done", "error")
    if name in ("empty", "white space", "only emoji"):
        assert said == {"type": "done", "done": True, "status_code": 206, "context_id": "a"}
    await client.cancel("a")  # some would speak for long


@pytest.mark.parametrize("name", BODIES)
async def test_whole_messages_that_are_none(client: Cartesia, name: str) -> None:
    await client.link.send(BODIES[name])
    said = await client.hear()
    assert (said["error_code"], said["context_id"], said["done"]) == ("unexpected_binary", None, True)


async def test_a_flood_of_opens_is_bounded(client: Cartesia) -> None:
    for index in range(300):
        await client.tell("no end", str(index), max_buffer_delay_ms=5000)
    refused = [said for said in [await client.hear() for _ in range(300 - 128)] if said["type"] == "error"]
    assert {(said["error_code"], said["status_code"]) for said in refused} == {("concurrency_limited", 429)}
    for index in range(300):
        await client.cancel(str(index))


async def test_a_huge_message_and_half_a_character_close_with_the_standards_code(server: ServerProcess) -> None:
    announced = b"\x81\xff" + (2_000_000).to_bytes(8, "big") + bytes(4)
    half = Frame(Opcode.TEXT, b'{"transcript":"\xf0\x9f').serialize(mask=True)
    for frame, code in ((announced, 1009), (half, 1007)):
        async with cartesia(server) as client:
            client.link.transport.write(frame)
            assert (await client.closed())[0] == code


async def test_a_wrong_key_closes_with_the_reason(start: Start) -> None:
    locked = start({"API_KEY": "sesame"})
    async with cartesia(locked, "wrong") as client:
        code, reason = await client.closed()
        assert code == 1008 and reason
    async with cartesia(locked, "sesame") as client:
        assert sound(await client.say("a"), "a")
    body = {**HOW, "transcript": "Hello."}
    async with httpx.AsyncClient(base_url=locked.url, trust_env=False, timeout=WAIT_S) as http:
        for headers, status in (({"x-api-key": "wrong"}, 401), ({}, 401), ({"x-api-key": "sesame"}, 200)):
            answer = await http.post("/tts/bytes", json=body, headers=headers)
            assert answer.status_code == status
            if status == 401:
                assert answer.json()["error_code"] == "invalid_api_key"


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as made:
        yield made
    await idle(server)


def assert_in_the_vendors_words(answer: httpx.Response) -> None:
    if answer.status_code != 200:
        assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
        error = answer.json()
        assert error["error_code"] and error["title"] and error["message"] and error["request_id"], error
        assert len(answer.content) < 2000, "an error is no echo"


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
@pytest.mark.parametrize("name", VALUES)
async def test_every_field_of_a_body(http: httpx.AsyncClient, name: str, path: str) -> None:
    for place, message in PLACES.items():
        answer = await http.post(path, content=message.replace("VALUE", VALUES[name]).encode())
        assert_in_the_vendors_words(answer)
        if name in ("deep", "surrogate string", "NaN", "Infinity"):
            assert answer.json()["error_code"] == "bad_json", place


@pytest.mark.parametrize("name", TEXTS)
async def test_text_over_http(http: httpx.AsyncClient, name: str) -> None:
    body = HEAD + '"voice":"sine","generation_config":{"speed":4},"transcript":' + TEXTS[name] + "}"
    answer = await http.post("/tts/bytes", content=body.encode())
    assert_in_the_vendors_words(answer)
    if name in ("empty", "white space", "only emoji"):
        assert answer.json()["error_code"] == "empty_transcript"


@pytest.mark.parametrize("name", BODIES)
async def test_bodies_that_are_none(http: httpx.AsyncClient, name: str) -> None:
    for path in ("/tts/bytes", "/tts/sse"):
        answer = await http.post(path, content=BODIES[name])
        assert answer.status_code == 400
        assert_in_the_vendors_words(answer)


async def test_every_method_and_strange_queries(http: httpx.AsyncClient) -> None:
    headers = {"cartesia-version": "2026-03-01"}
    for path in ("/tts/bytes", "/tts/sse", "/voices", "/voices/sine", "/tts/websocket", "/voices/", "/voices/%00"):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"):
            assert (await http.request(method, path, headers=headers)).status_code < 500, (method, path)
    for query in ("?limit=%ff", "?starting_after=%ed%a0%80", "?q=" + "x" * 5000, "?limit=1&limit=2", "?gender[]=x"):
        assert (await http.get("/voices" + query, headers=headers)).status_code in (200, 400), query
