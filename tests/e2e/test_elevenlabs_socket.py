"""ElevenLabs' sockets over real ones: contexts side by side, barge-in, times, what is hostile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from tests.e2e.conftest import Start
from tests.e2e.contexts import Contexts, contexts, sound, spelled
from tests.e2e.hostile import BODIES, TEXTS, VALUES
from tests.e2e.probe import idle, metric, until
from tests.e2e.talk import RATE, WAIT_S
from tests.fakes.server_process import ServerProcess

TEXT = "The first words are heard, while the last ones are made."
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""
CAP = 4
PLACES: dict[str, str] = {
    "text": '{"text":VALUE,"context_id":"x"}',
    "context_id": '{"text":"Hi. ","context_id":VALUE}',
    "flush": '{"text":"Hi. ","context_id":"x","flush":VALUE}',
    "close_context": '{"context_id":"x","close_context":VALUE}',
    "voice_settings": '{"text":" ","context_id":"y","voice_settings":VALUE}',
    "speed": '{"text":"Hi. ","context_id":"z","voice_settings":{"speed":VALUE}}',
    "stability": '{"text":"Hi. ","context_id":"z","voice_settings":{"stability":VALUE}}',
    "generation_config": '{"text":"Hi. ","context_id":"x","generation_config":VALUE}',
    "extra": '{"extra":VALUE}',
}
"""Every field of every message."""


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """Few places, so that a leak shows."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "64"}
    return start(seed, tone={"x_realtime": 100}, max_lead_s=2, max_message_bytes=1_500_000)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Contexts]:
    """A socket that must still work at the end, on a server that has lost no place."""
    async with contexts(server) as link:
        yield link
        assert sound(await link.say("still here"), "still here")
    await idle(server)


async def test_one_utterance_in_pieces_with_the_times_of_its_characters(server: ServerProcess) -> None:
    async with contexts(server, "stream-input") as client:
        await client.tell(" ", voice_settings={"stability": 0.5}, generation_config={"chunk_length_schedule": [50]})
        for word in TEXT.split():
            await client.tell(word + " ", try_trigger_generation=True)
        await client.tell("")
        heard = await client.hear_final()
        assert (await client.closed())[0] == 1000
    assert len(sound(heard)) / 2 / RATE == pytest.approx(LENGTH_S, abs=0.4)
    assert spelled(heard) == TEXT + " " and all("contextId" not in said for said in heard)


async def test_the_times_of_messages_add_up_to_the_audio(server: ServerProcess) -> None:
    for sync in ("false", "true"):
        async with contexts(server, sync_alignment=sync) as client:
            heard = await client.say("a", TEXT)
        last = max(index for index, said in enumerate(heard) if said["alignment"])
        aligned = [said["alignment"] for said in heard if said["alignment"]]
        ends = [times["charStartTimesMs"][-1] + times["charDurationsMs"][-1] for times in aligned]
        audio_ms = 1000 * len(sound(heard[: last + 1], "a")) / 2 / RATE
        assert len(aligned) > 1 and (sum(ends) if sync == "false" else ends[-1]) == pytest.approx(audio_ms, abs=1)
        assert spelled(heard, "a") == TEXT + " "


async def test_contexts_speak_side_by_side_and_none_is_mixed(client: Contexts) -> None:
    names = ("a", "b", "c")
    for name in names:
        await client.tell(" ", name)
        await client.tell(f"{TEXT} {name}.", name, flush=True)
        await client.tell(context=name, close_context=True)
    ended = set[str]()
    heard = await client.hear_until(lambda said: said["isFinal"] and (ended.add(said["contextId"]), len(ended) == 3)[1])
    for name in names:
        assert spelled(heard, name).strip() == f"{TEXT} {name}."
        assert len(sound(heard, name)) / 2 / RATE == pytest.approx((len(TEXT) + 3) * 0.065, abs=0.4)


@pytest.mark.parametrize("settled", [False, True], ids=["in the middle of the text", "when all was sent"])
async def test_barge_in_leaves_no_stale_audio_and_stops_the_model(
    client: Contexts, server: ServerProcess, settled: bool
) -> None:
    await client.tell("{{long 3000}} ", "old")
    if settled:
        await client.tell(context="old", flush=True)
        await client.tell(context="old", close_context=True)
    else:
        await client.tell("And so on. ", "old")
    await client.hear_until(lambda said: said["audio"])
    await client.tell(context="old", close_context=True)
    await client.hear_final("old")
    heard = await client.say("new")
    assert sound(heard, "new") and not sound(heard, "old")
    await idle(server)


async def test_a_name_can_be_used_again(client: Contexts) -> None:
    for _ in range(3):
        assert spelled(await client.say("same"), "same") == "Hello. "


async def test_a_name_that_is_used_again_at_once_waits_for_what_it_still_says(client: Contexts) -> None:
    for text in ("One two three. ", "Four five. "):
        await client.tell(text, "a")
        await client.tell(context="a", flush=True)
        await client.tell(context="a", close_context=True)
    heard = [await client.hear_final("a") for _ in range(2)]
    assert [spelled(each, "a") for each in heard] == ["One two three. ", "Four five. "]


async def test_closing_the_socket_speaks_what_was_flushed_and_closes(server: ServerProcess) -> None:
    async with contexts(server) as client:
        await client.tell("Hello. ", "a", flush=True)
        await client.tell("{{long 3000}} and", "b")
        await client.tell(close_socket=True)
        heard = [
            *await client.hear_until(lambda said: said["isFinal"]),
            *await client.hear_until(lambda said: said["isFinal"]),
        ]
        assert (await client.closed())[0] == 1000
    assert spelled(heard, "a") == "Hello. "
    await idle(server)


async def test_a_hang_up_stops_the_model(server: ServerProcess) -> None:
    async with contexts(server) as client:
        await client.tell("{{long 3000}} ", "a", flush=True)
        await client.hear_until(lambda said: said["audio"])
        client.link.transport.abort()
    await idle(server)
    await until(lambda: metric(server, "syrinx_websockets") == 0, "the end of the socket")


async def test_what_the_model_breaks_is_told_and_the_context_ends(client: Contexts) -> None:
    heard = await client.say("a", "{{long 1}} {{error}}")
    assert heard[-2]["error"] == "model_failed" and heard[-2]["contextId"] == "a"


# --- hostile ---------------------------------------------------------------------------------------------------------


async def test_unknown_double_and_late(client: Contexts) -> None:
    await client.tell(context="nobody", close_context=True)
    await client.tell(context="nobody", flush=True)
    await client.tell("", "nobody")
    await client.say("a")
    for _ in range(3):
        await client.tell(context="a", close_context=True)
    heard = await client.say("b")
    assert {said["contextId"] for said in heard} == {"b"}
    async with asyncio.timeout(WAIT_S):
        await client.tell("Late. ", "a")  # a new context of the same name
        await client.tell(context="a", close_context=True)
        await client.hear_final("a")


async def test_text_behind_the_end_is_told(server: ServerProcess) -> None:
    async with contexts(server, "stream-input") as client:
        for text in ("Hello. ", "", "More. "):
            await client.tell(text)
        heard = await client.hear_final()
        assert "session_ended" in [said.get("error") for said in heard] and sound(heard)
        assert (await client.closed())[0] == 1000


@pytest.mark.parametrize("name", VALUES)
async def test_every_field_of_every_message(client: Contexts, name: str) -> None:
    for message in PLACES.values():
        await client.link.send(message.replace("VALUE", VALUES[name]))
    heard = await client.say("the last")
    for said in heard:
        assert "audio" in said or (said["error"] and said["message"] and len(str(said)) < 3000), said
    for context in ("x", "y", "z", "default", "zzz", "\x00", "../../../../etc/passwd"):
        await client.tell(context=context, close_context=True)


@pytest.mark.parametrize("name", TEXTS)
async def test_text(client: Contexts, name: str) -> None:
    await client.link.send('{"context_id":"a","text":' + TEXTS[name] + "}")
    await client.tell(context="a", flush=True)
    await client.tell(context="a", close_context=True)
    await client.say("b")


@pytest.mark.parametrize("name", BODIES)
async def test_whole_messages_that_are_none(client: Contexts, name: str) -> None:
    await client.link.send(BODIES[name])
    assert (await client.hear())["error"] == "unexpected_binary"


async def test_a_flood_of_opens_is_bounded(client: Contexts) -> None:
    for index in range(300):
        await client.tell(" ", str(index))
    refused = [await client.hear() for _ in range(300 - 128)]
    assert {said["error"] for said in refused} == {"too_many_concurrent_requests"}
    for index in range(300):
        await client.tell(context=str(index), close_context=True)
    assert len([await client.hear() for _ in range(128)]) == 128


async def test_a_huge_message_and_half_a_character_close_with_the_standards_code(server: ServerProcess) -> None:
    announced = b"\x81\xff" + (2_000_000).to_bytes(8, "big") + bytes(4)
    half = Frame(Opcode.TEXT, b'{"text":"\xf0\x9f').serialize(mask=True)
    for frame, code in ((announced, 1009), (half, 1007)):
        async with contexts(server) as client:
            client.link.transport.write(frame)
            assert (await client.closed())[0] == code


async def test_an_address_that_cannot_be_spoken_to_is_told_and_closed(server: ServerProcess) -> None:
    for path in ("stream-input", "multi-stream-input"):
        for voice, query, name in (
            ("nobody", {}, "voice_not_found"),
            ("sine", {"output_format": "x"}, "invalid_output_format"),
        ):
            async with contexts(server, path, voice, **query) as client:
                assert (await client.hear())["error"] == name
                code, reason = await client.closed()
                assert code == 1008 and reason


async def test_a_wrong_key_closes_with_the_reason(start: Start) -> None:
    locked = start({"API_KEY": "sesame"})
    async with contexts(locked) as client:
        assert (await client.closed())[0] == 1008
    async with contexts(locked, api_key="sesame") as client:
        assert sound(await client.say("a"), "a")
    body = {"text": "Hello."}
    async with httpx.AsyncClient(base_url=locked.url, trust_env=False, timeout=WAIT_S) as http:
        for headers, status in (({"xi-api-key": "wrong"}, 401), ({}, 401), ({"xi-api-key": "sesame"}, 200)):
            answer = await http.post("/v1/text-to-speech/sine", json=body, headers=headers)
            assert answer.status_code == status
            if status == 401:
                assert answer.json()["detail"]["status"] == "invalid_api_key"


@pytest.mark.parametrize("place", ["voice", "output_format", "language_code"])
async def test_a_reason_of_many_bytes_is_cut_and_the_code_arrives(server: ServerProcess, place: str) -> None:
    """A close frame holds 123 bytes of it; with more, the connection broke without a code."""
    wide = quote("😀" * 100)
    async with contexts(server, **({"voice": wide} if place == "voice" else {place: wide})) as client:
        assert "error" in await client.hear()
        code, reason = await client.closed()
    assert code == 1008 and reason


@pytest.mark.parametrize("length", [9_000, 60_000, 500_000])
async def test_a_handshake_that_is_too_long_is_answered(server: ServerProcess, length: int) -> None:
    """The WebSocket library takes 8192 bytes a line; uvicorn then left the client waiting for ever."""
    for query in ({"x": "a" * length}, {"voice": "v" * length}):
        with pytest.raises(InvalidStatus) as refused:
            async with asyncio.timeout(WAIT_S), contexts(server, **query):
                pass
        assert refused.value.response.status_code == 400
