"""A Pipecat pipeline speaks through Syrinx: python examples/pipecat_agent.py [http://127.0.0.1:8000].

Needs: pip install "pipecat-ai[elevenlabs]". ElevenLabs' protocol brings contexts, word times and barge-in. In an agent
transport.input(), speech recognition and a language model stand before it, and transport.output() behind it.
"""

import asyncio
import sys
import wave

from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.elevenlabs.tts import ElevenLabsTTSService
from pipecat.workers.runner import WorkerRunner

ANSWER = "The first words are heard while the last ones are still being written."


class Loudspeaker(FrameProcessor):  # pyright: ignore[reportUntypedBaseClass]
    """Writes what it hears to a file, and prints the words."""

    def __init__(self, file: wave.Wave_write) -> None:
        super().__init__()
        self.file = file

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self.file.writeframes(frame.audio)
        elif isinstance(frame, TTSTextFrame | ErrorFrame):
            print(getattr(frame, "text", frame), end=" ", flush=True)
        await self.push_frame(frame, direction)


async def main(url: str) -> None:
    settings = ElevenLabsTTSService.Settings(voice="female", model="eleven_flash_v2_5")
    tts = ElevenLabsTTSService(api_key="any", url=url.replace("http", "ws", 1), sample_rate=24_000, settings=settings)
    with wave.open("pipecat_agent.wav", "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        worker = PipelineWorker(Pipeline([tts, Loudspeaker(file)]))
        tokens = [LLMTextFrame(word + " ") for word in ANSWER.split(" ")]
        await worker.queue_frames([LLMFullResponseStartFrame(), *tokens, LLMFullResponseEndFrame(), EndFrame()])
        runner = WorkerRunner()
        await runner.add_workers(worker)
        await runner.run()
        print(f"\n{file.tell() / 24_000:.1f} s of audio in pipecat_agent.wav")


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"))
