"""Utterances from the response cache: the same events, a record that says so, and an admission that learns nothing."""

from __future__ import annotations

import asyncio

import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.errors import Overloaded
from syrinx.core.types import Append, Audio, Failed, Finished, Flush, Open, SpeechRequest, SynthesisJob
from syrinx.engine.admission import AdmissionPolicy
from syrinx.engine.engine import Engine
from syrinx.engine.policy import EnginePolicy, FirstPiece, SessionOptions
from syrinx.store.cache import AudioCache
from syrinx.workers.caching.host import CachingHost
from syrinx.workers.host import JobTerms
from tests.fakes.host import FakeHost, FakeStream
from tests.fakes.stage import Records, events_until_end, send_all, whole
from tests.store.audio import Ledger, MemoryBlobs

WAIT_S = 10.0
"""Longest wait for what takes a moment."""


class SlowHost(FakeHost):
    """Each job takes ten seconds of the clock."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def submit(self, job: SynthesisJob, terms: JobTerms) -> FakeStream:
        self._clock.advance(10.0)
        return super().submit(job, terms)


class CachedStage:
    """An engine over a caching host over a fake model."""

    def __init__(self, admission: AdmissionPolicy | None = None) -> None:
        self.clock = FakeClock(100.0)
        self.model = SlowHost(self.clock)
        self.cache = AudioCache(MemoryBlobs(), 10_000_000, Ledger().change)
        self.records = Records()
        policy = EnginePolicy(admission or AdmissionPolicy(), first_piece=FirstPiece(max_words=0))
        host = CachingHost(self.model, self.cache, "auto", {})
        self.engine = Engine([host], policy, clock=self.clock, observer=self.records)

    async def speak(self, text: str, *, cache: bool | None = None) -> tuple[bytes, list[str]]:
        """The audio, and the names of all events."""
        session = self.engine.session(SessionOptions("test", owner="key-12"))
        send_all(session, *whole("u", text, SpeechRequest(cache=cache)))
        events = await events_until_end(session)
        session.close()
        await asyncio.sleep(0)
        await self.cache.settled()
        assert isinstance(events[-1], Finished)
        data = b"".join(event.audio.data for event in events if isinstance(event, Audio))
        return data, [type(event).__name__ for event in events if not isinstance(event, Audio)]


@pytest.fixture
async def stage():
    stage = CachedStage()
    await stage.cache.open([])
    yield stage
    await stage.engine.stop()
    await stage.cache.close()


async def test_a_hit_has_the_same_events_and_audio(stage: CachedStage) -> None:
    first = await stage.speak("One two three. Four five six.")
    second = await stage.speak("One two three. Four five six.")
    assert first == second and len(first[0]) > 1000
    assert len(stage.model.streams) == 2


async def test_the_record_tells_whose_it_was_and_whether_all_of_it_came_from_the_cache(stage: CachedStage) -> None:
    await stage.speak("One two three.")
    await stage.speak("One two three.")
    await stage.speak("One two three. And this is new.")
    await stage.speak("One two three.", cache=False)
    assert [record.cached for record in stage.records.all] == [False, True, False, False]
    assert {record.owner for record in stage.records.all} == {"key-12"}


async def test_hits_do_not_make_the_line_look_short(stage: CachedStage) -> None:
    admission = stage.engine.gate("fake")._admission
    await stage.speak("One two three.")
    learnt_s = admission.mean_wall_s
    for _ in range(20):
        await stage.speak("One two three.")
    assert admission.mean_wall_s == learnt_s
    await stage.speak("Another text.")
    assert admission.mean_wall_s > learnt_s


async def test_one_text_twice_in_an_utterance_is_made_once(stage: CachedStage) -> None:
    await stage.speak("One two three. One two three. One two three.")
    assert len(stage.model.streams) == 1


@pytest.mark.parametrize("max_queued", [0, 8])
async def test_what_is_kept_is_spoken_while_the_model_has_no_place(max_queued: int) -> None:
    stage = CachedStage(AdmissionPolicy(max_running=1, max_queued=max_queued, wait_sla_s=1000.0))
    await stage.cache.open([])
    try:
        kept = await stage.speak("One two three. Four five six.")
        held = stage.engine.session(SessionOptions("test"))
        send_all(held, Open("held", SpeechRequest()), Append("held", "This one holds the only place. "), Flush("held"))
        gate = stage.engine.gate("fake")
        async with asyncio.timeout(WAIT_S):
            while gate.running < 1:
                await asyncio.sleep(0)
            assert await stage.speak("One two three. Four five six.") == kept
        assert (gate.running, gate.queued) == (1, 0)
        waiting = stage.engine.session(SessionOptions("test"))
        send_all(waiting, *whole("u", "One two three. And this is new.", SpeechRequest()))
        if max_queued:
            async with asyncio.timeout(WAIT_S):
                while not gate.queued:
                    await asyncio.sleep(0)
        else:
            failed = (await events_until_end(waiting))[-1]
            assert isinstance(failed, Failed) and isinstance(failed.error, Overloaded)
        waiting.close()
        held.close()
    finally:
        await stage.engine.stop()
        await stage.cache.close()
