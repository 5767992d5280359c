"""What an utterance leaves behind is freed at once: long audio must not wait for the collector of circles."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from syrinx.core.types import Audio, Cancel, End, SpeechRequest
from syrinx.engine.policy import SessionOptions
from tests.engine.test_cached import CachedStage
from tests.fakes.stage import events_until_end, send_all, whole

TEXT = "One sentence is here. And here there is another."


@pytest.fixture
def circles() -> Iterator[list[object]]:
    """Fill it by ``gc.collect()``: with what nothing but itself held."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


@pytest.fixture
async def stage():
    stage = CachedStage()
    await stage.cache.open([])
    yield stage
    await stage.engine.stop()
    await stage.cache.close()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def ours(circles: list[object]) -> list[str]:
    gc.collect()
    return [type(each).__name__ for each in circles if type(each).__module__.startswith("syrinx.")]


async def test_a_completed_one_and_its_repetition(stage: CachedStage, circles: list[object]) -> None:
    await stage.speak(TEXT)
    await stage.speak(TEXT)
    assert stage.cache.counts.hits
    await _settle()
    assert not ours(circles)


@pytest.mark.parametrize("heard", [0, 1])
async def test_a_canceled_one(stage: CachedStage, circles: list[object], heard: int) -> None:
    session = stage.engine.session(SessionOptions("test"))
    opened, text, end = whole("u", TEXT, SpeechRequest(cache=False))
    send_all(session, opened, text, end)
    assert isinstance(end, End)
    while heard:
        event = await session.next()
        heard -= isinstance(event, Audio)
    session.send(Cancel("u"))
    await events_until_end(session)
    session.close()
    await _settle()
    del session
    assert not ours(circles)
