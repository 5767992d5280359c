"""Has what is said in a recording written down, where whisper is installed: by a process that lives for that alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from syrinx.audio.resample import Resampler
from syrinx.core.errors import InvalidRequest, ModelFailed
from syrinx.models.base import ReferenceClip
from syrinx.models.whisper import process
from syrinx.models.whisper.options import WhisperOptions

from .voice import MAX_REFERENCE_TEXT_CHARS

TIMEOUT_S = 120.0
"""Thirty seconds of speech take the base model about three on two cores, and large weights twenty times that."""
REMEDY = "Say what is said in it (ref_text), or remove whisper (syrinx models remove whisper)"


@dataclass(frozen=True, slots=True)
class Scribe:
    """How whisper is run."""

    python: str
    """The interpreter of its environment."""
    options: WhisperOptions
    """``weights``: a folder."""
    timeout_s: float = TIMEOUT_S


class Transcriber:
    """Writes down one recording at a time. ``find`` says with what; None: whisper is not installed."""

    def __init__(self, find: Callable[[], Scribe | None] = lambda: None) -> None:
        self._find = find
        self._turn = asyncio.Lock()

    async def transcribe(self, clip: ReferenceClip) -> str:
        """What is said in the clip; empty: whisper is not installed.

        Raises ``InvalidRequest`` (``transcript_required``) where no words were found, ``ModelFailed`` where whisper
        failed.
        """
        async with self._turn:
            scribe = await asyncio.to_thread(self._find)
            if scribe is None:
                return ""
            order = await asyncio.to_thread(_order, scribe.options, clip)
            text = _text(await _run(scribe, order))
        if not text:
            raise InvalidRequest(
                "No words were recognised in the recording: say what is said in it (ref_text).",
                code="transcript_required",
            )
        return text[:MAX_REFERENCE_TEXT_CHARS]


async def _run(scribe: Scribe, order: bytes) -> bytes:
    command = (scribe.python, "-P", str(Path(process.__file__)))
    try:
        running = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=_variables(os.environ)
        )
    except OSError as error:
        raise _failed(str(error)) from None
    try:
        async with asyncio.timeout(scribe.timeout_s):
            said, _ = await running.communicate(order)
    except TimeoutError:
        raise _failed(f"it took longer than {scribe.timeout_s:g} s") from None
    finally:
        if running.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                running.kill()
            await running.wait()
    return said


def _order(options: WhisperOptions, clip: ReferenceClip) -> bytes:
    resampler = Resampler(clip.sample_rate, process.RATE)
    samples = np.concatenate([resampler.push(clip.samples), resampler.flush()]).astype(np.float32)
    told = {
        "weights": options.weights,
        "device": options.device,
        "compute_type": options.compute_type,
        "language": clip.language,
    }
    return json.dumps(told).encode() + b"\n" + samples.tobytes()


def _text(said: bytes) -> str:
    try:
        told: Any = json.loads(said)
        if "error" not in told:
            return str(told["text"]).strip()
        reason = str(told["error"])
    except (ValueError, KeyError, TypeError):
        reason = "its process died"
    raise _failed(reason)


def _variables(inherited: Mapping[str, str]) -> dict[str, str]:
    return {**inherited, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


def _failed(reason: str) -> ModelFailed:
    return ModelFailed(f"The recording could not be transcribed: {reason}. {REMEDY}.")
