"""Engines that the tests of the Python API share. They outlive every test's event loop, as they are meant to."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from syrinx.api import TTSConfig, TTSEngine

REFERENCE_HZ = 220.0
"""The pitch of the recording."""
SCRIPT_S = 60.0


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="session")
def tone(data_dir: Path) -> Iterator[TTSEngine]:
    """The stand-in for a model, a thousand times real time."""
    with TTSEngine(TTSConfig("tone", data_dir=data_dir, model_options={"x_realtime": 1000})) as engine:
        yield engine


@pytest.fixture(scope="session")
def cloned(data_dir: Path, recording: bytes) -> Iterator[TTSEngine]:
    """Speaks in the voice of the recording."""
    options = {"x_realtime": 1000}
    with TTSEngine(TTSConfig("tone", reference_audio=recording, data_dir=data_dir, model_options=options)) as engine:
        yield engine


@pytest.fixture(scope="session")
def recording() -> bytes:
    """Four seconds of a voice that hums, breathes now and then, and has overtones; a WAV file."""
    rate = 24_000
    at = np.arange(4 * rate) / rate
    hum = sum(np.sin(2 * np.pi * REFERENCE_HZ * n * at) / n for n in range(1, 6))
    breath = np.clip(np.sin(2 * np.pi * at) + 0.6, 0.0, 1.0)
    file = io.BytesIO()
    soundfile.write(file, (0.2 * hum * breath).astype(np.float32), rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def run_script(code: str, *arguments: str | Path) -> str:
    """Run a program of somebody who has Syrinx installed; return what it printed. Anything on stderr is a failure."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SCRIPT_S, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout
