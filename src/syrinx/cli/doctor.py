"""``syrinx doctor``."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from syrinx.core.errors import SyrinxError
from syrinx.core.types import Audio, AudioFormat, SpeechRequest

from . import checks
from .checks import Finding
from .table import print_json, print_table

if TYPE_CHECKING:
    from syrinx.config import Settings

SAMPLE_TEXT = "Hello there."


def doctor(
    *,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Check what works on this machine and how to get the rest. Exits with 0 if it can speak, else 1."""
    from syrinx.config import read_settings

    findings = list(examine(read_settings(os.environ, config_file=config)))
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(("", "SUBJECT", "FOUND"), [_cells(finding) for finding in findings])
    return 0 if all(finding.ok for finding in findings if finding.required) else 1


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, in the order in which a newcomer would want to read them."""
    yield from checks.machine()
    yield from checks.gpu()
    yield from checks.models(settings)
    yield speech(settings)
    yield from checks.encoders()
    yield from checks.loudspeaker()
    yield from checks.places(settings)
    yield from checks.extras()


def speech(settings: Settings) -> Finding:
    """Whether the whole way from text to audio works: engine, worker process, model and encoder."""
    began = time.monotonic()
    try:
        model, audio_s = asyncio.run(_speak(settings))
    except (SyrinxError, OSError) as error:
        return Finding("speech", False, str(error), "see the models above", required=True)
    took_s = time.monotonic() - began
    detail = f"{model} spoke {audio_s:.2f} s of audio {took_s:.2f} s after a cold start"
    return Finding("speech", audio_s > 0, detail, required=True)


async def _speak(settings: Settings) -> tuple[str, float]:
    from .local import one_text, speak_here

    model, audio_s = "", 0.0
    async for event in speak_here(settings, one_text(SAMPLE_TEXT), SpeechRequest(audio=AudioFormat("wav"))):
        if isinstance(event, Audio):
            audio_s += event.audio.duration_s
        else:
            model = event.model
    return model, audio_s


def _cells(finding: Finding) -> tuple[str, str, str]:
    needs = f" -> {finding.needs}" if finding.needs and not finding.ok else ""
    return "ok" if finding.ok else "--", finding.subject, finding.detail + needs
