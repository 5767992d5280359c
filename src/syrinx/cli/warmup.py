"""``syrinx warmup``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .progress import Progress
from .sinks import save_wav
from .target import AS_USUAL, Asked

if TYPE_CHECKING:
    from syrinx.client.load import Plan
    from syrinx.client.speakers import Pcm
    from syrinx.client.takes import Take

DEFAULT_FILE = Path("warmup.wav")


def warmup(
    file: Annotated[Path | None, Parameter(help="Where --save puts it (warmup.wav).")] = None,
    /,
    *,
    save: Annotated[bool, Parameter(help="Save what was spoken as a WAV file.")] = False,
    asked: Asked = AS_USUAL,
) -> int:
    """Have a running server speak once, as a client would, so that the first real listener does not wait for it."""
    from syrinx.client.speakers import RATE

    progress = Progress()
    spoken: list[Pcm] = []

    def hear(samples: Pcm) -> None:
        progress.add(samples.nbytes)
        if save or file is not None:
            spoken.append(samples)

    try:
        take = asyncio.run(_speak(asked.plan(), hear))
    finally:
        progress.clear()
    first = (take.audible_s or take.ttfb_s or 0.0) * 1000
    xrt = take.audio_s / take.wall_s if take.wall_s else 0.0
    print(f"Warm: first sound after {first:.0f} ms, {take.audio_s:.1f} s of audio at {xrt:.1f} x real time.")
    if spoken:
        path = file or DEFAULT_FILE
        save_wav(path, [samples.tobytes() for samples in spoken], RATE)
        print(f"Saved in {path}.")
    return 0


async def _speak(plan: Plan, hear: Callable[[Pcm], None]) -> Take:
    from syrinx.client.speakers import speaker
    from syrinx.client.takes import take
    from syrinx.core.clock import SystemClock

    here = speaker(plan.dialect, plan.target)
    try:
        await here.open()
        result = await take(here, plan.texts, SystemClock(), hear)
    finally:
        await here.close()
    if result.error is not None:
        raise result.error
    return result
