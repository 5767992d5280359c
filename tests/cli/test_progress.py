"""Telling how far a long answer is."""

from __future__ import annotations

import io

from syrinx.cli.progress import Progress, StatusLine, bar
from syrinx.core.clock import FakeClock
from syrinx.core.types import EncodedAudio

HALF_A_SECOND = EncodedAudio(b"", 12_000, 24_000, "audio/wav")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_shown_in_the_first_second() -> None:
    terminal, clock = Terminal(), FakeClock()
    progress = Progress(terminal, clock)
    clock.advance(0.9)
    progress.add(1000, HALF_A_SECOND)
    progress.clear()
    assert terminal.getvalue() == ""


def test_then_the_sum_is_shown_now_and_again_and_taken_away() -> None:
    terminal, clock = Terminal(), FakeClock()
    progress = Progress(terminal, clock)
    clock.advance(1.0)
    for _ in range(3):
        progress.add(1000, HALF_A_SECOND)
    assert terminal.getvalue() == "\r\033[K0.5 s of audio, 1 kB in 1 s "
    clock.advance(0.2)
    progress.add(1000, HALF_A_SECOND)
    assert "2.0 s of audio, 4 kB" in terminal.getvalue()
    assert progress.samples == 48_000
    progress.clear()
    assert terminal.getvalue().endswith("\r\033[K")


def test_a_line_is_written_over_and_cleared_once() -> None:
    terminal, clock = Terminal(), FakeClock()
    line = StatusLine(terminal, clock)
    line.show("soon")
    clock.advance(1.0)
    line.show("Waiting")
    line.show("too soon again")
    clock.advance(0.2)
    line.show("Still")
    line.clear()
    line.clear()
    assert terminal.getvalue() == "\r\033[KWaiting in 1 s \r\033[KStill in 1 s \r\033[K"


def test_a_bar_is_as_full_as_its_share() -> None:
    assert bar(0.0) == "[" + "." * 24 + "]"
    assert bar(0.5) == "[" + "#" * 12 + "." * 12 + "]"
    assert bar(7.0) == "[" + "#" * 24 + "]"


def test_a_log_file_gets_no_progress() -> None:
    log, clock = io.StringIO(), FakeClock()
    progress = Progress(log, clock)
    clock.advance(5.0)
    progress.add(10)
    assert log.getvalue() == ""
    assert progress.summary() == "10 bytes"
