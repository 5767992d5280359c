"""Speed, pitch and volume: asked for, and changed while it speaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.page_server import PageServer
from tests.fakes.server_process import ServerProcess
from tests.web.conftest import LONG, Page, asked

WORDS = "A sentence that goes on for a while.".split()
"""What ``LONG`` says again and again."""


def test_speed_pitch_and_volume_are_asked_for_in_their_whole_range(page: Page, fake: PageServer) -> None:
    for name, value in (("speed", 4), ("pitch", 0.5), ("volume", 2)):
        page.slide(name, value)
    assert [page.shown(f"{name}-shown") for name in ("speed", "pitch", "volume")] == ["4.00×", "0.50×", "200 %"]
    page.hear("Hello.")
    page.tab.click("#delivery-reset")
    page.tab.focus("#speed")
    page.tab.keyboard.press("ArrowRight")
    page.hear("Hello.")
    assert [message["delivery"] for message in asked(fake)] == [
        {"speed": 4, "pitch": 0.5, "volume": 2},
        {"speed": 1.05, "pitch": 1, "volume": 1},
    ]
    limits = page.tab.eval_on_selector_all("input[type=range]", "all => all.map(e => [e.min, e.max])")
    assert limits == [["0.25", "4"], ["0.5", "2"], ["0", "2"]]


def test_the_real_server_speaks_faster_when_told(visit: Callable[..., Page], server: ServerProcess) -> None:
    page = visit(server.url).ready()
    text = "These are some words that take a while to say."
    usual = page.hear(text)["durationS"]
    page.slide("speed", 4)
    assert page.hear(text)["durationS"] == pytest.approx(usual / 4, rel=0.2)
    assert page.shown("error-words") == ""


@pytest.mark.parametrize("name", ["speed", "pitch"])
def test_a_change_while_speaking_goes_on_from_the_word_that_sounds(page: Page, fake: PageServer, name: str) -> None:
    page.say(LONG)
    page.until("s.word === 'on'")
    heard = page.state()["rendered"]["samples"]
    sounding = page.slide(name, 1.5)
    page.until("s.utterance.received > 0")
    first, second = asked(fake, at_least=2)
    assert second["delivery"][name] == 1.5
    assert first["input"].endswith(second["input"])
    resumed = second["input"].split()[0]
    assert resumed in (sounding, WORDS[WORDS.index(sounding) - 1]), "the word is said again"
    assert fake.kinds()[-4:] == ["response.create", "response.cancel", "barge", "response.create"]
    state = page.state()
    assert state["outcome"] == "" and state["phase"] == "speaking"
    assert state["durationS"] * 24000 > heard, "what was heard before counts too"


def test_volume_changes_what_is_playing_at_once_without_asking_anew(page: Page, fake: PageServer) -> None:
    page.say(LONG)
    page.until("s.rendered.peak > 0.2")
    before = page.state()["rendered"]["peak"]
    page.slide("volume", 2)
    page.until(f"s.rendered.peak > {1.9 * before}")
    page.slide("volume", 0)
    page.until("s.rendered.samples > 24000")
    quiet = page.state()["rendered"]
    page.until(f"s.rendered.samples > {quiet['samples'] + 12000}")
    later = page.state()["rendered"]
    energy = later["rms"] ** 2 * later["samples"] - quiet["rms"] ** 2 * quiet["samples"]
    assert energy == pytest.approx(0, abs=1e-6 * later["samples"]), "silence was played"
    assert later["peak"] <= 1
    assert len(asked(fake)) == 1


def test_sound_that_was_asked_for_in_silence_is_asked_for_again(page: Page, fake: PageServer) -> None:
    page.slide("volume", 0)
    page.say(LONG)
    page.until("s.word === 'goes'")
    page.slide("volume", 1)
    page.until("s.utterance.offset > 0")
    assert [message["delivery"]["volume"] for message in asked(fake, at_least=2)] == [0, 1]


def test_a_change_before_anything_was_asked_for_is_taken_along(page: Page, fake: PageServer) -> None:
    page.tab.evaluate(
        "() => { const e = document.getElementById('speed'); document.getElementById('form').requestSubmit();"
        " e.value = 2; e.dispatchEvent(new Event('change')) }"
    )
    page.until("s.outcome === 'completed'")
    assert [message["delivery"]["speed"] for message in asked(fake)] == [2]
