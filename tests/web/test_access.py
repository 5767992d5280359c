"""For everyone: by keyboard, by screen reader, on a phone, in the dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.page_server import PageServer
from tests.web.conftest import LONG, Page

CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => e === null ? ['white'] : [...behind(e.parentElement), getComputedStyle(e).backgroundColor];
  const ratio = (e) => {
    const [a, b] = [light(over([...behind(e), getComputedStyle(e).color])), light(over(behind(e)))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const written = (e) => e.value || [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const seen = (e) => e.checkVisibility() && !e.disabled && !e.closest('[aria-hidden=true]');
  const told = [...document.querySelectorAll('body *')].filter((e) => seen(e) && written(e));
  return told.map((e) => [e.id || e.className || e.tagName, ratio(e)]).filter(([, r]) => r < 4.5);
}
"""
"""Every text that is shown with less contrast to what is behind it than WCAG 2.2 asks for (1.4.3, level AA)."""


def test_every_control_has_a_name(page: Page) -> None:
    page.hear("Something for the history.")
    unnamed = """all => all.filter(e => !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label')))
        .map(e => e.id || e.outerHTML)"""
    assert page.tab.eval_on_selector_all("textarea, select, input, button, progress", unnamed) == []
    repeated = page.tab.eval_on_selector_all(
        "[id]", "all => all.map(e => e.id).filter((id, i, ids) => ids.indexOf(id) !== i)"
    )
    assert repeated == []


def test_the_keyboard_reaches_everything_in_the_order_of_use(page: Page) -> None:
    page.say(LONG)  # Stop can be reached while something is spoken
    page.until("s.phase === 'speaking'")
    reached: list[str] = []
    while "volume" not in reached:
        page.tab.keyboard.press("Tab")
        reached.append(page.tab.evaluate("document.activeElement.id || document.activeElement.className"))
    ids = [each for each in reached if each != "chip"]
    assert ids == ["play", "stop", "save-mp3", "save-opus", "voice", "speed", "pitch", "volume"]
    assert reached.count("chip") >= 7


def test_stop_by_keyboard_gives_the_focus_back_to_the_text(page: Page) -> None:
    page.say(LONG)
    page.until("s.phase === 'speaking'")
    page.tab.focus("#stop")
    page.tab.keyboard.press("Enter")
    assert page.tab.evaluate("document.activeElement.id") == "text"


def test_what_happens_is_told_to_screen_readers(page: Page, fake: PageServer) -> None:
    assert page.tab.get_attribute("#status", "role") == "status"
    fake.refusals.append({"code": "busy"})
    page.say("Hello.")
    page.until("s.outcome === 'failed'")
    assert page.tab.get_by_role("alert").inner_text().startswith("The server is busy")
    assert page.tab.get_by_role("combobox", name="Voice").count() == 1
    assert page.tab.get_by_role("slider", name="Speed").get_attribute("aria-valuetext") == "1.00×"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_schemes(visit: Callable[..., Page], fake: PageServer, scheme: str) -> None:
    page = visit(fake.url, color_scheme=scheme).ready()
    page.until("s.voices === 5")
    page.hear("Something for the history.")
    fake.refusals.append({"code": "busy"})
    page.say("Hello.")
    page.until("s.outcome === 'failed'")
    page.tab.click("#voice")
    assert page.tab.evaluate(CONTRAST) == []


def test_the_theme_can_be_chosen_and_is_remembered(visit: Callable[..., Page], fake: PageServer) -> None:
    page = visit(fake.url, color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.tab.evaluate(colour)
    page.tab.select_option("#theme", "dark")
    dark = page.tab.evaluate(colour)
    assert dark != light
    page.tab.reload()
    assert page.tab.evaluate(colour) == dark
    page.tab.select_option("#theme", "system")
    assert page.tab.evaluate(colour) == light


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_fits_any_width(visit: Callable[..., Page], fake: PageServer, width: int) -> None:
    page = visit(fake.url, viewport={"width": width, "height": 700}).ready()
    page.until("s.voices === 5")
    page.say("Something long enough for the history to have more text than there is room on a phone.")
    page.until("s.rendered.rms > 0.01")
    page.tab.click("#stop")
    assert page.tab.is_visible("#history")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    wide: list[Any] = page.tab.eval_on_selector_all(
        "button, input, dd, .card",
        "(all, w) => all.filter(e => e.getBoundingClientRect().right > w).map(e => e.id)",
        width,
    )
    assert wide == []


def test_audio_needs_a_secure_context_and_the_page_says_so(visit: Callable[..., Page], fake: PageServer) -> None:
    page = visit("about:blank")
    page.context.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.tab.goto(fake.url)
    page.until("s.error !== ''")
    assert "only over https" in page.shown("error-words")
