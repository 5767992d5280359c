"""A Pipecat pipeline with one speech service, unmodified: it speaks, is interrupted twice, and speaks again after each.

For the programs beside this one that run in ``.frameworks``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from typing import Any

from loguru import logger
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    EndFrame,
    ErrorFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

RATE = 24_000
ENDLESS = "{{long 3000}} and more."


class Ear(FrameProcessor):  # pyright: ignore[reportUntypedBaseClass]  Pipecat is in another environment
    """Stands where a transport would: keeps what comes, and says when the bot has stopped speaking."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self.news = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            self.frames.append(frame)
            self.news.set()
            if isinstance(frame, TTSStoppedFrame):
                await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        await self.push_frame(frame, direction)

    async def hear(self, kind: type[Frame], count: int = 1, since: int = 0) -> list[Any]:
        """Wait for so many frames of a kind, from that place on."""
        async with asyncio.timeout(30):
            while len(found := [frame for frame in self.frames[since:] if isinstance(frame, kind)]) < count:
                self.news.clear()
                await self.news.wait()
        return found


async def speak(worker: PipelineWorker, text: str, *, whole: bool = True) -> None:
    more = " " if whole else " Then it "  # a sentence is sent when the next one begins
    frames = [LLMFullResponseStartFrame(), LLMTextFrame(text + more)]
    await worker.queue_frames([*frames, LLMFullResponseEndFrame()] if whole else frames)


async def interrupt(worker: PipelineWorker, ear: Ear, *, whole: bool) -> dict[str, Any]:
    """Interrupt an endless answer, whose text has all been sent or not, and speak again."""
    begin = len(ear.frames)
    await speak(worker, ENDLESS, whole=whole)
    heard = await ear.hear(TTSAudioRawFrame, 3, begin)
    old = heard[0].context_id
    await worker.queue_frame(InterruptionFrame())
    await ear.hear(InterruptionFrame, since=begin)
    cut = next(i for i in range(begin, len(ear.frames)) if isinstance(ear.frames[i], InterruptionFrame))
    await speak(worker, "Still here.")
    await ear.hear(TTSAudioRawFrame, since=cut)
    await ear.hear(TTSStoppedFrame, since=cut)
    after = [frame.context_id for frame in ear.frames[cut:] if isinstance(frame, TTSAudioRawFrame)]
    return {"stale": after.count(old), "fresh": len(after) - after.count(old)}


async def talk(tts: Any) -> dict[str, Any]:
    """What reached the end of the pipeline."""
    ear = Ear()
    worker = PipelineWorker(Pipeline([tts, ear]), cancel_on_idle_timeout=False, params=PipelineParams())
    runner = WorkerRunner()
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await speak(worker, "Hello there. How are you, my friend?")
    await ear.hear(TTSStoppedFrame)
    sound = [frame for frame in ear.frames if isinstance(frame, TTSAudioRawFrame)]
    start = next(frame for frame in ear.frames if isinstance(frame, TTSStartedFrame))
    said = {
        "audio_s": sum(len(frame.audio) for frame in sound) / 2 / RATE,
        "words": [frame.text for frame in ear.frames if isinstance(frame, TTSTextFrame)],
        "contexts": len({frame.context_id for frame in sound} | {start.context_id}),
    }
    interrupted = [await interrupt(worker, ear, whole=whole) for whole in (False, True)]
    errors = [frame.error for frame in ear.frames if isinstance(frame, ErrorFrame)]
    await worker.queue_frame(EndFrame())
    await running
    return {"said": said, "interrupted": interrupted, "errors": errors}


def print_what_came(program: Coroutine[Any, Any, dict[str, Any]]) -> None:
    """Run it, without Pipecat's own log."""
    logger.remove()
    sys.stdout.write(json.dumps(asyncio.run(program)) + "\n")
