"""How the page finds its server: with a key, over https, behind a prefix, again after it was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.fakes.page_server import PageServer
from tests.fakes.server_process import ServerPool, ServerProcess
from tests.fakes.tls_proxy import TlsProxy
from tests.web.conftest import AUDIBLE, LONG, Page

Visit = Callable[..., Page]


@pytest.fixture
def https(server: ServerProcess) -> Iterator[TlsProxy]:
    proxy = TlsProxy(server.port).start()
    yield proxy
    proxy.stop()


def test_4_06_the_page_plays_over_https_by_wss(visit: Visit, https: TlsProxy) -> None:
    page = visit(https.url).ready()
    page.until("s.voices > 100")
    state = page.hear("Spoken behind a lock.")
    assert state["rendered"]["rms"] > AUDIBLE
    assert 0 < state["ttfbMs"] <= state["ttfaMs"]
    assert [url.partition(":")[0] for url in page.sockets] == ["wss"]
    assert page.shown("error-words") == ""


def test_the_page_works_behind_a_path_prefix(visit: Visit) -> None:
    fake = PageServer(prefix="/some/voice").start()
    try:
        page = visit(fake.url).ready()
        page.until("s.voices === 5")
        assert page.hear("From below.")["rendered"]["rms"] > AUDIBLE
    finally:
        fake.stop()


def test_nothing_comes_from_elsewhere(visit: Visit, fake: PageServer) -> None:
    page = visit("about:blank")
    asked: list[str] = []
    page.tab.on("request", lambda request: asked.append(request.url))
    page.tab.goto(fake.url)
    page.ready().hear("Hello.")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((fake.url, "blob:"))] == []


def test_a_key_is_asked_for_kept_for_the_tab_and_sent_as_subprotocol(visit: Visit) -> None:
    fake = PageServer(key="secret-key").start()
    page = visit(fake.url)
    try:
        page.tab.wait_for_selector("#key", state="visible")
        assert page.shown("status") == "Key needed"
        assert page.tab.evaluate("document.activeElement.id") == "key"
        page.tab.fill("#key", "wrong")
        page.tab.press("#key", "Enter")
        page.until("s.error.includes('did not accept')")
        page.tab.fill("#key", "secret-key")
        page.tab.click("text=Use key")
        page.until("s.phase === 'ready'")
        page.tab.reload()
        page.until("s.phase === 'ready'")
        page.hear("Open sesame.")
        assert not page.tab.is_visible("#key")
        assert page.tab.evaluate("localStorage.length") == 0
        assert not any("secret-key" in url for url in [*page.sockets, page.tab.url])
    finally:
        fake.stop()


def test_the_real_server_s_key_opens_speech_lists_and_files(visit: Visit, servers: ServerPool) -> None:
    locked = servers.get(models=("tone",), api_key="open-sesame", public_lists=False)
    page = visit(locked.url)
    page.tab.wait_for_selector("#key", state="visible")
    page.tab.fill("#key", "open-sesame")
    page.tab.press("#key", "Enter")
    page.ready().until("s.voices === 4")
    assert page.hear("Now it speaks.")["rendered"]["rms"] > AUDIBLE
    with page.tab.expect_download() as download:
        page.tab.click("#save-mp3")
    assert download.value.suggested_filename == "Now-it-speaks.mp3"


def test_a_refusal_that_no_key_would_change_is_told_as_it_is(visit: Visit) -> None:
    fake = PageServer()
    fake.refuses = (1008, "This web origin may not call (setting: cors_origins).")
    fake.start()
    try:
        page = visit(fake.url)
        page.until("s.phase === 'refused'")
        assert page.shown("error-words") == "This web origin may not call (setting: cors_origins)."
        assert not page.tab.is_visible("#key")
    finally:
        fake.stop()


def test_a_server_that_is_full_is_tried_again(visit: Visit) -> None:
    fake = PageServer()
    fake.refuses = (1013, "No more connections.")
    fake.start()
    try:
        page = visit(fake.url)
        page.until("s.phase === 'lost'")
        assert "no place for another connection" in page.shown("error-words")
        fake.refuses = None
        page.ready()
        assert not page.tab.is_visible("#error")
    finally:
        fake.stop()


def test_the_page_reconnects_when_the_server_comes_back(visit: Visit) -> None:
    fake = PageServer().start()
    page = visit(fake.url).ready()
    try:
        page.say(LONG)
        page.until("s.rendered.rms > 0.01")
        fake.stop()
        page.until("s.phase === 'lost'")
        assert page.shown("error-words").startswith("The speech broke off. The server")
        assert page.shown("status") == "Reconnecting"
        fake = PageServer(port=fake.port).start()
        page.ready()
        assert page.tab.is_visible("#error"), "it tells why nothing is heard any more"
        page.hear("Back again.")
        assert not page.tab.is_visible("#error")
        fake.stop()
        page.until("s.phase === 'lost'")
        assert page.shown("error-words").endswith("This page tries again by itself.")
        fake = PageServer(port=fake.port).start()
        page.ready()
        assert not page.tab.is_visible("#error")
    finally:
        fake.stop()


def test_a_model_that_still_loads_is_told_and_waited_for(visit: Visit) -> None:
    fake = PageServer()
    fake.loading = "fake: loading"
    fake.start()
    try:
        page = visit(fake.url)
        page.until("s.phase === 'loading'")
        assert page.shown("status") == "Loading the voice"
        assert page.tab.get_attribute("#status", "title") == "fake: loading"
        fake.loading = ""
        page.ready().until("s.voices === 5")
    finally:
        fake.stop()
