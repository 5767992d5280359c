"""The examples that run in a voice-agent framework's environment."""

from __future__ import annotations

import re
from pathlib import Path

import soundfile

from tests.clients.frameworks import run_in
from tests.examples.test_examples import EXAMPLES, assert_audible
from tests.fakes.server_process import ServerProcess

WORDS = "The first words are heard while the last ones are still being written."


def assert_holds(path: Path, said: str) -> None:
    """Real sound of the length that the example told."""
    samples, rate = soundfile.read(path)
    assert_audible(samples)
    assert f"{len(samples) / rate:.1f} s of audio in {path.name}" in said and len(samples) / rate > 2


def test_pipecat(server: ServerProcess, tmp_path: Path) -> None:
    said = run_in("frameworks", EXAMPLES / "pipecat_agent.py", server.url, folder=tmp_path)
    assert WORDS in " ".join(said.split())
    assert_holds(tmp_path / "pipecat_agent.wav", said)


def test_livekit(server: ServerProcess, tmp_path: Path) -> None:
    said = run_in("frameworks", EXAMPLES / "livekit_tts.py", server.url, folder=tmp_path)
    timed = re.findall(r"(\S+)@(\d+\.\d\d)", said)
    assert " ".join(word for word, _ in timed) == WORDS
    starts = [float(start) for _, start in timed]
    assert starts == sorted(starts) and starts[-1] > 1
    for name in ("livekit_streaming.wav", "livekit_whole.wav"):
        assert_holds(tmp_path / name, said)
