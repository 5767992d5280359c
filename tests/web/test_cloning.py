"""A voice of one's own: from a file or the microphone, spoken with, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.fakes.page_server import PageServer
from tests.fakes.server_process import ServerPool, ServerProcess
from tests.fakes.speech import noise, recording, speech
from tests.web.conftest import AUDIBLE, Page
from tests.web.test_voices import headings

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def cloner(servers: ServerPool) -> Iterator[ServerProcess]:
    """A server whose default model clones, with voices of its own."""
    with servers.fresh(models=("tone",)) as server:
        yield server


@pytest.fixture
def page(visit: Visit, cloner: ServerProcess) -> Page:
    page = visit(cloner.url).ready()
    page.tab.click("text=Clone a voice")
    return page


def upload(page: Page, data: bytes) -> None:
    page.tab.set_input_files("#clone-file", {"name": "voice.wav", "mimeType": "audio/wav", "buffer": data})


def told(page: Page, words: str) -> None:
    page.tab.wait_for_selector(f"#clone-said:has-text('{words}')")


def test_a_voice_made_of_a_file_is_chosen_speaks_and_can_be_removed(page: Page) -> None:
    page.until("s.voices > 0")
    before = page.state()["voices"]
    upload(page, recording(speech()))
    told(page, "s of sound")
    assert page.tab.is_visible("#clone-preview")
    page.tab.fill("#clone-name", "Grandmother")
    page.tab.check("#clone-consent")
    page.tab.click("#clone-make")
    told(page, "Grandmother is ready and chosen.")
    page.until(f"s.voices === {before + 1}")
    page.tab.wait_for_selector("#voice-remove", state="visible")
    assert page.tab.input_value("#voice") == "Grandmother"
    page.tab.click("#voice")
    assert headings(page)[0] == "Cloned voices"
    page.tab.keyboard.press("Escape")
    assert page.hear("Hello, dear.")["rendered"]["rms"] > AUDIBLE
    assert page.shown("spoken-by") == "Grandmother · tone"
    page.tab.on("dialog", lambda dialog: dialog.accept())
    page.tab.click("#voice-remove")
    page.until(f"s.voices === {before}")
    assert page.tab.input_value("#voice") == "Default voice"
    assert not page.tab.is_visible("#voice-remove")


def test_the_microphone_is_recorded(page: Page) -> None:
    page.tab.click("#clone-record")
    told(page, "Recording.")
    page.tab.wait_for_timeout(4500)  # the server wants three seconds of speech
    page.tab.click("#clone-record")
    told(page, "s of sound")
    page.tab.fill("#clone-name", "Beeper")
    page.tab.check("#clone-consent")
    page.tab.click("#clone-make")
    told(page, "Beeper is ready and chosen.")
    assert page.hear("Beep.")["rendered"]["rms"] > AUDIBLE


def test_nothing_is_made_without_consent_and_a_name(page: Page) -> None:
    upload(page, recording(speech()))
    told(page, "s of sound")
    page.tab.click("#clone-make")
    page.tab.fill("#clone-name", "Nobody")
    page.tab.click("#clone-make")
    assert page.tab.eval_on_selector("#clone-consent", "box => box.matches(':invalid')")
    assert "s of sound" in page.shown("clone-said"), "nothing was sent"


def test_a_recording_that_cannot_be_used_is_told_with_its_reason(page: Page) -> None:
    upload(page, b"not audio at all")
    told(page, "no audio that this browser can read")
    assert page.tab.is_disabled("#clone-make")
    upload(page, recording(noise()))
    told(page, "s of sound")
    page.tab.fill("#clone-name", "Wind")
    page.tab.check("#clone-consent")
    page.tab.click("#clone-make")
    told(page, "The voice could not be made. The recording is too noisy")
    assert page.tab.is_enabled("#clone-make")


def test_the_panel_is_hidden_where_the_model_cannot_clone(visit: Visit, fake: PageServer) -> None:
    page = visit(fake.url).ready()
    page.until("s.voices === 5")
    assert not page.tab.is_visible("#clone")
