"""From model audio to messages: nothing is lost, nothing waits too long, nothing comes after the end."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from syrinx.audio.framing import Framing
from syrinx.audio.pipeline import PipelineSpec
from syrinx.core.errors import ModelFailed, UnsupportedFormat
from syrinx.core.types import Audio, AudioChunk, AudioFormat, Delivery, ServerEvent, Span
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

    async def push(self, *chunks: AudioChunk) -> None:
        for piece in self.outlet.pieces(chunks):
            await self.outlet.push(piece, self._tell)

    def _tell(self) -> None:
        self.order.append(f"segment at {self.outlet.heard_at(0.0):.2f}")


def chunk(seconds: float, level: float = 0.25) -> AudioChunk:
    return AudioChunk(np.full(round(seconds * RATE), level, np.float32), RATE)


async def test_all_samples_come_out_counted_as_they_are(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    for index, seconds in enumerate((0.5, 2.5)):
        heard.outlet.begin_segment(index, Span(index, index + 1))
        await heard.push(chunk(seconds), chunk(0.1))
        await heard.outlet.end_segment()
    await heard.outlet.finish()
    assert heard.samples == heard.outlet.samples == len(heard.data) // 2 == round(3.2 * RATE)
    assert sorted({event.audio.segment_index for event in heard.audio}) == [0, 1]
    assert all(event.audio.span == Span(i := event.audio.segment_index, i + 1) for event in heard.audio)


async def test_marks_are_told_before_their_audio_and_once_a_piece(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0, Span(0, 1))
    await heard.push(chunk(2.5))
    assert heard.order == ["segment at 0.00", "audio"] * 3


@pytest.mark.parametrize("rate", [RATE, 1])
async def test_marks_without_audio_are_told_too(executor: ThreadPoolExecutor, rate: int) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0, Span(0, 1))
    nothing = AudioChunk(np.zeros(0, np.float32), rate)
    await heard.push(nothing)
    await heard.push(nothing, chunk(0.5))
    assert heard.order == ["segment at 0.00", "segment at 0.00", "audio"]


async def test_a_segment_without_audio_begins_where_the_one_before_ended(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0, Span(0, 1))
    await heard.push(chunk(1.0))
    await heard.outlet.end_segment()
    heard.outlet.begin_segment(1, Span(1, 2))
    await heard.outlet.end_segment()
    assert heard.outlet.heard_at(0.0) == pytest.approx(1.0)


async def test_a_finished_segment_leaves_no_audio_behind_in_the_framer(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, Packing(Framing(), 60))
    heard.outlet.begin_segment(0, Span(0, 1))
    await heard.push(chunk(0.31))
    assert heard.samples == round(0.04 * RATE)  # the first frame goes alone
    await heard.outlet.end_segment()
    assert heard.samples == pytest.approx(0.31 * RATE, abs=0.005 * RATE)  # all but the fade at the end
    heard.outlet.close()


TELEPHONE = AudioFormat("mulaw", 8000)


async def test_exact_frames_go_on_over_segments_and_pauses_and_only_the_last_is_shorter(
    executor: ThreadPoolExecutor,
) -> None:
    heard = Heard(executor, Packing(Framing(chunk_s=0.02, exact=True), 0.0), format=TELEPHONE)
    for index, seconds in enumerate((0.31, 0.205)):
        heard.outlet.begin_segment(index, Span(index, index + 1))
        await heard.push(chunk(seconds))
        await asyncio.sleep(0.01)  # a timer would let a part of a frame go
        await heard.outlet.end_segment()
    assert {len(event.audio.data) for event in heard.audio} == {160}
    await heard.outlet.finish()
    sizes = [len(event.audio.data) for event in heard.audio]
    assert sizes[:-1] == [160] * (len(sizes) - 1) and sizes[-1] < 160
    assert heard.samples == heard.outlet.samples == len(heard.data) == pytest.approx(0.515 * 8000, abs=8)


async def test_what_a_model_broke_off_is_heard_to_the_last_sample_of_an_exact_frame(
    executor: ThreadPoolExecutor,
) -> None:
    heard = Heard(executor, Packing(Framing(chunk_s=0.5, exact=True), 0.0), format=TELEPHONE)
    heard.outlet.begin_segment(0, Span(0, 1))
    await heard.push(chunk(0.4))
    assert heard.audio == []
    heard.outlet.release()
    assert heard.samples > 0.3 * 8000
    heard.outlet.close()


def test_exact_frames_of_what_is_no_raw_sample_are_refused(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(UnsupportedFormat, match="frames of equal length"):
        Heard(executor, Packing(Framing(chunk_s=0.02, exact=True), 60), format=AudioFormat("mp3"))


async def test_gathered_audio_is_let_go_in_time_though_more_keeps_coming(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, Packing(Framing(buffer_bytes=10**9, flush_every=10**9), 0.03))
    heard.outlet.begin_segment(0, Span(0, 1))
    deadline = asyncio.get_running_loop().time() + 5
    while len(heard.audio) < 3:
        assert asyncio.get_running_loop().time() < deadline, "held for ever"
        await heard.push(chunk(0.04))
        await asyncio.sleep(0.01)
    heard.outlet.close()


async def test_after_close_nothing_comes_not_even_what_was_gathered(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, Packing(Framing(), 0.0))
    heard.outlet.begin_segment(0, Span(0, 1))
    await heard.push(chunk(0.31))
    before = len(heard.audio)
    heard.outlet.close()
    await asyncio.sleep(0.01)
    await heard.outlet.end_segment()
    assert len(heard.audio) == before


async def test_a_cancel_while_a_thread_is_in_the_chain_frees_it_once_that_is_done(
    executor: ThreadPoolExecutor,
) -> None:
    heard = Heard(executor, format=AudioFormat("mp3"))
    heard.outlet.begin_segment(0, Span(0, 1))
    pushing = asyncio.create_task(heard.push(chunk(20.0)))
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
    heard.outlet.begin_segment(0, Span(0, 1))
    await heard.push(chunk(0.1))
    assert heard.audio[0].audio.data.startswith(b"RIFF")
    assert heard.audio[0].audio.samples > 0
    heard.outlet.close()


async def test_the_first_audible_sample_is_placed_among_the_samples_sent(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0, Span(0, 1))
    assert heard.outlet.audible_from is None
    await heard.push(chunk(0.1, level=0.0))
    assert heard.outlet.audible_from is None
    await heard.push(chunk(0.1))
    assert heard.outlet.audible_from == 0  # the silence before was cut


async def test_what_is_no_audio_fails_the_model_and_leaves_the_chain_closable(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0, Span(0, 1))
    with pytest.raises(ModelFailed):
        await heard.push(AudioChunk(np.zeros((2, 9), np.float32), RATE))
    heard.outlet.close()
    heard.outlet.close()


async def test_tempo_and_codecs_run_in_a_thread_and_give_the_right_length(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, residual=Delivery(speed=2.0))
    heard.outlet.begin_segment(0, Span(0, 1))
    await heard.push(chunk(2.0))
    await heard.outlet.end_segment()
    await heard.outlet.finish()
    assert heard.samples / RATE == pytest.approx(1.0, abs=0.01)


async def test_what_is_adjusted_counts_from_the_next_piece_and_a_light_chain_goes_to_the_thread(
    executor: ThreadPoolExecutor,
) -> None:
    heard = Heard(executor)
    heard.outlet.begin_segment(0, Span(0, 1))
    await heard.push(chunk(1.0))
    assert heard.outlet._busy is None
    heard.outlet.adjust(Delivery(speed=2.0, volume=0.5))
    await heard.push(chunk(1.0))
    assert heard.outlet._busy is not None
    heard.outlet.adjust(Delivery(speed=0.5))
    heard.outlet.adjust(Delivery(speed=4.0))  # nothing lies between: the last counts
    await heard.push(chunk(1.0))
    assert heard.outlet.heard_at(3.0) == pytest.approx(1.0 + 0.5 + 0.25, abs=0.01)
    await heard.outlet.end_segment()
    await heard.outlet.finish()
    assert heard.samples / RATE == pytest.approx(1.0 + 0.5 + 0.25, abs=0.01)


async def test_a_change_while_a_thread_is_in_the_chain_waits_for_the_next_piece(executor: ThreadPoolExecutor) -> None:
    heard = Heard(executor, residual=Delivery(speed=2.0))
    heard.outlet.begin_segment(0, Span(0, 1))
    pushing = asyncio.create_task(heard.push(chunk(1.0)))
    await asyncio.sleep(0)
    heard.outlet.adjust(Delivery(speed=0.5))
    await pushing
    await heard.push(chunk(1.0))
    await heard.outlet.finish()
    assert heard.samples / RATE == pytest.approx(0.5 + 2.0, abs=0.01)


def test_an_impossible_format_is_refused_at_once(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(UnsupportedFormat):
        Heard(executor, format=AudioFormat("tape"))
