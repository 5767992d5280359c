"""What ``syrinx doctor`` looks at: one function a subject, each returning findings and raising nothing."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syrinx.core.errors import SyrinxError
from syrinx.core.types import AudioFormat

if TYPE_CHECKING:
    from syrinx.config import Settings

GPU_QUERY = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
GPU_WAIT_S = 5.0
EXTRAS = {
    "sounddevice": ("play", "plays through the sound device"),
    "wetext": ("cjk", "reads Chinese and Japanese numbers"),
}
"""Optional packages: the extra that brings each and what it is good for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    subject: str
    ok: bool
    detail: str
    needs: str = ""
    """The command or step that gets what is missing; empty where nothing is."""
    required: bool = False
    """Without it nothing can be spoken."""


def machine() -> Iterator[Finding]:
    """Python, platform, cores and memory."""
    yield Finding("python", True, f"{platform.python_version()} at {sys.executable}")
    yield Finding("platform", True, f"{platform.system()} {platform.release()} {platform.machine()}")
    yield Finding(
        "cores", True, str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    )
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        yield Finding("memory", True, f"{size / 2**30:.1f} GiB")


def gpu() -> Iterator[Finding]:
    """NVIDIA GPUs, as their driver's own tool names them."""
    if shutil.which(GPU_QUERY[0]) is None:
        yield Finding("gpu", True, "none: models run on the CPU")
        return
    try:
        done = subprocess.run(GPU_QUERY, capture_output=True, text=True, timeout=GPU_WAIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("gpu", False, f"nvidia-smi did not answer: {error}", "check the NVIDIA driver")
        return
    yield from (Finding("gpu", True, line.strip()) for line in done.stdout.splitlines() if line.strip())


def models(settings: Settings) -> Iterator[Finding]:
    """Every model in the registry."""
    from .models import describe_models

    for row in describe_models(settings):
        advice = row["needs"].rpartition(": ")[2]
        yield Finding(f"model {row['name']}", row["ready"], row["title"] if row["ready"] else row["needs"], advice)


def encoders() -> Iterator[Finding]:
    """Every container: whether a tenth of a second of silence can be encoded."""
    import numpy as np

    from syrinx.audio.encode import CONTAINERS, create_encoder, output_rate

    for name in CONTAINERS:
        try:
            rate = output_rate(AudioFormat(name), 24_000)
            encoder = create_encoder(AudioFormat(name), rate)
            size = len(encoder.begin() + encoder.encode(np.zeros(rate // 10, np.float32)) + encoder.finish())
            yield Finding(f"format {name}", size > 0, f"{size} bytes for 0.1 s of silence at {rate} Hz")
        except (SyrinxError, ImportError, OSError, ValueError) as error:
            yield Finding(f"format {name}", False, str(error), "pip install --force-reinstall av")


def loudspeaker() -> Iterator[Finding]:
    """How `syrinx say` is heard here."""
    from .playback import ADVICE, find_loudspeaker

    found = find_loudspeaker()
    yield Finding("loudspeaker", found is not None, found.name if found else "none found", "" if found else ADVICE)


def places(settings: Settings) -> Iterator[Finding]:
    """The port and the data folder that `syrinx serve` would use."""
    address = f"{settings.host}:{settings.port}"
    try:
        with socket.create_server((settings.host, settings.port)):
            yield Finding("port", True, f"{address} is free")
    except OSError as error:
        yield Finding("port", False, f"{address}: {error.strerror}", "choose another one with --port")
    yield _writable(settings.data_dir)


def _writable(folder: Path) -> Finding:
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Finding("data folder", True, f"{folder.absolute()} can be written")
    except OSError as error:
        advice = "choose another one with --data-dir"
        return Finding("data folder", False, f"{folder.absolute()} cannot be written: {error.strerror}", advice)


def extras() -> Iterator[Finding]:
    """Optional packages."""
    for package, (extra, use) in EXTRAS.items():
        there = importlib.util.find_spec(package) is not None
        needs = "" if there else f"pip install 'syrinx-tts[{extra}]'"
        yield Finding(f"extra {extra}", there, f"{package} {use}", needs)
