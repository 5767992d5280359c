"""The Orpheus dialect on the path it shares, over real sockets: the rows of its acceptance list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import numpy as np
import pytest

from tests.e2e.conftest import Start
from tests.e2e.mixed import Heard, Mixed, frames, mixed, words
from tests.e2e.probe import ended, idle, metric, until
from tests.e2e.talk import PATH, RATE, harmonics, kinds, peak_hz, samples, talk
from tests.fakes.server_process import ServerProcess

CAP = 2
TEXT = "The first words are heard while the last ones are still being made."
HINDI = "नमस्ते! आप कैसे हैं?"
HINGLISH = "Main office ja raha hoon, मीटिंग के लिए, at 5 o'clock."


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """Few places, so that a leak shows."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "0"}
    return start(seed, tone={"x_realtime": 100}, models=("tone", "espeak"), max_lead_s=0)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Mixed]:
    async with mixed(server, PATH) as link:
        yield link


async def say(client: Mixed, text: str, **fields: object) -> Heard:
    """Ask and hear up to the end or an error."""
    await client.send(text=text, **fields)
    return await client.until_type("end", "error")


async def test_4_01_start_binary_end_with_the_segment_echoed(client: Mixed) -> None:
    heard = await say(client, TEXT, temperature=0.4, top_p=0.9, segment_id="s-1")
    start, *_, end = heard
    assert start == {"type": "start", "segment_id": "s-1", "not_applied": ["temperature", "top_p"]}
    assert end == {"type": "end", "segment_id": "s-1"}
    data = b"".join(frames(heard))
    assert len(words(heard)) == 2 and all(len(frame) % 2 == 0 for frame in frames(heard))
    assert len(data) / 2 / RATE == pytest.approx(len(TEXT) * 0.065, abs=0.3)
    assert 195 < peak_hz(samples(data)[:RATE]) < 1205


async def test_4_01_without_a_segment_id_it_is_default(client: Mixed) -> None:
    heard = await say(client, "Hello.")
    assert [word["segment_id"] for word in words(heard)] == ["default", "default"]


async def test_4_02_several_requests_run_in_order_and_continue_false_closes_after_the_last(client: Mixed) -> None:
    for name in ("a", "b"):
        await client.send(text="Hello there.", segment_id=name)
    await client.send(**{"text": "The last words.", "segment_id": "c", "continue": False})
    heard = await client.until(lambda word: word == {"type": "end", "segment_id": "c"})
    told = [(word["type"], word["segment_id"]) for word in words(heard)]
    assert told == [("start", "a"), ("end", "a"), ("start", "b"), ("end", "b"), ("start", "c"), ("end", "c")]
    assert len(b"".join(frames(heard))) > RATE
    assert await client.closed() == 1000


async def test_4_02_continue_false_alone_closes(client: Mixed) -> None:
    await say(client, "Hello.")
    await client.send(**{"continue": False})
    assert await client.closed() == 1000


async def test_4_02_the_parents_form_says_its_own_words(client: Mixed) -> None:
    await client.send(input="Hello.", voice="deep", segment_id="x")
    await client.send(input="  ")
    heard = await client.until_type("no_op")
    assert [word["type"] for word in words(heard)] == ["start", "end", "no_op"]
    await client.send(input="Hello.", voice="nobody", segment_id="y")
    error = await client.next()
    assert isinstance(error, dict) and error["done"] is True and error["segment_id"] == "y" and error["error"]
    assert await client.closed() == 1000


async def test_4_04_empty_text_is_an_error_and_the_socket_lives(client: Mixed) -> None:
    for text in ("", "  \n", "🙂"):
        assert [word["type"] for word in words(await say(client, text))][-1] == "error"
    assert words(await say(client, "Still here."))[-1]["type"] == "end"


async def test_4_07_sampling_out_of_range_is_refused_and_the_socket_lives(client: Mixed) -> None:
    for fields in ({"temperature": 3}, {"temperature": -1}, {"top_p": 0}, {"top_p": 1.5}, {"temperature": "warm"}):
        (error,) = await say(client, "Hello.", **fields)
        assert isinstance(error, dict) and next(iter(fields)) in error["message"]
    assert words(await say(client, "Still here."))[-1]["type"] == "end"


async def test_4_08_the_speaker_can_be_chosen_and_an_unknown_one_is_refused(client: Mixed) -> None:
    timbres = {}
    for voice in ("sine", "deep"):
        heard = await say(client, "{{long 1}}", voice=voice)
        timbres[voice] = harmonics(samples(b"".join(frames(heard))))
    assert timbres["sine"] != timbres["deep"]
    for voice in ("tara", "zoe", "jess", "zac", "leo", "mia", "julia", "leah"):
        assert words(await say(client, "Hello.", voice=voice))[-1]["type"] == "end", voice
    (error,) = await say(client, "Hello.", voice="nobody")
    assert isinstance(error, dict) and error["code"] == "voice_not_found" and error["segment_id"] == "default"


async def test_4_11_the_first_frame_holds_sound_already(client: Mixed) -> None:
    for fields in ({"model": "tone"}, {"model": "espeak"}):
        first, *_ = frames(await say(client, TEXT, **fields))
        assert np.abs(samples(first)).max() > 0.001, "what times the first audio hears something then"


async def test_4_13_a_disconnect_stops_the_model(server: ServerProcess) -> None:
    async with mixed(server, PATH) as client:
        await client.send(text="{{long 3000}}")
        await client.next()
        assert isinstance(await client.next(), bytes)
        client.drop()
    await idle(server)
    await until(lambda: metric(server, "syrinx_websockets") == 0, "the end of the socket")
    async with mixed(server, PATH) as other:
        assert words(await say(other, "Still here."))[-1]["type"] == "end"


async def test_a_cancel_stops_one_segment_and_the_next_is_spoken(client: Mixed) -> None:
    await client.send(text="{{long 3000}}", segment_id="endless")
    await client.send(text="Hello.", segment_id="next")
    await client.next()
    assert isinstance(await client.next(), bytes)
    await client.send(cancel=True, segment_id="endless")
    heard = await client.until_type("end")
    told = heard[-1]
    assert (
        isinstance(told, dict)
        and told["type"] == "end"
        and told["segment_id"] == "endless"
        and told["canceled"] is True
    )
    assert told["heard"] + told["remaining"] == "{{long 3000}}"
    heard = await client.until_type("end")
    assert words(heard) == [{"type": "start", "segment_id": "next"}, {"type": "end", "segment_id": "next"}]


async def test_what_the_model_breaks_is_told_and_the_socket_lives(client: Mixed) -> None:
    error = words(await say(client, "{{long 1}} {{error}}", segment_id="s"))[-1]
    assert (error["type"], error["code"], error["segment_id"]) == ("error", "model_failed", "s")
    assert words(await say(client, "Still here."))[-1]["type"] == "end"


async def test_both_dialects_of_the_path_are_told_apart(server: ServerProcess) -> None:
    async with talk(server) as realtime, mixed(server, PATH) as orpheus:
        both = await asyncio.gather(realtime.say("a", "Hello."), say(orpheus, "Hello."))
    assert kinds(both[0]) == ["created", "output_audio.delta", "completed"]
    assert [word["type"] for word in words(both[1])] == ["start", "end"]


async def test_a_full_server_says_so_and_recovers(server: ServerProcess) -> None:
    async with mixed(server, PATH) as one, mixed(server, PATH) as two, mixed(server, PATH) as third:
        for busy in (one, two):
            await busy.send(text="{{long 3000}}")
            await busy.next()
        refused = ended(server, "overloaded")
        (error,) = await say(third, "Hello.")
        assert isinstance(error, dict) and error["code"] == "overloaded"
        assert ended(server, "overloaded") == refused + 1
    await idle(server)
    async with mixed(server, PATH) as again:
        assert words(await say(again, "Hello."))[-1]["type"] == "end"


async def test_4_14_hindi_and_hinglish_are_heard_whole(server: ServerProcess) -> None:
    for text in (HINDI, HINGLISH):
        lengths = {}
        async with mixed(server, PATH) as client:
            # as escapes and as plain UTF-8: the same text
            for name, ascii_only in (("escaped", True), ("plain", False)):
                request = {"text": text, "model": "espeak", "voice": "hi", "segment_id": HINDI}
                await client.link.send(json.dumps(request, ensure_ascii=ascii_only))
                heard = await client.until_type("end", "error")
                assert words(heard)[-1] == {"type": "end", "segment_id": HINDI}
                lengths[name] = len(b"".join(frames(heard)))
        assert lengths["escaped"] == pytest.approx(lengths["plain"], rel=0.01) and lengths["plain"] > 2 * RATE


async def test_4_15_text_of_a_minute_is_complete(client: Mixed) -> None:
    heard = await say(client, "One more sentence of this long text. " * 25)
    sound = samples(b"".join(frames(heard)))
    assert len(sound) / RATE == pytest.approx(25 * 37 * 0.065, rel=0.05) and len(sound) / RATE > 55
    assert all(np.abs(part).max() > 0.05 for part in np.array_split(sound, 60)), "it sounds to the end"


async def test_4_15_a_real_voice_speaks_a_long_text_to_its_end(server: ServerProcess) -> None:
    async with mixed(server, PATH) as client:
        heard = await say(client, "This is sentence number one of a text that goes on. " * 20, model="espeak")
    sound = samples(b"".join(frames(heard)))
    assert len(sound) / RATE > 40
    assert np.abs(sound[-RATE:]).max() > 0.05
