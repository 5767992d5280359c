"""The page with an AudioWorklet, in a real browser, from another origin than the server's."""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.e2e.probe import ended, running
from tests.examples.test_examples import EXAMPLES
from tests.fakes.server_process import ServerPool, ServerProcess
from tests.web.conftest import AUDIBLE, WAIT_S, browser

__all__ = ["browser"]  # a fixture
WATCH = """() => {
  window.loudest = 0;
  const level = document.getElementById("level");
  const look = () => (window.loudest = Math.max(window.loudest, level.value));
  new MutationObserver(look).observe(level, { attributes: true });
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@pytest.fixture
def tab(browser: Any, tone: ServerProcess) -> Iterator[Any]:
    """The page ``index.html`` with its ``worklet.js``, as a web server of anybody's gives them out."""
    files = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=EXAMPLES / "browser"))
    threading.Thread(target=files.serve_forever, daemon=True).start()
    context = browser.new_context()
    tab, faults = context.new_page(), list[str]()
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto(f"http://127.0.0.1:{files.server_port}/?server={tone.url}")
    tab.evaluate(WATCH)
    yield tab
    context.close()
    files.shutdown()
    files.server_close()
    assert faults == []


def until(tab: Any, condition: Callable[[], Any]) -> Any:
    """Wait until it holds, and return what it gave. Playwright's event loop runs on."""
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it never came; the page says {tab.inner_text('#said')!r}"
        tab.wait_for_timeout(20)
    return found


def shown(tab: Any, pattern: str) -> re.Match[str]:
    """Wait until the page says that."""
    return until(tab, lambda: re.fullmatch(pattern, tab.inner_text("#said")))


def test_it_plays_every_sample_without_a_gap(tab: Any) -> None:
    tab.fill("#text", "{{long 2}}")
    tab.click("#speak")
    assert float(shown(tab, r"spoken: (\S+) s, 0 gaps")[1]) == 2.0
    assert tab.evaluate("window.loudest") > AUDIBLE


def test_stop_silences_it_and_stops_the_model_and_it_speaks_again(tab: Any, tone: ServerProcess) -> None:
    canceled = ended(tone, "canceled")
    tab.fill("#text", "{{long 3000}}")
    tab.click("#speak")
    shown(tab, r"speaking: .*")
    tab.click("#stop")
    assert 0 < float(shown(tab, r"stopped: (\S+) s, .*")[1]) < 3000
    until(tab, lambda: ended(tone, "canceled") == canceled + 1 and running(tone) == 0)
    tab.fill("#text", "{{long 1}}")
    tab.click("#speak")
    assert float(shown(tab, r"spoken: (\S+) s, 0 gaps")[1]) == 1.0, "of the new text alone"


def test_a_refusal_is_told(tab: Any) -> None:
    tab.fill("#text", " ")
    tab.click("#speak")
    assert "nothing to speak" in shown(tab, r".+")[0]
