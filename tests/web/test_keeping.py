"""What was heard can be heard again and saved; what is written can be made into a file."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.fakes.page_server import PageServer
from tests.fakes.server_process import ServerProcess
from tests.web.conftest import AUDIBLE, LONG, Page, asked


def saved(page: Page, selector: str) -> tuple[str, bytes]:
    """Press what saves; the file's name and content."""
    with page.tab.expect_download() as download:
        page.tab.click(selector)
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def samples(wav: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_what_was_heard_is_saved_as_wav(page: Page) -> None:
    assert page.tab.is_disabled("#save-wav")
    rendered = page.hear("Hello there: this is kept!")["rendered"]
    name, wav = saved(page, "#save-wav")
    assert name == "Hello-there-this-is-kept.wav"
    heard = samples(wav) / 32768
    assert len(heard) == rendered["samples"]
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(rendered["rms"], rel=1e-3)


def test_of_what_was_stopped_only_the_heard_part_is_saved(page: Page) -> None:
    page.say(LONG)
    page.until("s.rendered.rms > 0.01 && s.durationS > 5")
    page.tab.click("#stop")
    page.until("s.stop.tookMs !== null")
    received = page.state()["durationS"] * 24000
    _, wav = saved(page, "#save-wav")
    assert len(samples(wav)) == pytest.approx(received - page.state()["stop"]["droppedSamples"], abs=1)


def test_what_was_changed_in_mid_air_is_saved_in_one_piece(page: Page) -> None:
    text = "Some words that are said before, and some after."
    page.say(text)
    page.until("s.word === 'that'")
    page.slide("speed", 2)
    page.until("s.outcome === 'completed'")
    _, wav = saved(page, "#save-wav")
    once = len(text) * 0.065 * 24000  # the fake server knows no speed
    assert once < len(samples(wav)) < 1.5 * once
    assert page.tab.locator("#history li").count() == 1


def test_replay_plays_the_same_again_without_the_server(page: Page, fake: PageServer) -> None:
    assert page.tab.is_disabled("#replay")
    first = page.hear("Say it again.")
    page.tab.click("#replay")
    page.until("s.phase === 'replaying' && s.outcome === ''")
    assert page.shown("status") == "Playing again"
    page.until("s.outcome === 'completed'")
    again = page.state()
    assert again["rendered"] == pytest.approx(first["rendered"])
    assert again["ttfaMs"] == first["ttfaMs"], "what was measured is of the first time"
    assert len(asked(fake)) == 1
    assert page.tab.locator("#history li").count() == 1


def test_a_replay_can_be_stopped(page: Page) -> None:
    page.hear("This will be played again and stopped.")
    page.tab.click("#replay")
    page.until("s.rendered.rms > 0.01 && s.phase === 'replaying'")
    page.tab.click("#stop")
    page.until("s.outcome === 'stopped'")
    _, wav = saved(page, "#save-wav")
    assert len(samples(wav)) == round(page.state()["durationS"] * 24000), "the first hearing was whole"


def test_the_last_utterances_are_listed_and_can_be_replayed_saved_and_edited(page: Page) -> None:
    for number in range(9):
        page.hear(f"Number {number}.")
    quotes = page.tab.locator("#history .quote").all_inner_texts()
    assert quotes == [f"Number {number}." for number in range(8, 0, -1)]
    item = page.tab.locator("#history li").nth(2)
    assert "English" in item.inner_text()
    item.get_by_text("Edit").click()
    assert page.tab.input_value("#text") == "Number 6."
    item.get_by_text("Replay").click()
    page.until("s.phase === 'replaying'")
    page.until("s.outcome === 'completed'")
    name, _ = saved(page, "#history li:nth-child(3) button:has-text('Save')")
    assert name == "Number-6.wav"
    page.tab.click("#forget")
    assert not page.tab.is_visible("#history")
    assert page.tab.is_disabled("#replay")


@pytest.mark.parametrize(("kind", "codec"), [("mp3", "mp3"), ("opus", "opus")])
def test_the_real_server_makes_a_file_of_the_text(
    visit: Callable[..., Page], server: ServerProcess, kind: str, codec: str
) -> None:
    page = visit(server.url).ready()
    page.tab.fill("#text", "Nothing of this was heard before.")
    page.slide("speed", 2)
    name, data = saved(page, f"#save-{kind}")
    assert name == f"Nothing-of-this-was-heard-before.{kind}"
    with av.open(io.BytesIO(data), "r") as file:
        stream = file.streams.audio[0]
        assert stream.codec_context.codec.name.startswith(codec)
        loud: list[Any] = [np.abs(frame.to_ndarray()).max() for frame in file.decode(stream)]
    assert max(loud) > AUDIBLE
    assert page.shown("error-words") == ""


def test_a_file_that_cannot_be_made_is_told_with_the_server_s_reason(
    visit: Callable[..., Page], server: ServerProcess
) -> None:
    page = visit(server.url).ready()
    page.tab.fill("#text", "x" * 200_001)
    page.tab.click("#save-mp3")
    page.until("s.error !== ''")
    assert "could not be made" in page.shown("error-words") and "200000" in page.shown("error-words")
    assert page.tab.is_enabled("#save-mp3")
