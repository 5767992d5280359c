"""The page in a real browser, on a real server or on one that does as it is told."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.page_server import PageServer

playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--no-sandbox",
    "--ignore-certificate-errors",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
"""For containers, for our self-signed certificate, and for a microphone that beeps and needs no leave."""
WAIT_S = 20.0
LONG = "A sentence that goes on for a while. " * 12
AUDIBLE = 0.01
"""RMS of speech or a tone is far above this (-40 dBFS), silence and dither far below."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for each module: while it is open, Playwright's own event loop runs here, and no async test can."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Page:
    """One tab on the page, with what it sent over its WebSockets and what went wrong in its scripts."""

    def __init__(self, browser: Any, url: str, **context: Any) -> None:
        self.sent: list[str] = []
        self.sockets: list[str] = []
        self.faults: list[str] = []
        self.context = browser.new_context(**context)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(20_000)
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("websocket", self._watch)
        self.tab.goto(url)

    def _watch(self, socket: Any) -> None:
        self.sockets.append(socket.url)
        socket.on("framesent", lambda text: self.sent.append(text))

    def ready(self) -> Page:
        self.until("s.phase === 'ready'")
        return self

    def say(self, text: str) -> None:
        self.tab.fill("#text", text)
        self.tab.press("#text", "Enter")

    def hear(self, text: str) -> dict[str, Any]:
        """Have it spoken to its end."""
        self.say(text)
        self.until("s.outcome === 'completed'")
        return self.state()

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

    def slide(self, name: str, value: float) -> Any:
        """Move a slider as its person would: it tells of the way and of the end. Returns the word that sounds then."""
        move = (
            "(e, v) => { const word = window.syrinx.word; e.value = v;"
            " for (const t of ['input', 'change']) e.dispatchEvent(new Event(t)); return word }"
        )
        return self.tab.eval_on_selector(f"#{name}", move, value)

    def close(self) -> None:
        self.context.close()
        assert self.faults == []


@pytest.fixture
def fake() -> Iterator[PageServer]:
    fake = PageServer().start()
    yield fake
    fake.stop()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Page]]:
    """Open the page at an address; every tab is closed at the end, and none may have failed in its scripts."""
    pages: list[Page] = []

    def open_page(url: str, **context: Any) -> Page:
        pages.append(Page(browser, url, **context))
        return pages[-1]

    yield open_page
    for page in pages:
        page.context.close()
    assert [fault for page in pages for fault in page.faults] == []


@pytest.fixture
def page(visit: Callable[..., Page], fake: PageServer) -> Page:
    """On the fake server, with its voices read."""
    page = visit(fake.url).ready()
    page.until("s.voices === 5")
    return page


def asked(fake: PageServer, at_least: int = 0) -> list[dict[str, Any]]:
    """What was asked to be spoken; what the page has sent may still be on its way, so wait until there are so many."""
    fake.wait_for(lambda kinds: kinds.count("response.create") >= at_least)
    return [message for message in fake.received if message["type"] == "response.create"]
