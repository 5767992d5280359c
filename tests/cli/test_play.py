"""``syrinx play``: what it refuses before it asks a server for anything, and what it says of a chunk."""

from __future__ import annotations

from pathlib import Path

import pytest

from syrinx.cli.main import main
from syrinx.cli.play import line_of
from syrinx.cli.play_timing import Heard
from syrinx.client.sidecar_events import JobAudio


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--start-after", "6"], "--start-after cannot be more than --prefetch"),
        (["--start-after", "0"], "--start-after"),
        (["--prefetch", "1"], "--prefetch"),
        (["--prefetch-queue-size", "2", "--start-playback-after", "3"], "--start-after"),
        (["--chunk-max-chars", "99"], "--chunk-max-chars"),
        (["--rate", "9"], "--rate"),
        (["--ws-timeout-s", "0"], "--ws-timeout-s"),
        (["--text", "  "], "nothing to say"),
        (["--url", "ftp://box"], "not the address of a server"),
    ],
)
def test_what_cannot_work_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["play", "--silent", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_line_tells_when_it_came_and_when_it_was_heard() -> None:
    piece = JobAudio("j", 3, bytes(4800), 24_000, 1, 10, 25)
    assert line_of(piece, Heard(0.25, 1.5, 0.1, 9.0)) == (
        "chunk 3: gap_since_prev=0.250s playback_wait=1.500s playback_dur=0.100s text=10-25"
    )
