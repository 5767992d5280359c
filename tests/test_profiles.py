"""The two profiles of the one scheduler: what each makes of the same text, by counts, never by the clock."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from syrinx.config import Settings
from syrinx.core.types import Audio, SegmentDone, ServiceClass, SpeechRequest
from syrinx.protocols.openai.speech import SpeechPolicy, parse_speech
from syrinx.server.dialects import chatterbox_policy, service_class
from syrinx.wiring import engine_policy, max_lead_s
from tests.fakes.stage import Stage, events_until_end, send_all, settle, whole

Profile = Literal["latency", "throughput"]
TEXT = "Well now, one two three four. Five six seven eight. Nine ten eleven twelve. Thirteen. " * 4


def stage_of(profile: Profile, *, auto: bool = True) -> Stage:
    return Stage(auto=auto, policy=engine_policy(Settings(profile=profile)))


@pytest.fixture(params=["latency", "throughput"])
async def staged(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Profile, Stage]]:
    stage = stage_of(request.param)
    yield request.param, stage
    await stage.engine.stop()


async def test_3_12_latency_makes_many_short_segments_and_throughput_few_long_ones(
    staged: tuple[Profile, Stage],
) -> None:
    profile, stage = staged
    session = stage.session()
    send_all(session, *whole("a", TEXT))
    events = await events_until_end(session)
    texts = [stream.job.text for stream in stage.host.streams]
    assert sum(isinstance(event, SegmentDone) for event in events) == len(texts)
    limit = stage.host.info.max_segment_chars if stage.host.info else 0
    if profile == "latency":
        assert texts[0] == "Well now," and len(texts) == 17, "a short first piece, then sentence by sentence"
    else:
        assert len(texts) == 2
        for text, after in itertools.pairwise(texts):
            assert len(text) <= limit < len(f"{text} {after.partition('.')[0]}."), "one sentence more would not fit"


async def test_3_12_the_first_sound_waits_for_less_text_in_the_latency_profile() -> None:
    asked: dict[str, str] = {}
    for profile in ("latency", "throughput"):
        stage = stage_of(profile, auto=False)
        session = stage.session()
        send_all(session, *whole("a", TEXT))
        await settle()
        first = stage.host.streams[0]
        first.give(0.1)
        async with asyncio.timeout(5):
            while not isinstance(await session.next(), Audio):
                pass
        asked[profile] = first.job.text
        await stage.engine.stop()
    assert len(asked["latency"]) * 10 < len(asked["throughput"])


def test_3_12_work_that_nobody_said_to_listen_to_is_bulk_in_the_throughput_profile() -> None:
    for profile, kind in (("latency", ServiceClass.INTERACTIVE), ("throughput", ServiceClass.BULK)):
        settings = Settings(profile=profile)  # type: ignore[arg-type]
        policy = chatterbox_policy(settings)
        assert policy.service_class is service_class(settings) is kind
        assert policy.early is (profile == "latency")
        call = parse_speech(b'{"input":"Hi."}', SpeechPolicy(service_class=service_class(settings)))
        assert call.request.service_class is kind


def test_a_request_may_still_say_that_somebody_listens() -> None:
    policy = SpeechPolicy(service_class=ServiceClass.BULK)
    call = parse_speech(b'{"input":"Hi.","service_class":"interactive"}', policy)
    assert call.request.service_class is ServiceClass.INTERACTIVE


async def test_3_12_the_worker_is_told_which_work_is_bulk_in_either_profile(staged: tuple[Profile, Stage]) -> None:
    _, stage = staged
    session = stage.session(ordered=False)
    send_all(session, *whole("book", TEXT, SpeechRequest(service_class=ServiceClass.BULK)), *whole("agent", "Hello."))
    await events_until_end(session, ends=2)
    told = {stream.job.text: stream.terms.service_class for stream in stage.host.streams}
    assert told.pop("Hello.") is ServiceClass.INTERACTIVE
    assert set(told.values()) == {ServiceClass.BULK}


def test_throughput_does_not_wait_for_the_listener() -> None:
    assert max_lead_s(Settings(profile="throughput", max_lead_s=30)) == math.inf
    assert max_lead_s(Settings(max_lead_s=30)) == 30
