"""Jobs: what is kept of them, who ends whom, and how they end."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import pytest

from syrinx.core.errors import InvalidRequest, Overloaded
from syrinx.core.types import SpeechRequest
from syrinx.protocols.voicereader.answers import AudioPiece
from syrinx.protocols.voicereader.requests import Playback
from syrinx.protocols.voicereader.text import TextChunks, cut
from syrinx.server.voicereader.jobs import Job, JobPolicy, Jobs
from tests.fakes.engine import PIECE, FakeEngine

REQUEST = SpeechRequest()


def jobs(engine: FakeEngine | None = None, **policy: Any) -> Jobs:
    return Jobs((engine or FakeEngine()).as_engine(), JobPolicy(**policy))


def speak(store: Jobs, owner: str = "me", text: str = "Hello there.") -> Job:
    return store.speak(owner, REQUEST, cut(text, 400))


async def heard(job: Job) -> tuple[list[AudioPiece], str]:
    """The pieces, and the kind of the last message."""
    pieces: list[AudioPiece] = []
    async for said in job.tape.listen():
        if isinstance(said, bytes):
            return pieces, json.loads(said)["type"]
        pieces.append(said)
    raise AssertionError("it has no end")


async def test_a_short_text_comes_in_two_pieces() -> None:
    pieces, last = await heard(speak(jobs()))
    assert last == "JOB_DONE"
    assert [piece.seq for piece in pieces] == [1, 2]
    assert b"".join(piece.data for piece in pieces) == PIECE
    assert all(len(piece.data) % 2 == 0 for piece in pieces)


async def test_the_text_is_handed_over_as_it_is_cut() -> None:
    engine = FakeEngine()
    text = "  One sentence that is long enough to stand alone here. " * 6
    job = jobs(engine).speak("me", REQUEST, cut(text, 100))
    await heard(job)
    said = [event.text for event in engine.sessions[0].received if hasattr(event, "text")]  # type: ignore[attr-defined]
    assert "".join(said) == text and len(said) > 2
    assert engine.sessions[0].options.protocol == "voicereader" and engine.sessions[0].options.owner == "me"


async def test_a_new_job_ends_the_old_one_of_its_caller_only() -> None:
    store = jobs()
    mine, theirs = speak(store, "me", "{{hold}}"), speak(store, "they", "{{hold}}")
    new = speak(store, "me", "{{hold}}")
    assert not mine.running and theirs.running and new.running and store.running
    assert (await heard(mine)) == ([], "JOB_CANCELED")
    store.close()
    assert not store.running
    assert (await heard(theirs))[1] == (await heard(new))[1] == "JOB_CANCELED"


async def test_a_job_that_cannot_begin_ends_nothing() -> None:
    engine = FakeEngine()
    store = jobs(engine)
    job = speak(store, text="{{hold}}")
    engine.draining = True
    with pytest.raises(Overloaded):
        speak(store)
    assert job.running
    store.close()


async def test_cancel_and_adjust_once_it_has_ended() -> None:
    store = jobs()
    job = speak(store)
    await heard(job)
    for call in (job.cancel, lambda: job.adjust(Playback(rate=2.0))):
        with pytest.raises(InvalidRequest) as raised:
            call()
        assert raised.value.code == "job_not_found"


async def test_who_may_find_a_job() -> None:
    store = jobs()
    job = speak(store, "me")
    assert store.find(job.id, "me") is store.find(job.id, None) is job
    for wrong in ((job.id, "they"), ("x", "me"), ("", None)):
        with pytest.raises(InvalidRequest):
            store.find(*wrong)
    await heard(job)


@pytest.mark.parametrize("said", ["{{error}}", "{{busy}}", "{{break}}", "{{bug}}"])
async def test_what_goes_wrong_is_told(said: str) -> None:
    _, last = await heard(speak(jobs(), text=said))
    assert last == "JOB_ERROR"


async def test_a_session_that_is_closed_from_outside_ends_its_job() -> None:
    engine = FakeEngine()
    job = speak(jobs(engine), text="{{hold}}")
    await asyncio.sleep(0)
    engine.sessions[0].close()
    assert (await heard(job))[1] == "JOB_CANCELED"


async def test_ended_jobs_go_first_then_the_beginning_of_the_longest() -> None:
    store = jobs(max_bytes=3 * len(PIECE))
    old, new = speak(store, "me"), speak(store, "they")
    await heard(old)
    await heard(new)
    endless = speak(store, "she", "{{endless}}")
    async with asyncio.timeout(10):
        while endless.tape.count < 20:
            await asyncio.sleep(0)
    for job in (old, new):
        with pytest.raises(InvalidRequest):
            store.find(job.id, None)
    assert 0 < endless.tape.size <= 3 * len(PIECE)
    endless.cancel()
    assert endless.tape.size == 0


async def test_no_more_jobs_are_kept_than_may_be() -> None:
    store = jobs(max_jobs=2)
    first = speak(store, "a")
    await heard(first)
    await asyncio.sleep(0)
    speak(store, "b", "{{hold}}")
    speak(store, "c", "{{hold}}")
    with pytest.raises(InvalidRequest):
        store.find(first.id, None)
    with pytest.raises(Overloaded):
        speak(store, "d")
    store.close()


async def test_an_ended_job_keeps_neither_text_nor_session() -> None:
    engine = FakeEngine()
    store = jobs(engine)
    text = "A word and another. " * 50
    job = speak(store, text=text)
    await heard(job)
    while store._current:
        await asyncio.sleep(0)
    assert engine.sessions[0].closed
    assert not [found for found in gc.get_referrers(text) if isinstance(found, TextChunks)]


async def test_a_job_is_forgotten_after_its_time() -> None:
    store = jobs(keep_s=0.0)
    job = speak(store)
    await heard(job)
    async with asyncio.timeout(10):
        while True:
            try:
                store.find(job.id, None)
            except InvalidRequest:
                break
            await asyncio.sleep(0)
    assert job.tape.size == 0
