"""A real server asked as Pipecat's ``PiperHttpTTSService`` (1.14, ``services/piper/tts.py``) asks Piper's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from tests.docs.console import blocks_of
from tests.docs.test_pages import ROOT
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

CHUNK = 4800


async def pipecat_run_tts(http: httpx.AsyncClient, text: str, voice: str | None) -> AsyncIterator[tuple[bytes, int]]:
    """Its ``run_tts`` and ``_stream_audio_frames_from_iterator``: audio and the rate it takes that to have."""
    headers = {"Content-Type": "application/json"}
    rate, buffer, has_header = None, bytearray(), True
    async with http.stream("POST", "", json={"text": text, "voice": voice}, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        async for chunk in response.aiter_bytes(CHUNK):
            if has_header and chunk.startswith(b"RIFF"):
                rate, chunk, has_header = int.from_bytes(chunk[24:28], "little"), chunk[44:], False
            buffer += chunk
            aligned = len(buffer) & ~1
            if aligned:
                assert rate is not None, "the header comes first"
                yield bytes(buffer[:aligned]), rate
                del buffer[:aligned]
    assert not buffer


@pytest.mark.parametrize("voice", [None, "de", "en_US-ryan-high"])
async def test_pipecat_hears_speech_at_the_rate_of_the_header(server: ServerProcess, voice: str | None) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as http:
        frames = [frame async for frame in pipecat_run_tts(http, "Hello from an agent. And one more sentence.", voice)]
    (rate,) = {rate for _, rate in frames}
    samples = np.frombuffer(b"".join(audio for audio, _ in frames), "<i2") / 32768
    assert 1.5 < len(samples) / rate < 6.0 and np.abs(samples).max() > 0.05


def test_pipecat_shows_the_words_of_an_error(server: ServerProcess) -> None:
    answer = httpx.post(server.url, json={"text": "Hello.", "voice": "nobody"}, trust_env=False)
    assert answer.status_code == 400 and "nobody" in answer.text


def test_pipers_own_command_line_examples(server: ServerProcess) -> None:
    """docs/API_HTTP.md of piper1-gpl: JSON by curl, and the list of voices."""
    form = {"content-type": "application/x-www-form-urlencoded"}  # what curl says of ``-d``
    answer = httpx.post(server.url, content='{ "text": "This is a test." }', headers=form, trust_env=False)
    assert answer.content[:4] == b"RIFF" and len(answer.content) > 10_000
    voices = httpx.get(f"{server.url}/voices", trust_env=False).json()
    assert voices["de"]["language"]["family"] == "de" and voices["de"]["audio"]["sample_rate"] == 22_050


def test_the_commands_on_the_page_work(server: ServerProcess, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    (script,) = blocks_of((ROOT / "docs" / "protocols" / "piper.md").read_text(encoding="utf-8"), "sh")
    script = "set -e\n" + script.replace("http://127.0.0.1:8000", server.url).replace("curl ", "curl -sSf ")
    subprocess.run(["sh", "-c", script], cwd=tmp_path, timeout=60, check=True)
    for name in ("hello.wav", "guten-tag.wav"):
        samples, rate = soundfile.read(tmp_path / name)
        assert np.abs(samples).max() > 0.01 and len(samples) / rate > 0.2
