"""From model audio to messages: nothing is lost, nothing waits too long, nothing comes after the end."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from syrinx.audio.framing import Framing
from syrinx.audio.pipeline import PipelineSpec
from syrinx.core.errors import ModelFailed, UnsupportedFormat
from syrinx.core.types import Audio, AudioChunk, AudioFormat, Delivery, ServerEvent
from syrinx.engine.outlet import Outlet, Packing

RATE = 24000


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


class Heard:
    """An outlet and what came out of it."""

    def __init__(self, executor: ThreadPoolExecutor, packing: Packing | None = None, **spec: object) -> None:
        self.audio: list[Audio] = []
        self.order: list[str] = []
        self.outlet = Outlet(
            "u",
            PipelineSpec(RATE, **spec),  # type: ignore[arg-type]
            packing or Packing(None, 60),
            self._emit,
            executor,
        )

    def _emit(self, event: ServerEvent) -> None:
        assert isinstance(event, Audio)
        self.audio.append(event)
        self.order.append("audio")

    @property
    def samples(self) -> int:
        return sum(event.audio.samples for event in self.audio)

    @property
    def data(self) -> bytes:
        return b"".join(event.audio.data for event in self.audio)

    def tell(self, starts_s: float) -> None:
        self.order.append(f"segment at {starts_s:.2f}")


def chunk(seconds: float, level: float = 0.25) -> AudioChunk:
    return AudioChunk(np.full(round(seconds * RATE), level, np.float32), RATE)


async def test_all_samples_come_out_counted_as_they_are(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    for index, seconds in enumerate((0.5, 2.5)):
        heard.outlet.begin_segment(index)
        await heard.outlet.push([chunk(seconds), chunk(0.1)], heard.tell)
        await heard.outlet.end_segment()
    await heard.outlet.finish()
    assert heard.samples == heard.outlet.samples == len(heard.data) // 2 == round(3.2 * RATE)
    assert sorted({event.audio.segment_index for event in heard.audio}) == [0, 1]


async def test_marks_are_told_before_their_audio_and_once_a_push(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0)
    await heard.outlet.push([chunk(2.5)], heard.tell)
    assert heard.order == ["segment at 0.00", "audio", "audio", "audio"]


@pytest.mark.parametrize("rate", [RATE, 1])
async def test_marks_without_audio_are_told_too(executor: ThreadPoolExecutor, rate: int) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0)
    nothing = AudioChunk(np.zeros(0, np.float32), rate)
    await heard.outlet.push([nothing], heard.tell)
    await heard.outlet.push([nothing, chunk(0.5)], heard.tell)
    assert heard.order == ["segment at 0.00", "segment at 0.00", "audio"]


async def test_a_segment_without_audio_begins_where_the_one_before_ended(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0)
    await heard.outlet.push([chunk(1.0)], heard.tell)
    await heard.outlet.end_segment()
    heard.outlet.begin_segment(1)
    await heard.outlet.end_segment()
    assert heard.outlet.segment_start_s == pytest.approx(1.0)


async def test_a_finished_segment_leaves_no_audio_behind_in_the_framer(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, Packing(Framing(), 60))
    heard.outlet.begin_segment(0)
    await heard.outlet.push([chunk(0.31)], heard.tell)
    assert heard.samples == round(0.04 * RATE)  # the first frame goes alone
    await heard.outlet.end_segment()
    assert heard.samples == pytest.approx(0.31 * RATE, abs=0.005 * RATE)  # all but the fade at the end
    heard.outlet.close()


async def test_gathered_audio_is_let_go_in_time_though_more_keeps_coming(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, Packing(Framing(buffer_bytes=10**9, flush_every=10**9), 0.03))
    heard.outlet.begin_segment(0)
    deadline = asyncio.get_running_loop().time() + 5
    while len(heard.audio) < 3:
        assert asyncio.get_running_loop().time() < deadline, "held for ever"
        await heard.outlet.push([chunk(0.04)], heard.tell)
        await asyncio.sleep(0.01)
    heard.outlet.close()


async def test_after_close_nothing_comes_not_even_what_was_gathered(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, Packing(Framing(), 0.0))
    heard.outlet.begin_segment(0)
    await heard.outlet.push([chunk(0.31)], heard.tell)
    before = len(heard.audio)
    heard.outlet.close()
    await asyncio.sleep(0.01)
    await heard.outlet.end_segment()
    assert len(heard.audio) == before


async def test_a_cancel_while_a_thread_is_in_the_chain_frees_it_once_that_is_done(
    executor: ThreadPoolExecutor,
) -> None:
    heard = Heard(executor, format=AudioFormat("mp3"))
    heard.outlet.begin_segment(0)
    pushing = asyncio.create_task(heard.outlet.push([chunk(20.0)], heard.tell))
    await asyncio.sleep(0)
    pushing.cancel()
    heard.outlet.close()
    with pytest.raises(asyncio.CancelledError):
        await pushing
    busy = heard.outlet._busy
    assert busy is not None
    await asyncio.wait_for(busy, 5)
    await asyncio.sleep(0)
    assert heard.audio == []


async def test_the_header_goes_with_the_first_audio(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, Packing(Framing(), 60), format=AudioFormat("wav"))
    heard.outlet.begin_segment(0)
    await heard.outlet.push([chunk(0.1)], heard.tell)
    assert heard.audio[0].audio.data.startswith(b"RIFF")
    assert heard.audio[0].audio.samples > 0
    heard.outlet.close()


async def test_the_first_audible_sample_is_placed_among_the_samples_sent(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0)
    assert heard.outlet.audible_from is None
    await heard.outlet.push([chunk(0.1, level=0.0)], heard.tell)
    assert heard.outlet.audible_from is None
    await heard.outlet.push([chunk(0.1)], heard.tell)
    assert heard.outlet.audible_from == 0  # the silence before was cut


async def test_what_is_no_audio_fails_the_model_and_leaves_the_chain_closable(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0)
    with pytest.raises(ModelFailed):
        await heard.outlet.push([AudioChunk(np.zeros((2, 9), np.float32), RATE)], heard.tell)
    heard.outlet.close()
    heard.outlet.close()


async def test_tempo_and_codecs_run_in_a_thread_and_give_the_right_length(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, residual=Delivery(speed=2.0))
    heard.outlet.begin_segment(0)
    await heard.outlet.push([chunk(2.0)], heard.tell)
    await heard.outlet.end_segment()
    await heard.outlet.finish()
    assert heard.samples / RATE == pytest.approx(1.0, abs=0.01)


def test_an_impossible_format_is_refused_at_once(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(UnsupportedFormat):
        Heard(executor, format=AudioFormat("tape"))
