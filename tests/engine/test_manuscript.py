"""What is to be said: segments when there is enough text, waits that end, and silences that count."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.engine.manuscript import Manuscript, Patience
from syrinx.text.front import TextFront
from syrinx.text.segmenter import SegmentPolicy


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def manuscript(executor: ThreadPoolExecutor, idle_flush_s: float | None = None, timeout_s: float = 60) -> Manuscript:
    made = Manuscript(200_000, Patience(timeout_s, idle_flush_s), executor)
    made.open(TextFront(SegmentPolicy(), "en"))
    return made


async def all_texts(text: Manuscript) -> list[str]:
    texts = []
    while await text.fill(1):
        prepared = text.take()
        assert prepared is not None
        texts.append(prepared.spoken.text)
    return texts


async def test_segments_come_as_far_as_the_text_reaches(executor: ThreadPoolExecutor) -> None:
    text = manuscript(executor)
    text.append("This is whole. This is not")
    assert await all_texts(text) == ["This is whole."]
    text.end()
    assert await all_texts(text) == ["This is not"]
    assert text.exhausted


async def test_no_more_is_prepared_than_was_wanted(executor: ThreadPoolExecutor) -> None:
    text = manuscript(executor)
    text.append("One is here. Two is here. Three is here. Four is here. ")
    await text.fill(2)
    assert [text.take() is not None for _ in range(3)] == [True, True, False]


async def test_waiting_ends_with_an_error_where_no_text_comes(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(InvalidRequest, match="No text came") as refused:
        await manuscript(executor, timeout_s=0.01).wait()
    assert refused.value.code == "text_timeout"


async def test_a_cancel_in_the_same_turn_as_the_text_is_not_swallowed(executor: ThreadPoolExecutor) -> None:
    for turns in range(5):
        text = manuscript(executor)
        waiting = asyncio.create_task(text.wait())
        await asyncio.sleep(0)
        text.append("Hello.")
        for _ in range(turns):
            await asyncio.sleep(0)
        if waiting.cancel():
            with pytest.raises(asyncio.CancelledError):
                await waiting


async def test_a_silence_flushes_what_waits_for_more(executor: ThreadPoolExecutor) -> None:
    text = manuscript(executor, idle_flush_s=0.01)
    text.append("no end")
    async with asyncio.timeout(5):
        while not await text.fill(1):
            await text.wait()
    assert await all_texts(text) == ["no end"]


async def test_a_silence_while_there_was_enough_to_say_counts_when_it_has_been_said(
    executor: ThreadPoolExecutor,
) -> None:
    text = manuscript(executor, idle_flush_s=0.0)
    text.append("This one is said at length. " * 50 + "no end")
    await text.fill(1)
    for _ in range(3):  # the silence falls; nobody asks for the rest yet
        await asyncio.sleep(0)
    assert (await all_texts(text))[-1] == "no end"


async def test_new_text_ends_a_silence(executor: ThreadPoolExecutor) -> None:
    text = manuscript(executor, idle_flush_s=0.1)
    text.append("a sentence that")
    await asyncio.wait_for(text.wait(), 5)
    text.append(" goes on and")
    assert await all_texts(text) == []
    text.close()


async def test_hostile_text_without_anything_to_say_leaves_the_loop_to_others(executor: ThreadPoolExecutor) -> None:
    text = manuscript(executor)
    text.append("\n" * 20_000)
    text.end()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert await all_texts(text) == []
    counting.cancel()
    assert turns > 3


async def test_text_after_the_end_is_refused_and_a_late_flush_is_not(executor: ThreadPoolExecutor) -> None:
    text = manuscript(executor)
    text.append("Done.")
    text.end()
    text.flush()
    with pytest.raises(InvalidRequest, match="no more text"):
        text.append("x")
    assert await all_texts(text) == ["Done."]


async def test_an_empty_text_is_no_text_and_says_that_more_will_come(executor: ThreadPoolExecutor) -> None:
    text = manuscript(executor)
    waiting = asyncio.create_task(text.wait())
    await asyncio.sleep(0)
    text.append("")
    async with asyncio.timeout(20):  # a third of what it would wait for text
        await waiting
    assert (text.chars, text.script, await all_texts(text)) == (0, "", [])
