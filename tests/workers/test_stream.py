"""A job's buffer between worker and reader: order, credit, cancel, errors, and what a second worker is told."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from syrinx.core.errors import ModelFailed
from syrinx.core.types import AudioChunk, Mark, MarkKind, Span, SynthesisJob
from syrinx.workers.host import JobTerms, Origin
from syrinx.workers.stream import Stream

RATE = 1000


class Notebook:
    """A keeper that writes down what it is asked."""

    def __init__(self) -> None:
        self.granted: list[float] = []
        self.paces: list[float] = []
        self.canceled = 0

    def grant(self, stream: Stream, seconds: float) -> None:
        self.granted.append(seconds)

    def pace(self, stream: Stream) -> None:
        self.paces.append(stream.terms.playback_rate)

    def cancel(self, stream: Stream) -> None:
        self.canceled += 1


def make(window_s: float = 4.0, **terms: float) -> tuple[Stream, Notebook]:
    keeper = Notebook()
    job = SynthesisJob("j", "text", "v", "en")
    return Stream(job, JobTerms("t", **terms), 7, 10.0, window_s, keeper), keeper  # type: ignore[arg-type]


def chunk(seconds: float, marks: int = 0) -> AudioChunk:
    mark = Mark(MarkKind.WORD, Span(0, 1), 0.0, 0.1)
    return AudioChunk(np.zeros(round(seconds * RATE), np.float32), RATE, (mark,) * marks)


async def test_a_read_takes_all_there_is_and_waits_when_there_is_nothing():
    stream, _ = make()
    first, second, third = chunk(0.1), chunk(0.2), chunk(0.3)
    stream.received(first, 11.0)
    stream.received(second, 11.0)
    assert await stream.read() == [first, second]
    reading = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    assert not reading.done()
    stream.received(third, 11.0)
    assert await reading == [third]
    stream.ended()
    assert await stream.read() == [] and await stream.read() == []


async def test_credit_goes_back_in_quarters_of_the_window_and_never_exceeds_what_was_read():
    stream, keeper = make(window_s=4.0)
    for _ in range(9):
        stream.received(chunk(0.3), 11.0)
        await stream.read()
    assert keeper.granted == pytest.approx([1.2, 1.2])
    stream.received(chunk(3.0), 11.0)
    assert sum(keeper.granted) == pytest.approx(2.4)
    await stream.read()
    assert sum(keeper.granted) == pytest.approx(5.7)


async def test_no_credit_goes_back_for_a_job_that_has_ended():
    stream, keeper = make(window_s=1.0)
    stream.received(chunk(1.0), 11.0)
    stream.ended()
    assert len(await stream.read()) == 1
    assert keeper.granted == []


async def test_an_error_comes_after_the_audio_before_it_and_stays():
    stream, _ = make()
    stream.received(chunk(0.1), 11.0)
    stream.ended(ModelFailed("It broke."))
    assert len(await stream.read()) == 1
    for _ in range(2):
        with pytest.raises(ModelFailed, match="It broke"):
            await stream.read()


async def test_cancel_drops_everything_wakes_the_reader_and_asks_once():
    stream, keeper = make()
    reading = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    stream.cancel()
    stream.cancel()
    stream.received(chunk(0.1), 11.0)
    assert await reading == [] and await stream.read() == []
    assert keeper.canceled == 1
    assert stream.idle_s is None
    stream.stopped()
    idle_s = await stream.wait_idle()
    assert idle_s is not None and idle_s >= 0


async def test_a_cancel_after_the_end_is_idle_at_once_and_a_lost_one_is_none():
    over, keeper = make()
    over.received(chunk(0.1), 11.0)
    over.ended(ModelFailed("It broke."))
    over.cancel()
    assert await over.read() == [] and keeper.canceled == 0
    assert await over.wait_idle() is not None
    lost, _ = make()
    lost.cancel()
    lost.ended(ModelFailed("The worker is gone."))
    assert await lost.wait_idle() is None
    assert await lost.read() == []


async def test_the_first_worker_is_told_how_long_it_waited_already():
    stream, _ = make(waited_s=0.05)
    said = stream.message(10.2)
    assert said.terms.waited_s == pytest.approx(0.25)
    assert (said.order, said.credit_s, said.skip_samples, said.skip_marks, said.alone) == (7, 4.0, 0, 0, False)


async def test_the_next_worker_is_told_what_was_received_and_what_the_listener_still_has():
    stream, _ = make(playback_rate=2.0)
    stream.received(chunk(1.0, marks=2), 20.0)
    stream.received(chunk(0.5, marks=1), 20.1)
    stream.progress.suspected = 1
    said = stream.message(20.5)
    assert (said.skip_samples, said.skip_marks, said.alone) == (1500, 3, True)
    assert said.credit_s == pytest.approx(2.5)  # 1.5 s wait unread
    assert said.lead_s == pytest.approx(0.25)  # 1.5 s heard at twice the speed from 20.0 on
    await stream.read()
    assert stream.message(30.0).credit_s == pytest.approx(4.0)
    assert stream.message(30.0).lead_s == 0.0


async def test_a_new_pace_is_told_once_and_goes_with_the_job_to_the_next_worker():
    stream, keeper = make(playback_rate=1.0)
    stream.pace(2.0)
    stream.pace(2.0)
    stream.received(chunk(1.0), 20.0)
    assert keeper.paces == [2.0]
    assert stream.message(20.1).terms.playback_rate == 2.0
    assert stream.message(20.1).lead_s == pytest.approx(0.4)
    stream.ended()
    stream.pace(4.0)  # there is no job any more that it could matter to
    assert keeper.paces == [2.0]


async def test_audio_that_a_second_worker_went_on_with_is_told_apart():
    stream, _ = make()
    stream.message(10.0)
    stream.message(10.1)  # retried before anything was heard: one run after all
    assert stream.origin is Origin.MODEL
    stream.received(chunk(0.1), 11.0)
    assert stream.origin is Origin.MODEL
    stream.message(12.0)
    assert stream.origin is Origin.RESUMED


async def test_a_reader_with_time_gets_as_much_at_once_as_it_asked_for():
    stream, _ = make()
    reading = asyncio.create_task(stream.read(least_s=0.3, patience_s=60.0))
    for _ in range(2):
        stream.received(chunk(0.1), 11.0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not reading.done()
    stream.received(chunk(0.1), 11.0)
    assert len(await asyncio.wait_for(reading, 5)) == 3


async def test_a_reader_with_time_does_not_wait_past_the_end_its_patience_or_a_cancel():
    stream, _ = make()
    stream.received(chunk(0.1), 11.0)
    assert len(await asyncio.wait_for(stream.read(least_s=9.0, patience_s=0.001), 5)) == 1
    late = asyncio.create_task(stream.read(least_s=9.0, patience_s=0.001))
    stream.received(chunk(0.2), 11.0)
    assert len(await asyncio.wait_for(late, 5)) == 1
    stream.received(chunk(0.1), 11.0)
    stream.ended()
    assert len(await asyncio.wait_for(stream.read(least_s=9.0, patience_s=60.0), 5)) == 1
    canceled, _ = make()
    reading = asyncio.create_task(canceled.read(least_s=9.0, patience_s=60.0))
    await asyncio.sleep(0)
    canceled.cancel()
    assert await asyncio.wait_for(reading, 5) == []
