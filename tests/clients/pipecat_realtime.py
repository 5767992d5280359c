"""Pipecat's service of OpenAI's Realtime API. Runs in ``.frameworks``.

python pipecat_realtime.py ws://127.0.0.1:8000; prints as JSON what reached the end of its pipelines. The service wants
a language model behind it: here its first message is spoken, and then interrupted.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InterruptionFrame,
    LLMContextFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.openai.realtime.events import AudioConfiguration, AudioInput, AudioOutput, SessionProperties
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.workers.runner import WorkerRunner
from pipecat_talk import ENDLESS, RATE, Ear, print_what_came


@asynccontextmanager
async def speaking(url: str, text: str) -> AsyncIterator[tuple[PipelineWorker, Ear]]:
    """A pipeline whose service was told to answer this."""
    audio = AudioConfiguration(input=AudioInput(turn_detection=False), output=AudioOutput(voice="sine"))
    settings = OpenAIRealtimeLLMService.Settings(session_properties=SessionProperties(audio=audio))
    service = OpenAIRealtimeLLMService(api_key="any", base_url=f"{url}/v1/realtime", settings=settings)
    ear = Ear()
    worker = PipelineWorker(Pipeline([service, ear]), cancel_on_idle_timeout=False, params=PipelineParams())
    runner = WorkerRunner()
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await worker.queue_frame(LLMContextFrame(LLMContext([{"role": "user", "content": text}])))
    yield worker, ear
    await worker.queue_frame(EndFrame())
    await running


def seconds(frames: list[Any]) -> float:
    return sum(len(frame.audio) for frame in frames if isinstance(frame, TTSAudioRawFrame)) / 2 / RATE


async def main(url: str) -> dict[str, Any]:
    async with speaking(url, "Hello there. How are you, my friend?") as (_, ear):
        await ear.hear(TTSStoppedFrame)
        said = {
            "audio_s": seconds(ear.frames),
            "words": "".join(frame.text for frame in ear.frames if isinstance(frame, TTSTextFrame)),
        }
        frames = ear.frames
    async with speaking(url, ENDLESS) as (worker, ear):
        await ear.hear(TTSAudioRawFrame, 3)
        await worker.queue_frame(InterruptionFrame())
        await ear.hear(TTSStoppedFrame)
        frames = [*frames, *ear.frames]
    errors = [frame.error for frame in frames if isinstance(frame, ErrorFrame)]
    return {"said": said, "errors": errors}


if __name__ == "__main__":
    print_what_came(main(*sys.argv[1:]))
