"""Finding and choosing a voice, by keyboard and by pointer."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.page_server import PageServer
from tests.fakes.server_process import ServerProcess
from tests.web.conftest import LONG, Page, asked


def rows(page: Page) -> list[str]:
    return page.tab.eval_on_selector_all("#voice-list .voice", "all => all.map(row => row.firstChild.data)")


def headings(page: Page) -> list[str]:
    return page.tab.eval_on_selector_all("#voice-list .group-name", "all => all.map(each => each.textContent)")


def test_voices_are_listed_in_groups_cloned_ones_and_the_listener_s_language_first(page: Page) -> None:
    page.tab.click("#voice")
    assert rows(page) == ["Default voice", "Grandmother", "English", "English, softly", "German", "Português"]
    assert headings(page) == ["Cloned voices", "English", "German", "Portuguese"]
    assert "cloned" in page.tab.inner_text("#voice-list [role=group] >> nth=0")


def test_typing_searches_and_enter_chooses_what_is_then_asked_for(page: Page, fake: PageServer) -> None:
    page.tab.click("#voice")
    page.tab.keyboard.type("portugues")  # without its accent
    assert rows(page) == ["Português"]
    assert page.tab.inner_text("#voice-count") == "1 voice"
    page.tab.keyboard.press("Enter")
    assert page.tab.input_value("#voice") == "Português"
    assert not page.tab.is_visible("#voice-list")
    page.hear("Bom dia.")
    (message,) = asked(fake)
    assert (message["voice"], message["model"]) == ("pt", "fake")
    assert page.shown("spoken-by") == "Português · fake"


def test_arrows_move_escape_closes_and_stops_nothing(page: Page) -> None:
    page.say(LONG)
    page.until("s.rendered.rms > 0.01")
    page.tab.click("#voice")
    page.tab.keyboard.press("ArrowDown")
    page.tab.keyboard.press("ArrowDown")
    active = page.tab.get_attribute("#voice", "aria-activedescendant")
    assert page.tab.inner_text(f"#{active}").startswith("English")
    page.tab.keyboard.press("Escape")
    assert not page.tab.is_visible("#voice-list")
    assert page.tab.get_attribute("#voice", "aria-expanded") == "false"
    assert page.tab.input_value("#voice") == "Default voice"
    assert page.state()["phase"] == "speaking"


def test_a_pointer_chooses_too_and_nothing_found_is_said(page: Page) -> None:
    page.tab.click("#voice")
    page.tab.click("#voice-list .voice:has-text('softly')")
    assert page.tab.input_value("#voice") == "English, softly"
    page.tab.fill("#voice", "klingon")
    assert page.tab.inner_text("#voice-list") == "No voice like that."
    page.tab.keyboard.press("Enter")
    page.tab.press("#voice", "Tab")
    assert page.tab.input_value("#voice") == "English, softly"


def test_a_voice_chosen_while_speaking_goes_on_from_the_word_that_sounds(page: Page, fake: PageServer) -> None:
    page.say(LONG)
    page.until("s.word === 'goes'")
    page.tab.click("#voice")
    page.tab.keyboard.type("german")
    page.tab.keyboard.press("Enter")
    page.until("s.voice === 'de'")
    first, second = asked(fake, at_least=2)
    assert second["voice"] == "de"
    assert first["input"].endswith(second["input"]) and len(second["input"]) < len(first["input"])


def test_the_choice_is_remembered_for_the_next_visit(page: Page) -> None:
    page.tab.click("#voice")
    page.tab.keyboard.type("grandmother")
    page.tab.keyboard.press("Enter")
    page.slide("speed", 1.5)
    page.tab.reload()
    page.until("s.voices === 5")
    assert page.tab.input_value("#voice") == "Grandmother"
    assert page.shown("speed-shown") == "1.50×"


def test_the_real_server_s_many_voices_are_found_by_language_and_model(
    visit: Callable[..., Page], server: ServerProcess
) -> None:
    page = visit(server.url).ready()
    page.until("s.voices > 100")
    page.tab.click("#voice")
    assert len(rows(page)) > 100
    page.tab.keyboard.type("hindi")
    assert rows(page) == ["Hindi"]
    page.tab.fill("#voice", "tone hollow")
    page.tab.keyboard.press("Enter")
    page.hear("A tone.")
    assert page.shown("spoken-by") == "Hollow · tone"
