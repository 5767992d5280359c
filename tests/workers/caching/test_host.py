"""A host that makes nothing twice: hits, single flight, pace, and every way in which a making can end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, SyrinxError, WorkerLost
from syrinx.core.types import AudioChunk, Mark, MarkKind, ServiceClass, Span, SynthesisJob, VoicePrompt
from syrinx.store.cache import AudioCache
from syrinx.workers.caching import tape as tape_module
from syrinx.workers.caching.host import CachingHost
from syrinx.workers.caching.policy import Mode
from syrinx.workers.caching.stream import CachedStream
from syrinx.workers.host import HostState, HostStatus, JobStream, JobTerms, Origin
from tests.fakes.host import INFO, RATE, FakeHost, FakeStream
from tests.store.audio import Ledger, MemoryBlobs, same

WAIT_S = 10.0
BULK = ServiceClass.BULK
MARK = Mark(MarkKind.WORD, Span(0, 5), 0.0, 0.1)


class Rig:
    """A caching host over a fake one that is made to speak by the test."""

    def __init__(self, mode: Mode = "auto", **info: Any) -> None:
        self.blobs = MemoryBlobs()
        self.model = FakeHost(auto=False, info=replace(INFO, **info))
        self.cache = AudioCache(self.blobs, 10_000_000, Ledger().change)
        self.host = CachingHost(self.model, self.cache, mode, {})
        self._jobs = 0

    def ask(self, text: str = "Hello.", index: int = 0, terms: JobTerms | None = None, **fields: Any) -> JobStream:
        self._jobs += 1
        job = SynthesisJob(f"job{self._jobs}", text, "ann", "en", segment_index=index, **fields)
        return self.host.submit(job, terms or JobTerms(f"line{self._jobs}"))

    @property
    def made(self) -> list[FakeStream]:
        return self.model.streams

    async def kept(
        self, text: str = "Hello.", seconds: Sequence[float] = (0.2, 0.3), **fields: Any
    ) -> list[AudioChunk]:
        """Have the model make this text, and the cache keep it."""
        stream = self.ask(text, **fields)
        speak(self.made[-1], seconds)
        heard = await hear(stream)
        await self.cache.settled()
        return heard


def speak(stream: FakeStream, seconds: Sequence[float] = (0.2, 0.3), error: SyrinxError | None = None) -> None:
    for number, length in enumerate(seconds):
        stream.give(length, (MARK,) if number == 0 else (), level=0.1 * (number + 1))
    stream.end(error)


async def hear(stream: JobStream, **patience: float) -> list[AudioChunk]:
    """All of it."""
    heard: list[AudioChunk] = []
    async with asyncio.timeout(WAIT_S):
        while chunks := await stream.read(**patience):
            heard += chunks
    return heard


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.cache.open([])
    yield rig
    await rig.host.stop()
    await rig.cache.close()


def seconds(chunks: Sequence[AudioChunk]) -> float:
    return sum(len(chunk.samples) for chunk in chunks) / RATE


# --- hits ----------------------------------------------------------------------------------------------------------


async def test_what_was_made_once_is_played_from_then_on(rig: Rig) -> None:
    first = await rig.kept()
    again = rig.ask()
    assert same(await hear(again), first)
    assert (again.origin, len(rig.made)) == (Origin.CACHE, 1)
    assert (rig.cache.counts.hits, rig.cache.counts.misses, rig.cache.counts.shared) == (1, 1, 0)


async def test_the_first_listener_hears_it_as_the_model_makes_it(rig: Rig) -> None:
    stream = rig.ask()
    reading = asyncio.create_task(stream.read())
    rig.made[0].give(0.1, (MARK,))
    (chunk,) = await asyncio.wait_for(reading, WAIT_S)
    assert (len(chunk.samples), chunk.marks) == (0.1 * RATE, (MARK,))
    rig.made[0].end()
    assert await stream.read() == [] and stream.origin is Origin.MODEL


async def test_what_is_not_in_memory_any_more_is_read_from_its_file(rig: Rig) -> None:
    first = await rig.kept(seconds=[3.0, 3.0])
    assert rig.blobs.reads == 0
    assert same(await hear(rig.ask()), first)
    assert (rig.blobs.reads, len(rig.made)) == (1, 1)


async def test_a_broken_file_is_made_anew_unheard_of_by_the_listener(rig: Rig) -> None:
    await rig.kept(seconds=[3.0, 3.0])
    name = next(iter(rig.blobs.files))
    rig.blobs.files[name] = rig.blobs.files[name][:-1]
    both = [asyncio.create_task(hear(rig.ask())) for _ in range(2)]
    await turns(50)
    async with asyncio.timeout(WAIT_S):
        while len(rig.made) < 2:
            await asyncio.sleep(0.005)
    speak(rig.made[1], [0.5])
    assert [seconds(heard) for heard in await asyncio.gather(*both)] == [0.5, 0.5]
    assert (len(rig.made), rig.cache.counts.corrupt >= 1) == (2, True)
    await rig.cache.settled()
    assert seconds(await hear(rig.ask())) == 0.5


async def test_silence_is_kept_too(rig: Rig) -> None:
    assert await rig.kept(seconds=[]) == []
    assert await hear(rig.ask()) == [] and len(rig.made) == 1


async def test_a_hit_comes_in_pieces_the_first_one_short(rig: Rig) -> None:
    await rig.kept(seconds=[0.125] * 60)
    stream = rig.ask()
    assert [seconds(await stream.read()) for _ in range(6)] == [0.125, 0.125, 0.25, 0.5, 1.0, 1.0]
    assert seconds(await stream.read(least_s=2.0, patience_s=60.0)) == pytest.approx(2.0)


async def test_a_canceled_hit_is_silent_and_idle_at_once(rig: Rig) -> None:
    await rig.kept(seconds=[0.1] * 9)
    stream = rig.ask()
    assert await stream.read()
    stream.cancel()
    stream.cancel()
    assert await stream.read() == [] and await stream.wait_idle() == 0.0


async def test_a_hit_that_is_canceled_while_its_file_is_read_ends_at_once(rig: Rig) -> None:
    await rig.kept(seconds=[3.0, 3.0])
    rig.blobs.gate = asyncio.Event()
    stream = rig.ask()
    reading = asyncio.create_task(stream.read())
    await turns()
    stream.cancel()
    assert await asyncio.wait_for(reading, WAIT_S) == []
    rig.blobs.gate.set()


async def test_a_model_that_has_stopped_plays_nothing_either(rig: Rig) -> None:
    await rig.kept()

    def refuse(job: SynthesisJob, terms: JobTerms) -> FakeStream:
        raise ModelNotReady("It is stopped.")

    rig.model.submit = refuse  # type: ignore[method-assign]
    rig.model.status = HostStatus(HostState.RESTARTING)
    assert await hear(rig.ask())
    rig.model.status = HostStatus(HostState.STOPPED)
    with pytest.raises(ModelNotReady):
        rig.ask()


# --- whom it is for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "sampled", "asked", "makings"),
    [
        ("auto", False, None, 1),
        ("auto", True, None, 2),
        ("auto", True, True, 1),
        ("all", True, None, 1),
        ("all", False, False, 2),
        ("off", False, True, 2),
    ],
)
async def test_setting_model_and_request_decide(mode: Mode, sampled: bool, asked: bool | None, makings: int) -> None:
    rig = Rig(mode, sampled=sampled)
    await rig.cache.open([])
    for _ in range(2):
        stream = rig.ask(terms=JobTerms("line", cache=asked))
        if len(rig.made) and not rig.made[-1].over:
            speak(rig.made[-1])
        assert seconds(await hear(stream)) == pytest.approx(0.5)
        await rig.cache.settled()
    assert len(rig.made) == makings
    await rig.cache.close()


async def test_a_shut_cache_is_no_hindrance() -> None:
    rig = Rig()
    for number in range(2):
        stream = rig.ask()
        speak(rig.made[number])
        assert seconds(await hear(stream)) == pytest.approx(0.5)


async def test_before_the_model_is_known_jobs_pass_through(rig: Rig) -> None:
    rig.model.info = None
    assert isinstance(rig.ask(), FakeStream)


async def test_other_text_or_another_voice_is_made(rig: Rig) -> None:
    await rig.kept("Hello.")
    await rig.kept("Goodbye.")
    await rig.kept("Hello.", prompt=VoicePrompt("digest", "/p"))
    assert len(rig.made) == 3
    rig.cache.only_voices(())
    assert rig.cache.entries == 2


async def test_the_rest_of_the_host_is_passed_through() -> None:
    rig = Rig()
    assert (rig.host.name, rig.host.info, rig.host.status, rig.host.load) == (
        rig.model.name,
        rig.model.info,
        rig.model.status,
        rig.model.load,
    )
    await rig.host.start()
    with pytest.raises(InvalidRequest):
        await rig.host.prepare_voice(None)  # type: ignore[arg-type]
    await rig.host.stop()
    assert rig.model.status.state is HostState.STOPPED


# --- single flight -------------------------------------------------------------------------------------------------


async def test_who_asks_for_what_is_being_made_hears_it_from_its_beginning(rig: Rig) -> None:
    leader = rig.ask()
    rig.made[0].give(0.3, level=0.1)
    assert seconds(await leader.read()) == pytest.approx(0.3)
    follower = rig.ask()
    assert seconds(await follower.read()) == pytest.approx(0.3)
    rig.made[0].give(0.2, level=0.2)
    rig.made[0].end()
    assert seconds(await hear(follower)) == pytest.approx(0.2)
    assert seconds(await hear(leader)) == pytest.approx(0.2)
    assert (leader.origin, follower.origin, len(rig.made)) == (Origin.MODEL, Origin.CACHE, 1)
    assert rig.cache.counts.shared == 1


async def test_a_leader_who_does_not_read_stalls_nobody(rig: Rig) -> None:
    rig.ask()
    follower = rig.ask()
    speak(rig.made[0], [0.5] * 20)
    assert seconds(await hear(follower)) == pytest.approx(10.0)


async def test_nobody_waits_for_what_another_has_to_hear_first(rig: Rig) -> None:
    line, other = JobTerms("line"), JobTerms("other")
    first = rig.ask("Long.", terms=line)
    rig.ask("Hello.", terms=line)
    rig.ask("Hello.", terms=other)
    assert len(rig.made) == 3  # whoever asked first may never read what comes before
    speak(rig.made[0])
    await hear(first)
    rig.ask("Hello.", terms=JobTerms("third"))
    assert len(rig.made) == 3


async def test_two_who_hear_the_same_texts_share_each_of_them(rig: Rig) -> None:
    for text in ("One.", "Two.", "Three."):
        for line in ("a", "b"):
            rig.ask(text, terms=JobTerms(line))
    assert [made.job.text for made in rig.made] == ["One.", "Two.", "Three."]


async def test_a_canceled_leader_leaves_the_job_to_who_still_listens(rig: Rig) -> None:
    leader, follower = rig.ask(), rig.ask()
    rig.made[0].give(0.2)
    await leader.read()
    leader.cancel()
    assert await leader.wait_idle() == 0.0
    assert not rig.made[0].canceled
    rig.made[0].give(0.1)
    rig.made[0].end()
    assert seconds(await hear(follower)) == pytest.approx(0.3)
    await rig.cache.settled()
    assert seconds(await hear(rig.ask())) == pytest.approx(0.3)


async def test_when_the_last_listener_leaves_the_model_stops_and_nothing_is_kept(rig: Rig) -> None:
    leader, follower = rig.ask(), rig.ask()
    rig.made[0].give(0.2)
    await turns()
    leader.cancel()
    follower.cancel()
    assert rig.made[0].canceled
    assert await follower.wait_idle() == 0.001
    assert await follower.read() == []
    await turns()
    await rig.cache.settled()
    assert rig.cache.entries == 0
    rig.ask()
    assert len(rig.made) == 2


async def test_after_a_failure_who_heard_nothing_gets_a_job_of_its_own_once(rig: Rig) -> None:
    leader, first, second = rig.ask(), rig.ask(), rig.ask()
    hearing = [asyncio.create_task(hear(stream)) for stream in (first, second)]
    rig.made[0].end(WorkerLost("It died."))
    with pytest.raises(WorkerLost):
        await hear(leader)
    await turns()
    assert len(rig.made) == 2  # one for both
    speak(rig.made[1])
    assert [seconds(heard) for heard in await asyncio.gather(*hearing)] == pytest.approx([0.5, 0.5])


async def test_a_text_that_kills_every_worker_is_not_tried_for_ever(rig: Rig) -> None:
    streams = [rig.ask() for _ in range(6)]
    hearing = [asyncio.create_task(hear(stream)) for stream in streams]
    tried = 0
    async with asyncio.timeout(WAIT_S):
        while not all(task.done() for task in hearing):
            for made in rig.made[tried:]:
                made.end(WorkerLost("It died."))
            tried = len(rig.made)
            await asyncio.sleep(0)
    ended = await asyncio.gather(*hearing, return_exceptions=True)
    assert all(isinstance(error, WorkerLost) for error in ended)
    assert tried <= 3
    assert rig.cache.entries == 0


async def test_who_heard_some_of_it_hears_of_the_failure(rig: Rig) -> None:
    leader, follower = rig.ask(), rig.ask()
    rig.made[0].give(0.2)
    assert await leader.read() and await follower.read()
    rig.made[0].end(ModelFailed("It broke."))
    for stream in (leader, follower):
        for _ in range(2):
            with pytest.raises(ModelFailed, match="It broke"):
                await stream.read()
    await rig.cache.settled()
    assert rig.cache.entries == 0 and len(rig.made) == 1


async def test_what_can_never_work_is_not_tried_again(rig: Rig) -> None:
    _, follower = rig.ask(), rig.ask()
    rig.made[0].end(InvalidRequest("No such option."))
    with pytest.raises(InvalidRequest):
        await hear(follower)
    assert len(rig.made) == 1


async def test_audio_of_two_runs_is_heard_and_not_kept(rig: Rig) -> None:
    stream = rig.ask()
    rig.made[0].origin = Origin.RESUMED
    speak(rig.made[0])
    assert seconds(await hear(stream)) == pytest.approx(0.5)
    await rig.cache.settled()
    assert (stream.origin, rig.cache.entries) == (Origin.RESUMED, 0)


async def test_a_listener_does_not_wait_for_bulk_work(rig: Rig) -> None:
    rig.ask(terms=JobTerms("book", service_class=BULK))
    rig.ask()
    assert len(rig.made) == 2
    rig.ask()
    rig.ask(terms=JobTerms("book 2", service_class=BULK))
    assert len(rig.made) == 2  # both with the listener's


async def test_two_makings_of_one_thing_do_not_disturb_each_other(rig: Rig) -> None:
    bulk, listener = rig.ask(terms=JobTerms("book", service_class=BULK)), rig.ask()
    speak(rig.made[1])
    assert seconds(await hear(listener)) == pytest.approx(0.5)
    rig.made[0].give(0.4)
    rig.made[0].end()
    assert seconds(await hear(bulk)) == pytest.approx(0.4)
    assert seconds(await hear(rig.ask())) == pytest.approx(0.5)


async def test_the_end_of_the_model_ends_every_listener(rig: Rig) -> None:
    streams = [rig.ask(), rig.ask(), rig.ask("Another.")]
    hearing = [asyncio.create_task(hear(stream)) for stream in streams]
    await turns()
    await rig.host.stop()
    ended = await asyncio.wait_for(asyncio.gather(*hearing, return_exceptions=True), WAIT_S)
    assert all(isinstance(error, WorkerLost) for error in ended)


async def test_a_bug_in_a_host_ends_its_listeners(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    stream = rig.ask()

    async def broken(least_s: float = 0.0, patience_s: float = 0.0) -> list[AudioChunk]:
        raise ZeroDivisionError

    rig.made[0].read = broken  # type: ignore[method-assign]
    with pytest.raises(ModelFailed, match="ZeroDivisionError"):
        await hear(stream)
    assert "A bug in the server" in caplog.text


# --- pace and memory -----------------------------------------------------------------------------------------------


class Endless:
    """A job that always has more, half a second at a time."""

    def __init__(self) -> None:
        self.reads = 0
        self.canceled = False
        self.origin = Origin.MODEL

    async def read(self, least_s: float = 0.0, patience_s: float = 0.0) -> list[AudioChunk]:
        await asyncio.sleep(0)
        if self.canceled:
            return []
        self.reads += 1
        return [AudioChunk(np.zeros(RATE // 2, np.float32), RATE)]

    def cancel(self) -> None:
        self.canceled = True

    async def wait_idle(self) -> float | None:
        return 0.0


async def endless(rig: Rig) -> Endless:
    made = Endless()
    rig.model.submit = lambda job, terms: made  # type: ignore[method-assign,return-value]
    return made


async def test_no_more_is_made_than_the_quickest_listener_takes(rig: Rig) -> None:
    made = await endless(rig)
    slow, quick = rig.ask(), rig.ask()
    await turns(100)
    assert made.reads == 2  # a second ahead of one who has read nothing
    heard_s = 0.0
    for _ in range(5):
        heard_s += seconds(await quick.read())
        await turns(100)
        assert made.reads == (heard_s + 1.0) / 0.5
    slow.cancel()
    await turns(100)
    assert made.reads == (heard_s + 1.0) / 0.5


async def test_a_slow_one_left_alone_is_the_quickest(rig: Rig) -> None:
    made = await endless(rig)
    slow, quick = rig.ask(), rig.ask()
    for _ in range(4):
        await quick.read()
        await turns(20)
    quick.cancel()
    await slow.read()
    await turns(100)
    reads = made.reads
    while made.reads == reads:
        await slow.read()
        await turns(20)
    slow.cancel()
    assert made.canceled


async def test_a_tape_that_grows_too_long_is_let_go_as_it_is_heard(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_module, "MAX_BYTES", 4 * RATE * 4)  # four seconds
    await endless(rig)
    stream = rig.ask()
    assert isinstance(stream, CachedStream)
    for _ in range(40):
        assert await stream.read()
        await turns(5)
        held = sum(chunk.samples.nbytes for chunk in stream.tape.chunks)
        assert held <= tape_module.MAX_BYTES + RATE * 4
    assert not stream.tape.whole and stream.heard_s >= 20
    other = rig.ask()
    assert isinstance(other, CachedStream) and other.tape is not stream.tape


async def test_who_has_heard_nothing_of_a_tape_that_is_too_long_gets_a_job_of_its_own(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a text that says the same long thing twice would wait for its own second half."""
    monkeypatch.setattr(tape_module, "MAX_BYTES", 4 * RATE * 4)
    leader, follower = rig.ask(), rig.ask()
    speak(rig.made[0], [0.5] * 20)
    assert seconds(await hear(leader)) == pytest.approx(10.0)
    hearing = asyncio.create_task(hear(follower))
    await turns(50)
    speak(rig.made[1], [0.5] * 20)
    assert seconds(await asyncio.wait_for(hearing, WAIT_S)) == pytest.approx(10.0)
    await rig.cache.settled()
    assert rig.cache.entries == 0


async def test_a_reader_with_time_gets_as_much_at_once_as_it_asked_for(rig: Rig) -> None:
    stream = rig.ask()
    reading = asyncio.create_task(stream.read(least_s=0.3, patience_s=60.0))
    for _ in range(2):
        rig.made[0].give(0.1)
        await turns()
        assert not reading.done()
    rig.made[0].give(0.1)
    assert seconds(await asyncio.wait_for(reading, WAIT_S)) == pytest.approx(0.3)


async def test_patience_ends_and_so_does_waiting_at_the_end_or_a_cancel(rig: Rig) -> None:
    stream = rig.ask()
    rig.made[0].give(0.1)
    assert seconds(await asyncio.wait_for(stream.read(least_s=9.0, patience_s=0.001), WAIT_S)) == pytest.approx(0.1)
    rig.made[0].give(0.1)
    rig.made[0].end()
    assert seconds(await asyncio.wait_for(stream.read(least_s=9.0, patience_s=60.0), WAIT_S)) == pytest.approx(0.1)
    other = rig.ask("Another.")
    reading = asyncio.create_task(other.read(least_s=9.0, patience_s=60.0))
    await turns()
    other.cancel()
    assert await asyncio.wait_for(reading, WAIT_S) == []


# --- anything, in any order ----------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "give", "end", "fail", "lose", "cancel", "read", "turn"]), st.integers(0, 9)
    ),
    max_size=50,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(0, 2**32))
def test_nobody_hangs_or_hears_another_text(steps: list[tuple[str, int]], seed: int) -> None:
    asyncio.run(_live_through(steps, random.Random(seed)))


async def _live_through(steps: list[tuple[str, int]], draw: random.Random) -> None:
    life = Life()
    await life.rig.cache.open([])
    for step, number in steps:
        life.take(step, number)
        await turns(draw.randrange(3))
    await life.finish()
    for one in life.asked:
        life.check(one)
    await life.rig.cache.settled()
    for text in range(3):
        await life.check_kept(text)
    await life.rig.host.stop()
    await life.rig.cache.close()


@dataclass
class Asked:
    text: int
    stream: JobStream
    hearing: asyncio.Task[list[AudioChunk]]
    canceled: bool = False


class Life:
    """Every making of a text has that text's level, and five chunks when it is whole."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.asked: list[Asked] = []
        self._given: Counter[str] = Counter()

    def take(self, step: str, number: int) -> None:
        open_ones = [made for made in self.rig.made if not made.over]
        if step == "ask":
            stream = self.rig.ask(str(number % 3), index=number % 2)
            self.asked.append(Asked(number % 3, stream, asyncio.create_task(hear(stream))))
        elif step == "cancel" and self.asked:
            one = self.asked[number % len(self.asked)]
            one.canceled = True
            one.stream.cancel()
        elif open_ones:
            self._speak(open_ones[number % len(open_ones)], step)

    def _speak(self, made: FakeStream, step: str) -> None:
        if step == "give":
            self._give(made, self._given[made.job.job_id] + 1)
        elif step == "end":
            self._give(made, 5)
            made.end()
        elif step in ("fail", "lose"):
            made.end(WorkerLost("It died.") if step == "lose" else InvalidRequest("Never."))

    def _give(self, made: FakeStream, until: int) -> None:
        while self._given[made.job.job_id] < min(5, until):
            self._given[made.job.job_id] += 1
            made.give(0.05, level=int(made.job.text) / 10)

    async def finish(self) -> None:
        async with asyncio.timeout(WAIT_S):
            while not all(one.hearing.done() for one in self.asked):
                for made in [made for made in self.rig.made if not made.over]:
                    self._speak(made, "end")
                await asyncio.sleep(0)

    def check(self, one: Asked) -> None:
        error = one.hearing.exception()
        assert error is None or isinstance(error, SyrinxError)
        if error is None:
            heard = one.hearing.result()
            assert all(np.all(chunk.samples == np.float32(one.text / 10)) for chunk in heard)
            assert one.canceled or len(heard) == 5

    async def check_kept(self, text: int) -> None:
        """What is in the cache is whole."""
        makings = len(self.rig.made)
        stream = self.rig.ask(str(text))
        if len(self.rig.made) == makings:
            heard = await hear(stream)
            assert len(heard) == 5 and all(np.all(chunk.samples == np.float32(text / 10)) for chunk in heard)
        stream.cancel()
