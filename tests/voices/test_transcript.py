"""What is said in a recording, as the server has it written down: here by programs that stand for whisper's process."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, ModelFailed
from syrinx.models.base import ReferenceClip
from syrinx.models.whisper.options import WhisperOptions
from syrinx.voices.transcript import Scribe, Transcriber
from syrinx.voices.voice import MAX_REFERENCE_TEXT_CHARS

CLIP = ReferenceClip(np.full(48_000 * 3, 0.1, np.float32), 48_000, language="en-GB")


def transcriber(folder: Path, program: str, timeout_s: float = 60.0) -> Transcriber:
    """Runs that program in place of an interpreter with whisper."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\ndata = sys.stdin.buffer.read()\n{program}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Transcriber(lambda: Scribe(str(path), WhisperOptions(weights="/the/weights"), timeout_s))


async def test_the_process_is_told_the_weights_and_hears_the_recording_at_its_rate(tmp_path: Path) -> None:
    program = (
        "head, _, samples = data.partition(b'\\n')\nprint(json.dumps({'text': f' {head.decode()} {len(samples)} '}))"
    )
    said = await transcriber(tmp_path, program).transcribe(CLIP)
    head, _, size = said.rpartition(" ")
    assert json.loads(head) == {
        "weights": "/the/weights",
        "device": "cpu",
        "compute_type": "default",
        "language": "en-GB",
    }
    assert int(size) == 16_000 * 3 * 4


async def test_where_whisper_is_not_installed_nothing_is_said() -> None:
    assert await Transcriber().transcribe(CLIP) == ""


async def test_a_recording_without_words_asks_for_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="ref_text") as caught:
        await transcriber(tmp_path, "print(json.dumps({'text': ' '}))").transcribe(CLIP)
    assert caught.value.code == "transcript_required"


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("print(json.dumps({'error': 'model.bin is not there'}))", "model.bin is not there"),
        ("os.abort()", "died"),
        ("print('[]')", "died"),
        ("time.sleep(60)", "longer than 0.5 s"),
    ],
)
async def test_whatever_fails_is_told_with_the_remedy(tmp_path: Path, program: str, told: str) -> None:
    with pytest.raises(ModelFailed, match=told) as caught:
        await transcriber(tmp_path, program, 0.5 if "sleep" in program else 60.0).transcribe(CLIP)
    assert "ref_text" in caught.value.message


async def test_an_interpreter_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = Transcriber(lambda: Scribe(str(tmp_path / "none"), WhisperOptions()))
    with pytest.raises(ModelFailed, match="No such file"):
        await gone.transcribe(CLIP)


async def test_a_text_without_end_is_cut(tmp_path: Path) -> None:
    said = await transcriber(tmp_path, "print(json.dumps({'text': 'x' * 9999}))").transcribe(CLIP)
    assert len(said) == MAX_REFERENCE_TEXT_CHARS


async def test_a_caller_who_gives_up_ends_the_process(tmp_path: Path) -> None:
    program = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()) + '\\n')\ntime.sleep(60)"
    asked = asyncio.create_task(transcriber(tmp_path, program).transcribe(CLIP))
    while not (tmp_path / "pid").exists() or "\n" not in (tmp_path / "pid").read_text():
        await asyncio.sleep(0.01)
    asked.cancel()
    await asyncio.wait([asked])
    with pytest.raises(ProcessLookupError):
        import os

        os.kill(int((tmp_path / "pid").read_text()), 0)
