"""The page in a real browser: what a person types is rendered as sound, measured where the sound device takes it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.server_process import ServerProcess
from tests.web.fake_server import FakeServer

playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")

LONG = "A sentence that goes on for a while. " * 12
AUDIBLE = 0.01
"""RMS of speech or a tone is far above this (-40 dBFS), silence and dither far below."""
WAIT_S = 20.0
STOP_BOUND_MS = 1000
"""Not a speed figure: over ten seconds of audio are buffered when Stop is pressed in these tests."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Page:
    """One tab on the page, with what it sent over its WebSockets and what went wrong in its scripts."""

    def __init__(self, browser: Any, url: str) -> None:
        self.sent: list[str] = []
        self.faults: list[str] = []
        self.context = browser.new_context()
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(20_000)
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("websocket", lambda socket: socket.on("framesent", lambda text: self.sent.append(text)))
        self.tab.goto(url)

    def say(self, text: str) -> None:
        self.tab.fill("#text", text)
        self.tab.press("#text", "Enter")

    def until(self, condition: str) -> None:
        """Wait until the JavaScript ``condition`` over ``s``, the page's state, holds.

        Playwright's own wait evaluates a string inside the page, which the page's security policy forbids.
        """
        deadline = time.monotonic() + WAIT_S
        while not self.tab.evaluate(f"(s => {condition})(window.syrinx)"):
            assert time.monotonic() < deadline, f"never came true: {condition}; the page says {self.state()}"
            self.tab.wait_for_timeout(20)

    def state(self) -> dict[str, Any]:
        return self.tab.evaluate("window.syrinx")

    def shown(self, name: str) -> str:
        return self.tab.inner_text(f"#{name}")


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    fake = FakeServer().start()
    yield fake
    fake.stop()


@pytest.fixture
def page(browser: Any, fake: FakeServer) -> Iterator[Page]:
    page = Page(browser, fake.url)
    page.until("s.phase === 'ready'")
    yield page
    page.context.close()
    assert page.faults == []


def test_enter_renders_audible_speech_to_its_end_and_shows_time_to_first_audio(page: Page) -> None:
    page.say("Hello there, this is spoken.")
    page.until("s.outcome === 'completed'")
    state = page.state()
    assert state["rendered"]["rms"] > AUDIBLE
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)
    assert 0 < state["ttfbMs"] <= state["ttfaMs"]
    assert page.shown("ttfa").endswith(" ms") and page.shown("ttfb").endswith(" ms")
    assert page.shown("duration").endswith(" s")
    assert page.shown("status") == "Ready"


def test_the_real_server_speaks_what_is_typed_and_stops_when_told(browser: Any, server: ServerProcess) -> None:
    page = Page(browser, server.url)
    try:
        page.until("s.phase === 'ready'")
        page.until("document.querySelectorAll('#voice option').length > 1")
        page.say("Hello there, this is real speech.")
        page.until("s.outcome === 'completed'")
        state = page.state()
        assert state["rendered"]["rms"] > AUDIBLE
        assert state["durationS"] > 1
        assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)
        assert 0 < state["ttfbMs"] <= state["ttfaMs"]
        page.say(LONG * 3)  # more than the server makes ahead
        page.until("s.rendered.rms > 0.01")
        page.tab.click("#stop")
        page.until("s.stop.tookMs !== null")
        assert page.state()["stop"]["tookMs"] < STOP_BOUND_MS
        assert any('"response.cancel"' in text for text in page.sent)
        assert page.shown("error") == ""
        assert page.faults == []
    finally:
        page.context.close()


def test_silence_sent_to_prime_the_line_is_not_played(page: Page) -> None:
    page.say("Hello.")
    page.until("s.outcome === 'completed'")
    state = page.state()
    assert state["durationS"] < 0.5
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)


def test_shift_enter_starts_a_new_line_and_speaks_nothing(page: Page, fake: FakeServer) -> None:
    page.tab.fill("#text", "one")
    page.tab.press("#text", "Shift+Enter")
    assert page.tab.input_value("#text") == "one\n"
    assert "response.create" not in fake.kinds()


def test_stop_drops_the_buffered_audio_at_once_and_tells_the_server(page: Page, fake: FakeServer) -> None:
    page.say(LONG)
    page.until("s.rendered.rms > 0.01 && s.durationS > 5")
    page.tab.click("#stop")
    page.until("s.stop.tookMs !== null")
    state = page.state()
    assert state["outcome"] == "stopped"
    assert state["stop"]["tookMs"] < STOP_BOUND_MS
    assert state["stop"]["droppedSamples"] > 24000
    asked = next(m for m in fake.received if m["type"] == "response.create")
    assert {"type": "response.cancel", "response_id": asked["response_id"]} in fake.received


def test_escape_stops_too(page: Page) -> None:
    page.say(LONG)
    page.until("s.rendered.rms > 0.01")
    page.tab.keyboard.press("Escape")
    page.until("s.stop?.tookMs != null")
    assert page.state()["outcome"] == "stopped"


def test_enter_while_speaking_replaces_what_is_spoken(page: Page, fake: FakeServer) -> None:
    page.say(LONG)
    page.until("s.rendered.rms > 0.01")
    page.say("Short.")
    page.until("s.outcome === 'completed'")
    assert page.state()["durationS"] < 2
    assert fake.kinds()[-4:] == ["response.create", "response.cancel", "barge", "response.create"]


def test_the_chosen_voice_and_speed_are_asked_for(page: Page, fake: FakeServer) -> None:
    page.tab.wait_for_selector("#voice option[value=de]", state="attached")
    assert page.tab.eval_on_selector_all("#voice option", "all => all.map(o => o.value)") == ["", "en", "de"]
    page.tab.select_option("#voice", "de")
    page.tab.focus("#speed")
    page.tab.keyboard.press("ArrowRight")
    page.say("Guten Tag.")
    page.until("s.outcome === 'completed'")
    asked = next(m for m in fake.received if m["type"] == "response.create")
    assert (asked["voice"], asked["speed"], asked["input"]) == ("de", 1.05, "Guten Tag.")


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ({"code": "too_long", "message": "The text has 151 words; the limit is 150."}, "151 words"),
        ({"code": "busy"}, "busy"),
        ({"code": "invalid_voice", "message": "No voice 'x'."}, "No voice 'x'."),
        ({"code": "new_code", "message": "A reason of its own."}, "A reason of its own."),
    ],
)
def test_a_refusal_is_told_in_plain_words_and_the_next_request_works(
    page: Page, fake: FakeServer, refusal: dict[str, Any], words: str
) -> None:
    fake.refusals.append(refusal)
    page.say("Hello.")
    page.until("s.outcome === 'failed'")
    assert words in page.shown("error")
    page.say("Hello.")
    page.until("s.outcome === 'completed'")
    assert not page.tab.is_visible("#error")


def test_a_text_too_long_for_one_response_is_asked_for_in_parts_cut_at_sentence_ends(
    page: Page, fake: FakeServer
) -> None:
    fake.refusals.append({"code": "too_long", "max_words": 5, "got_words": 11})
    page.say('One two "three." Four five six, seven.\nEight nine ten eleven.')
    page.until("s.outcome === 'completed'")
    asked = [message for message in fake.received if message["type"] == "response.create"]
    parts = [message["input"].rstrip() for message in asked[1:]]
    assert parts == ['One two "three."', "Four five six, seven.", "Eight nine ten eleven."]
    assert len({message["response_id"] for message in asked}) == 4
    state = page.state()
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)
    assert state["durationS"] == pytest.approx(0.065 * sum(map(len, parts)), abs=0.3)  # all of it, no primer


def test_stop_between_parts_cancels_the_waiting_one_too(page: Page, fake: FakeServer) -> None:
    fake.refusals.append({"code": "too_long", "max_words": 48, "got_words": 96})
    page.say(LONG)
    page.until("s.rendered.rms > 0.01")
    page.tab.click("#stop")
    page.say("Short.")
    page.until("s.outcome === 'completed'")
    assert fake.kinds()[-7:] == [*["response.create"] * 3, *["response.cancel"] * 2, "barge", "response.create"]


def test_a_part_that_is_too_long_again_is_not_divided_for_ever(page: Page, fake: FakeServer) -> None:
    fake.refusals += [{"code": "too_long", "message": "Too long.", "max_words": 2}] * 2
    page.say("One two three four.")
    page.until("s.outcome === 'failed'")
    assert "Too long." in page.shown("error")


def test_the_real_server_speaks_an_article_longer_than_one_response_may_be(browser: Any, server: ServerProcess) -> None:
    page = Page(browser, server.url)
    try:
        page.until("s.phase === 'ready'")
        page.tab.eval_on_selector("#speed", "slider => { slider.value = 2 }")
        page.say("Go on. " * 76)  # 152 words, over max_utterance_words
        page.until("s.utterance.heardOf === 'page-1.2'")  # the whole, refused, was page-1
        assert page.shown("error") == ""
        assert page.faults == []
    finally:
        page.context.close()


def test_empty_text_is_refused_by_the_page_itself(page: Page, fake: FakeServer) -> None:
    page.say("  \n ")
    assert "Type something" in page.shown("error")
    assert "response.create" not in fake.kinds()


def test_audio_slower_than_real_time_is_counted_as_gaps(page: Page, fake: FakeServer) -> None:
    fake.pace_x = 0.5
    page.say("A slow one.")
    page.until("s.outcome === 'completed'")
    state = page.state()
    assert state["underruns"] > 0
    assert page.shown("gaps") == str(state["underruns"])
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)


def test_a_key_is_asked_for_kept_for_the_tab_and_sent_as_subprotocol(browser: Any) -> None:
    fake = FakeServer(key="secret-key").start()
    page = Page(browser, fake.url)
    try:
        page.tab.wait_for_selector("#key", state="visible")
        assert page.shown("status") == "Key needed"
        page.tab.fill("#key", "wrong")
        page.tab.press("#key", "Enter")
        page.until("s.error.includes('did not accept')")
        page.tab.fill("#key", "secret-key")
        page.tab.press("#key", "Enter")
        page.until("s.phase === 'ready'")
        page.tab.reload()
        page.until("s.phase === 'ready'")
        page.say("Open sesame.")
        page.until("s.outcome === 'completed'")
        assert not page.tab.is_visible("#key")
        assert page.tab.evaluate("localStorage.length") == 0
        assert page.faults == []
    finally:
        page.context.close()
        fake.stop()


def test_the_page_reconnects_when_the_server_comes_back(browser: Any) -> None:
    fake = FakeServer().start()
    page = Page(browser, fake.url)
    try:
        page.until("s.phase === 'ready'")
        page.say(LONG)
        page.until("s.rendered.rms > 0.01")
        fake.stop()
        page.until("s.phase === 'lost'")
        assert "lost" in page.shown("error")
        fake = FakeServer(port=fake.port).start()
        page.until("s.phase === 'ready'")
        page.say("Back again.")
        page.until("s.outcome === 'completed'")
    finally:
        page.context.close()
        fake.stop()


def test_every_control_has_a_label_and_is_reached_by_the_keyboard(page: Page) -> None:
    unlabelled = "all => all.filter(e => e.labels ? !e.labels.length && !e.textContent.trim() : false).map(e => e.id)"
    assert page.tab.eval_on_selector_all("textarea, select, input, button", unlabelled) == []
    page.say(LONG)  # Stop can be reached while something is spoken
    page.until("s.phase === 'speaking'")
    reached = []
    for _ in range(4):
        page.tab.keyboard.press("Tab")
        reached.append(page.tab.evaluate("document.activeElement.id"))
    assert reached == ["voice", "speed", "play", "stop"]
