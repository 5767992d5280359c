"""Voices prepared in real worker processes: between steps, bounded, and a model that breaks at it harms nobody else."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, Overloaded, WorkerLost
from syrinx.models.base import ReferenceClip
from syrinx.models.prompt import decode_prompt
from syrinx.workers.errands import MAX_ERRANDS
from syrinx.workers.policy import BackendSpec
from syrinx.workers.supervisor import Supervisor
from tests.workers.backends import RATE, expected
from tests.workers.test_supervisor import hear, nothing_left_behind, policy, running, submit, until

__all__ = ["nothing_left_behind"]


def clip(text: str = "", seconds: float = 1.0) -> ReferenceClip:
    return ReferenceClip(np.linspace(-1, 1, int(seconds * RATE), dtype=np.float32), RATE, text, "en")


async def test_a_prompt_comes_back_whole_with_the_names_of_its_maker():
    async with running() as host:
        for seconds in (0.01, 30.0, 200.0):  # the last is 6 MB: it comes in pieces
            given = clip(seconds=seconds)
            prompt = decode_prompt(await host.prepare_voice(given))
            assert (prompt.model, prompt.revision) == ("ramp", "")
            assert np.array_equal(prompt.tensors["samples"], given.samples)
            assert prompt.tensors["rate"][0] == RATE


async def test_voices_are_prepared_between_the_steps_of_jobs():
    async with running({"step_s": 0.005}) as host:
        stream = submit(host, "a", "some words here")
        first = await stream.read()
        await host.prepare_voice(clip())
        whole = np.concatenate([*(chunk.samples for chunk in first), await hear(stream)])
        assert np.array_equal(whole, expected("a", "some words here"))


async def test_a_refusal_is_the_callers_and_a_breakage_is_the_models():
    async with running() as host:
        with pytest.raises(InvalidRequest, match="question mark") as caught:
            await host.prepare_voice(clip("?"))
        assert caught.value.code == "bad_sign"
        with pytest.raises(ModelFailed, match="the text has a hash"):
            await host.prepare_voice(clip("#"))
        with pytest.raises(ModelFailed, match="made no voice prompt"):
            await host.prepare_voice(clip("%"))
        for empty_or_long in (0.0, 400.0):
            with pytest.raises(InvalidRequest):
                await host.prepare_voice(clip(seconds=empty_or_long))
        assert await host.prepare_voice(clip())
        assert host.status.restarts == 0


async def test_a_model_that_cannot_clone_says_so():
    async with running({"clones": False}) as host:
        with pytest.raises(InvalidRequest) as caught:
            await host.prepare_voice(clip())
        assert caught.value.code == "cannot_clone"


async def test_a_crash_fails_the_call_and_a_listener_hears_no_gap_in_the_samples():
    async with running({"step_s": 0.01}) as host:
        heard, waiting = submit(host, "a", "some words here"), submit(host, "b", "more", timeline="a")
        first = await heard.read()
        preparing = asyncio.create_task(host.prepare_voice(clip("!")))
        with pytest.raises(WorkerLost, match="while it prepared a voice"):
            await preparing
        whole = np.concatenate([*(chunk.samples for chunk in first), await hear(heard)])
        assert np.array_equal(whole, expected("a", "some words here"))
        assert np.array_equal(await hear(waiting), expected("b", "more"))
        assert host.status.restarts == 1
        assert (heard.progress.retries, heard.progress.suspected, waiting.progress.retries) == (0, 0, 0)
        assert await host.prepare_voice(clip())


async def test_a_crash_loses_all_that_the_worker_was_asked_for_and_others_can_ask_again():
    async with running() as host:
        asked = [asyncio.create_task(host.prepare_voice(clip(text))) for text in ("~0.2", "!", "")]
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(results[0], bytes)
        assert all(isinstance(result, WorkerLost) for result in results[1:])
        with pytest.raises(ModelNotReady):
            await host.prepare_voice(clip())
        await until(lambda: host.status.state.value == "ready")
        assert await host.prepare_voice(clip())


async def test_a_voice_may_take_longer_than_a_step_and_not_longer_than_its_own_time():
    async with running(step_timeout_s=0.3, prepare_timeout_s=2.0, silence_margin_s=0.6) as host:
        assert await host.prepare_voice(clip("~1.5"))
        with pytest.raises(WorkerLost, match=r"Preparing a voice took longer than 2 s"):
            await host.prepare_voice(clip("~60"))
        await until(lambda: host.status.state.value == "ready")
        assert np.array_equal(await hear(submit(host, "next", "x")), expected("next", "x"))


async def test_who_gives_up_frees_a_place_only_when_the_worker_is_done():
    async with running() as host:
        asked = [asyncio.create_task(host.prepare_voice(clip("~0.3"))) for _ in range(MAX_ERRANDS)]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        with pytest.raises(Overloaded):
            await host.prepare_voice(clip())
        await until(lambda: not host._errands._running)
        assert await host.prepare_voice(clip())


async def test_stopping_tells_who_waits_and_a_stopped_model_prepares_nothing():
    host = Supervisor("ramp", BackendSpec("tests.workers.backends:Ramp"), policy(stop_grace_s=0.2))
    with pytest.raises(ModelNotReady):
        await host.prepare_voice(clip())
    await host.start()
    preparing = asyncio.create_task(host.prepare_voice(clip("~60")))
    await until(lambda: bool(host._errands._running))
    await host.stop()
    with pytest.raises(WorkerLost, match="was stopped"):
        await preparing
    with pytest.raises(ModelNotReady):
        await host.prepare_voice(clip())
