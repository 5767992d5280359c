"""``syrinx models try``."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from syrinx.core.types import Audio, AudioFormat, SpeechRequest

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.models.trial import Trial

SENTENCE = "By eight the market smells of bread, oranges and rain, and nobody remembers that it was ever quiet here."


def try_model(
    name: Annotated[str, Parameter(help="The model.")],
    /,
    *,
    data_dir: Annotated[Path | None, Parameter(help="The data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Load a model, speak a sentence once to warm it up and once more, and note how fast that was."""
    from syrinx.config import read_settings

    run_trial(name, read_settings(os.environ, {"data_dir": data_dir}, config))
    return 0


def run_trial(name: str, settings: Settings) -> None:
    """Try a model, tell the result and note it. Raises what loading or speaking raises."""
    from syrinx.models.trial import Trials

    trial = asyncio.run(_speak(settings.model_copy(update={"models": (name,), "warmup_on_startup": False})))
    Trials(settings.data_dir).write(name, trial)
    print(f"{name}: {trial.x_realtime:.1f} x real time, first audio after {trial.first_audio_s * 1000:.0f} ms.")


async def _speak(settings: Settings) -> Trial:
    from syrinx.models.trial import Trial
    from syrinx.wiring import build_engine

    from .local import one_text, speak_with

    engine = build_engine(settings)
    try:
        await engine.start()
        request = SpeechRequest(audio=AudioFormat("pcm_s16le"))
        first_s = audio_s = wall_s = 0.0
        for _ in range(2):
            began, first_s, audio_s = time.monotonic(), 0.0, 0.0
            async for event in speak_with(engine, one_text(SENTENCE), request):
                if isinstance(event, Audio):
                    first_s = first_s or time.monotonic() - began
                    audio_s += event.audio.duration_s
            wall_s = time.monotonic() - began
        return Trial(round(audio_s / wall_s, 2), round(first_s, 3))
    finally:
        await engine.stop()
