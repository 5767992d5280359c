"""The sidecar's jobs over real sockets: rows 0-01 to 0-03, 0-08 to 0-10 and 0-19 to 0-27, 0-31, 0-32."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.e2e.conftest import Start
from tests.e2e.probe import until
from tests.e2e.sidecar import (
    BEARER,
    TOKEN,
    UNKNOWN,
    Sidecar,
    chunks,
    idle,
    kinds,
    next_of,
    pcm,
    ranges,
    refused,
    rest,
    sidecar,
    slow_listener,
    sound,
)
from tests.fakes.server_process import ServerPool, ServerProcess

LONG = "A sentence of some words, as they come. " * 40
"""About 100 s of the tone model's audio."""
ROUTES = (
    ("GET", "/v1/health"),
    ("GET", "/v1/voices"),
    ("POST", "/v1/voices/clone"),
    ("PATCH", f"/v1/voices/{UNKNOWN}"),
    ("DELETE", f"/v1/voices/{UNKNOWN}"),
    ("POST", "/v1/speak"),
    ("POST", "/v1/cancel"),
    ("POST", f"/v1/jobs/{UNKNOWN}/playback"),
    ("POST", "/v1/warmup"),
    ("POST", "/v1/models/activate"),
    ("POST", "/v1/models/prefetch"),
    ("POST", "/v1/quit"),
)


@pytest.fixture(scope="module")
def server(servers: ServerPool) -> ServerProcess:
    """Shared with the other tests of the sidecar; makes audio as fast as it can."""
    return servers.get(("tone", "espeak"), api_key=TOKEN, max_lead_s=0)


@pytest.fixture(scope="module")
def paced(start: Start) -> ServerProcess:
    """As it is by default: never far ahead of its listener."""
    return start({"SPEAK_SELECTION_ENGINE_TOKEN": TOKEN})


@pytest.fixture
async def side(server: ServerProcess) -> AsyncIterator[Sidecar]:
    async with sidecar(server.url) as client:
        yield client


@pytest.fixture(scope="module")
def small(start: Start, tmp_path_factory: pytest.TempPathFactory) -> ServerProcess:
    """Keeps next to nothing, makes audio as fast as it can, knows two callers."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(f"{TOKEN}\nother\n")
    return start(tone={"x_realtime": 2000}, api_key_file=keys, history_bytes=400_000, history_s=1.0, max_lead_s=0)


# --- who may call ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
async def test_0_01_bearer_auth_on_every_route(server: ServerProcess, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
        for method, path in ROUTES:
            answer = await http.request(method, path, headers=headers)
            refused(answer, 401, "UNAUTHORIZED")
        scheme = {"Authorization": f"bEaReR {TOKEN}"}
        assert (await http.get("/v1/health", headers=scheme)).status_code == 200


async def test_0_02_socket_auth_by_header_or_subprotocols(side: Sidecar) -> None:
    job = await side.speak("Hello there.")
    async with side.listen(job) as link:
        assert link.subprotocol is None
        assert kinds(await rest(link))[-1] == "JOB_DONE"
    async with connect(
        job["ws_url"], subprotocols=[Subprotocol("auth.bearer.v1"), Subprotocol(TOKEN)], proxy=None
    ) as link:
        assert link.subprotocol == "auth.bearer.v1"
        assert kinds(await rest(link))[-1] == "JOB_DONE"
    code, _ = await side.closed_with(job["ws_url"], subprotocols=[TOKEN, "auth.bearer.v1"])
    assert code == 4401


async def test_0_03_bad_token_and_unknown_job_are_told_apart(side: Sidecar) -> None:
    job = await side.speak("Hello there.")
    wrong = {"Authorization": "Bearer wrong"}
    assert (await side.closed_with(job["ws_url"]))[0] == 4401
    assert (await side.closed_with(job["ws_url"], additional_headers=wrong))[0] == 4401
    assert await side.closed_with(job["ws_url"], subprotocols=["auth.bearer.v1", "wrong"]) == (4401, "auth.bearer.v1")
    for job_id in (UNKNOWN, "x", "..%2f", "0" * 3000):
        code, _ = await side.closed_with(side.stream_url(job_id), additional_headers=BEARER)
        assert code == 4404, job_id


async def test_another_caller_has_no_part_in_a_job(small: ServerProcess) -> None:
    async with sidecar(small.url) as mine, sidecar(small.url, "other") as theirs:
        job = await mine.speak("Hello. {{long 2}} {{stall 1}} You.")
        code, _ = await theirs.closed_with(job["ws_url"], additional_headers={"Authorization": "Bearer other"})
        assert code == 4404
        refused(await theirs.post("/v1/cancel", job_id=job["job_id"]), 404, "JOB_NOT_FOUND")
        refused(await theirs.post(f"/v1/jobs/{job['job_id']}/playback", rate=2), 404, "JOB_NOT_FOUND")
        assert kinds(await theirs.say("Mine."))[-1] == "JOB_DONE"
        assert kinds(await mine.hear(job))[-1] == "JOB_DONE", "another's job does not supersede it"


# --- speak ----------------------------------------------------------------------------------------------------------


async def test_0_08_speak_without_a_voice(side: Sidecar) -> None:
    for said in ({}, {"voice_id": None}, {"voice_id": 0}, {"voice_id": ""}, {"voice_id": "0"}):
        answer = await side.post("/v1/speak", text="Hello there.", **said)
        assert answer.status_code == 200, answer.text
        job = answer.json()
        assert set(job) == {"job_id", "ws_url"}
        assert str(uuid.UUID(job["job_id"])) == job["job_id"]
        assert job["ws_url"].endswith(f"/v1/stream/{job['job_id']}")
        events = await side.hear(job)
        assert kinds(events)[-1] == "JOB_DONE" and len(pcm(events)) > 10_000


async def test_0_09_ws_url_is_reachable_as_given(server: ServerProcess, side: Sidecar) -> None:
    for host in ("127.0.0.1", "localhost", "sidecar.localhost"):
        headers = {"Host": f"{host}:{server.port}"}
        answer = await side.http.post("/v1/speak", json={"text": "Hello."}, headers=headers)
        assert answer.json()["ws_url"].startswith(f"ws://{host}:{server.port}/v1/stream/")
    assert kinds(await side.hear(await side.speak("Hello.")))[-1] == "JOB_DONE"
    proxied = {"X-Forwarded-Host": "tts.example", "X-Forwarded-Proto": "https"}
    answer = await side.http.post("/v1/speak", json={"text": "Hello."}, headers=proxied)
    assert answer.json()["ws_url"].startswith("wss://tts.example/v1/stream/")


async def test_0_09_ws_url_through_a_proxy_on_another_port(server: ServerProcess) -> None:
    """A plain relay: the client's own Host header is all the server has to go by."""
    relay = await asyncio.start_server(lambda reader, writer: _relay(reader, writer, server.port), "127.0.0.1", 0)
    port = relay.sockets[0].getsockname()[1]
    try:
        async with sidecar(f"http://127.0.0.1:{port}") as side:
            job = await side.speak("Hello.")
            assert job["ws_url"].startswith(f"ws://127.0.0.1:{port}/")
            assert kinds(await side.hear(job))[-1] == "JOB_DONE"
    finally:
        relay.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()

    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


async def test_0_10_speak_errors(side: Sidecar) -> None:
    for blank in ("", "  ", "\n\t"):
        refused(await side.post("/v1/speak", text=blank), 400, "EMPTY_TEXT")
    refused(await side.post("/v1/speak", text="Hi.", voice_id=UNKNOWN), 404, "VOICE_NOT_FOUND")
    for wrong in ("zzz", "../x", 7, True, [], {}):
        error = refused(await side.post("/v1/speak", text="Hi.", voice_id=wrong), 400, "INVALID_REQUEST")
        (field,) = error["details"]["errors"]
        assert field["loc"] == ["body", "voice_id"] and field["type"] and field["msg"]
    refused(await side.post("/v1/speak", text="Hi.", language="xx"), 400, "INVALID_REQUEST")
    refused(await side.post("/v1/speak", text="x" * 200_001), 400, "INVALID_REQUEST")


async def test_a_refused_speak_leaves_the_running_job_alone(side: Sidecar) -> None:
    job = await side.speak("Hello there, you. {{long 5}}")
    refused(await side.post("/v1/speak", text=" "), 400, "EMPTY_TEXT")
    refused(await side.post("/v1/speak", text="Hi.", voice_id=UNKNOWN), 404, "VOICE_NOT_FOUND")
    assert kinds(await side.hear(job))[-1] == "JOB_DONE"


async def test_text_without_a_sound_ends_with_its_own_word(side: Sidecar) -> None:
    events = await side.say("🙂🙂")
    assert kinds(events) == ["JOB_STARTED", "JOB_ERROR"]
    assert events[-1]["error"]["code"] == "EMPTY_TEXT"


# --- events ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Hi.", "Hello there, you.", LONG[:400]])
async def test_0_19_event_order(side: Sidecar, text: str) -> None:
    job = await side.speak(text)
    events = await side.hear(job)  # which checks the close
    told = kinds(events)
    assert told[0] == "JOB_STARTED" and told[-1] == "JOB_DONE"
    assert set(told[1:-1]) == {"AUDIO_CHUNK"}
    assert len(told) >= 4, "its player waits for two chunks"
    assert [event["seq"] for event in chunks(events)] == list(range(1, len(told) - 1))
    assert {event["job_id"] for event in events} == {job["job_id"]}


async def test_0_20_audio_chunk_fields(side: Sidecar) -> None:
    events = chunks(await side.say(LONG[:400]))
    for event in events:
        assert set(event) == {"type", "job_id", "seq", "audio", "text_range"}
        assert set(event["text_range"]) == {"chunk_index", "start_char", "end_char"}
        audio = event["audio"]
        assert {**audio, "data_base64": ""} == {
            "format": "pcm_s16le",
            "sample_rate": 24000,
            "channels": 1,
            "data_base64": "",
        }
        data = base64.b64decode(audio["data_base64"], validate=True)
        assert data and len(data) % 2 == 0
    assert len(base64.b64decode(events[0]["audio"]["data_base64"])) <= 24000 * 2 // 10, "the first comes at once"


@pytest.mark.parametrize("lead", ["", "   ", "\n\n\t "])
async def test_0_21_text_range_indexes_the_text_as_sent(side: Sidecar, lead: str) -> None:
    text = lead + "It was late. Dr. Smith, who had waited, went home! 🙂 Nobody saw him; nobody. " * 4 + " \n"
    found = ranges(await side.say(text, chunking={"max_chars": 100}))
    assert [index for index, *_ in found] == list(range(len(found))) and len(found) > 2
    slices = [text[start:end] for _, start, end in found]
    assert slices[0].startswith("It was late.") and slices[-1].endswith("nobody.")
    assert all(part == part.strip() for part in slices)
    assert "".join("".join(slices).split()) == "".join(text.split()), "every character belongs to a chunk"


async def test_0_22_late_and_parallel_subscribers_get_the_whole_stream(side: Sidecar) -> None:
    job = await side.speak(LONG[:300])
    both = await asyncio.gather(side.hear(job), side.hear(job))
    late = await side.hear(job)
    assert both[0] == both[1] == late
    assert kinds(late)[-1] == "JOB_DONE" and len(pcm(late)) > 24000


async def test_0_22_a_subscriber_that_leaves_is_no_loss(side: Sidecar) -> None:
    job = await side.speak("Hello there, you. {{long 5}}")
    async with side.listen(job) as link:
        await next_of(link)
        link.transport.abort()
    assert kinds(await side.hear(job))[-1] == "JOB_DONE"


async def test_0_23_a_slow_subscriber_still_ends(side: Sidecar) -> None:
    job = await side.speak("Go on. {{long 120}}")
    async with slow_listener(side, job) as link:
        await next_of(link)
        fast = await side.hear(job)
        slow = await rest(link)
    assert kinds(slow)[-1] == "JOB_DONE"
    assert pcm(slow) == pcm(fast) and len(pcm(fast)) > 120 * 48000


async def test_0_23_one_that_fell_behind_what_is_kept_is_told(small: ServerProcess) -> None:
    async with sidecar(small.url) as side:
        job = await side.speak("Go on. {{long 200}}")
        async with slow_listener(side, job) as link:
            await next_of(link)
            await idle(small)
            async with asyncio.timeout(20):
                with pytest.raises(AssertionError):
                    await rest(link)
            assert link.close_code == 1008 and "behind" in (link.close_reason or "")


async def test_a_late_subscriber_gets_what_is_kept(small: ServerProcess) -> None:
    async with sidecar(small.url) as side:
        job = await side.speak("Go on. {{long 200}}")
        await idle(small)
        events = await side.hear(job)
        assert kinds(events)[0] == "JOB_STARTED" and kinds(events)[-1] == "JOB_DONE"
        assert len(pcm(events)) <= 400_000 and chunks(events)[0]["seq"] > 1


async def test_a_job_is_forgotten_in_time(small: ServerProcess) -> None:
    async with sidecar(small.url) as side:
        job = await side.speak("Hello.")
        assert kinds(await side.hear(job))[-1] == "JOB_DONE"

        def gone() -> bool:
            answer = httpx.post(
                f"{small.url}/v1/cancel", json={"job_id": job["job_id"]}, headers=BEARER, trust_env=False
            )
            return answer.status_code == 404

        await until(gone, "an end")
        async with asyncio.timeout(20):
            while (await side.closed_with(job["ws_url"], additional_headers=BEARER))[0] != 4404:
                await asyncio.sleep(0.1)


# --- cancel ---------------------------------------------------------------------------------------------------------


async def test_0_24_cancel_drops_the_chunk_in_flight(server: ServerProcess, side: Sidecar) -> None:
    job = await side.speak("Hello there, you. {{long 900}}")
    async with side.listen(job) as link:
        while (await next_of(link))["type"] != "AUDIO_CHUNK":
            pass
        answer = await side.post("/v1/cancel", job_id=job["job_id"])
        said = answer.json()
        assert answer.status_code == 200 and said["canceled"] is True
        assert said["heard"] + said["remaining"] == "Hello there, you. {{long 900}}"
        after = await rest(link)
        assert kinds(after)[-1] == "JOB_CANCELED"
    assert kinds(await side.hear(job)) == ["JOB_STARTED", "JOB_CANCELED"], "nothing is heard after it, late or not"
    await idle(server)


async def test_0_25_cancel_of_an_unknown_or_finished_job(side: Sidecar) -> None:
    refused(await side.post("/v1/cancel", job_id=UNKNOWN), 404, "JOB_NOT_FOUND")
    refused(await side.post("/v1/cancel", job_id="x"), 404, "JOB_NOT_FOUND")
    job = await side.speak("Hello.")
    assert kinds(await side.hear(job))[-1] == "JOB_DONE"
    refused(await side.post("/v1/cancel", job_id=job["job_id"]), 404, "JOB_NOT_FOUND")
    assert kinds(await side.hear(job))[-1] == "JOB_DONE"
    job = await side.speak(LONG)
    assert (await side.post("/v1/cancel", job_id=job["job_id"])).status_code == 200
    refused(await side.post("/v1/cancel", job_id=job["job_id"]), 404, "JOB_NOT_FOUND")


async def test_0_26_a_new_speak_supersedes_the_old_job(server: ServerProcess, side: Sidecar) -> None:
    old = await side.speak(LONG)
    async with side.listen(old) as link:
        assert (await next_of(link))["type"] == "JOB_STARTED"
        new = await side.speak("Hello there.")
        assert kinds(await rest(link))[-1] == "JOB_CANCELED"
    assert kinds(await side.hear(new))[-1] == "JOB_DONE"
    refused(await side.post("/v1/cancel", job_id=old["job_id"]), 404, "JOB_NOT_FOUND")
    await idle(server)


async def test_0_26_also_where_there_is_one_place(start: Start) -> None:
    one = {"SPEAK_SELECTION_ENGINE_TOKEN": TOKEN, "MAX_CONCURRENT_JOBS": "1", "MAX_QUEUED_REQUESTS": "0"}
    server = start(one)
    async with sidecar(server.url) as side:
        jobs = [await side.speak("Hello there, you. {{long 60}}") for _ in range(5)]
        last = await side.speak("Hello there.")
        assert kinds(await side.hear(last))[-1] == "JOB_DONE"
        for job in jobs:
            assert kinds(await side.hear(job))[-1] == "JOB_CANCELED"


async def test_0_27_inference_failure(server: ServerProcess, side: Sidecar) -> None:
    events = await side.say("Hello there, you. {{error}} And on.")
    assert kinds(events)[0] == "JOB_STARTED" and kinds(events)[-1] == "JOB_ERROR"
    error = events[-1]["error"]
    assert error["code"] == "INFERENCE_FAILED" and error["message"] and error["details"] == {}
    assert kinds(await side.say("Hello."))[-1] == "JOB_DONE"


# --- chunking and playback ------------------------------------------------------------------------------------------


async def test_0_31_max_chars_is_honoured(side: Sidecar) -> None:
    text = ("It was late. The man, who had waited for a long time, went home at last! Nobody saw him go. " * 12).strip()
    longest: list[int] = []
    for max_chars in (100, 400, 1000):
        found = ranges(await side.say(text, rate=4.0, chunking={"max_chars": max_chars}))
        lengths = [end - start for _, start, end in found]
        assert max(lengths) <= max_chars
        longest.append(max(lengths))
    assert longest == sorted(set(longest)) and longest[-1] > 400
    words = "word " * 100
    assert (
        max(end - start for _, start, end in ranges(await side.say(words, rate=4.0, chunking={"max_chars": 100})))
        <= 100
    )


async def test_audio_is_made_little_ahead_of_the_listener(paced: ServerProcess) -> None:
    async with sidecar(paced.url) as side:
        began = asyncio.get_running_loop().time()
        job = await side.speak("Go on. {{long 60}}")
        heard_s = 0.0
        async with side.listen(job) as link:
            while heard_s < 11.0:
                event = await next_of(link)
                heard_s += len(pcm([event])) / 48000
                assert heard_s <= 10 + (asyncio.get_running_loop().time() - began) + 2.0
        assert (await side.post("/v1/cancel", job_id=job["job_id"])).status_code == 200


async def test_0_32_live_playback_update(paced: ServerProcess) -> None:
    async with sidecar(paced.url) as side:
        job = await side.speak("Go on. {{long 20}}")
        path = f"/v1/jobs/{job['job_id']}/playback"
        async with side.listen(job) as link:
            begun = [await next_of(link), await next_of(link)]
            answer = await side.post(path, volume=0.1, rate=4.0)
            assert answer.status_code == 200 and answer.json() == {"updated": True}, answer.text
            events = [*begun, *await rest(link)]
        assert kinds(events)[-1] == "JOB_DONE"
        heard = sound(events)
        assert len(heard) / 24000 < 20 - 5, "the rest is faster"
        loud, soft = heard[: 24000 // 4], heard[-24000:]
        assert np.sqrt(np.mean(soft**2)) < 0.2 * np.sqrt(np.mean(loud**2)), "and softer"
        refused(await side.post(path, rate=2.0), 404, "JOB_NOT_FOUND")
        refused(await side.post(f"/v1/jobs/{UNKNOWN}/playback", rate=2.0), 404, "JOB_NOT_FOUND")
        refused(await side.post(path), 400, "INVALID_REQUEST")
        refused(await side.post(path, rate=9), 400, "INVALID_REQUEST")


async def test_unknown_routes_keep_the_servers_own_answer(side: Sidecar) -> None:
    assert (await side.http.get("/v1/nothing")).status_code == 404
    assert (await side.http.get("/v1/speak")).status_code == 405
