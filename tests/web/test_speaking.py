"""What a person types is rendered as sound, measured where the sound device takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.page_server import PageServer
from tests.fakes.server_process import ServerProcess
from tests.web.conftest import AUDIBLE, LONG, Page, asked

STOP_BOUND_MS = 1000
"""Not a speed figure: over ten seconds of audio are buffered when Stop is pressed in these tests."""


def test_4_06_the_page_plays_what_is_typed_and_shows_the_time_to_first_audio(page: Page) -> None:
    state = page.hear("Hello there, this is spoken.")
    assert state["rendered"]["rms"] > AUDIBLE
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)
    assert 0 < state["ttfbMs"] <= state["ttfaMs"]
    assert page.shown("ttfa").endswith(" ms") and page.shown("ttfb").endswith(" ms")
    assert page.shown("duration") == f"{state['durationS']:.2f} s"
    assert page.shown("ratio").endswith("×") and state["xRealtime"] > 1, "it comes at ten times real time"
    assert page.shown("gaps") == str(state["underruns"])
    assert page.shown("spoken-by") == "English · fake"
    assert page.shown("status") == "Ready"


def test_4_06_the_real_server_speaks_what_is_typed_and_stops_when_told(
    visit: Callable[..., Page], server: ServerProcess
) -> None:
    page = visit(server.url).ready()
    page.until("s.voices > 100")
    state = page.hear("Hello there, this is real speech.")
    assert state["rendered"]["rms"] > AUDIBLE
    assert state["durationS"] > 1
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)
    assert 0 < state["ttfbMs"] <= state["ttfaMs"]
    assert page.shown("spoken-by") == "English (America) · espeak"
    page.say(LONG * 3)  # more than the server makes ahead
    page.until("s.rendered.rms > 0.01")
    page.tab.click("#stop")
    page.until("s.stop.tookMs !== null")
    assert page.state()["stop"]["tookMs"] < STOP_BOUND_MS
    assert any('"response.cancel"' in text for text in page.sent)
    assert page.shown("error-words") == ""


def test_hindi_in_devanagari_is_spoken_by_a_hindi_voice(visit: Callable[..., Page], server: ServerProcess) -> None:
    page = visit(server.url).ready()
    page.until("s.voices > 100")
    page.tab.click("text=हिन्दी")
    page.until("s.outcome === 'completed'")
    state = page.state()
    assert state["voice"] == "hi" and state["durationS"] > 2
    assert state["rendered"]["rms"] > AUDIBLE
    assert page.tab.input_value("#voice") == "Hindi"


def test_every_example_is_asked_for_in_a_voice_of_its_language(page: Page, fake: PageServer) -> None:
    chips = page.tab.locator("#examples button")
    assert chips.count() >= 7
    for index in range(chips.count()):
        chips.nth(index).click()
        page.until(f"s.utterance.asked > 0 && s.utterance.id === 'page-{index + 1}'")
    by_text = {message["input"]: message.get("voice") for message in asked(fake, at_least=chips.count())}
    assert len(by_text) == chips.count()
    assert next(voice for text, voice in by_text.items() if "Köln" in text) == "de"
    assert next(voice for text, voice in by_text.items() if "yaar" in text) is None, "any voice will do"


def test_silence_sent_to_prime_the_line_is_not_played(page: Page) -> None:
    state = page.hear("Hello.")
    assert state["durationS"] < 0.5
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)


def test_shift_enter_starts_a_new_line_and_speaks_nothing(page: Page, fake: PageServer) -> None:
    page.tab.fill("#text", "one")
    page.tab.press("#text", "Shift+Enter")
    assert page.tab.input_value("#text") == "one\n"
    assert asked(fake) == []


def test_stop_drops_the_buffered_audio_at_once_and_tells_the_server(page: Page, fake: PageServer) -> None:
    page.say(LONG)
    page.until("s.rendered.rms > 0.01 && s.durationS > 5")
    page.tab.click("#stop")
    page.until("s.stop.tookMs !== null")
    state = page.state()
    assert state["outcome"] == "stopped"
    assert state["stop"]["tookMs"] < STOP_BOUND_MS
    assert state["stop"]["droppedSamples"] > 24000
    (message,) = asked(fake)
    fake.wait_for(lambda kinds: "response.cancel" in kinds)
    assert {"type": "response.cancel", "response_id": message["response_id"]} in fake.received


def test_escape_stops_too(page: Page) -> None:
    page.say(LONG)
    page.until("s.rendered.rms > 0.01")
    page.tab.keyboard.press("Escape")
    page.until("s.stop?.tookMs != null")
    assert page.state()["outcome"] == "stopped"


def test_enter_while_speaking_replaces_what_is_spoken(page: Page, fake: PageServer) -> None:
    page.say(LONG)
    page.until("s.rendered.rms > 0.01")
    page.say("Short.")
    page.until("s.outcome === 'completed'")
    assert page.state()["durationS"] < 2
    assert fake.kinds()[-4:] == ["response.create", "response.cancel", "barge", "response.create"]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ({"code": "too_long", "message": "The text has 151 words; the limit is 150."}, "151 words"),
        ({"code": "busy"}, "busy with other people's speech"),
        ({"code": "busy", "retry_after_s": 2.5}, "in about 3 seconds"),
        ({"code": "not_ready", "message": "The model loads."}, "still being made ready. The model loads."),
        ({"code": "invalid_voice", "message": "No voice 'x'."}, "No voice 'x'."),
        ({"code": "new_code", "message": "A reason of its own."}, "A reason of its own."),
    ],
)
def test_a_refusal_is_told_in_plain_words_and_the_next_request_works(
    page: Page, fake: PageServer, refusal: dict[str, Any], words: str
) -> None:
    fake.refusals.append(refusal)
    page.say("Hello.")
    page.until("s.outcome === 'failed'")
    assert words in page.shown("error-words")
    page.hear("Hello.")
    assert not page.tab.is_visible("#error")


def test_a_text_too_long_for_one_response_is_asked_for_in_parts_cut_at_sentence_ends(
    page: Page, fake: PageServer
) -> None:
    fake.refusals.append({"code": "too_long", "max_words": 5, "got_words": 11})
    state = page.hear('One two "three." Four five six, seven.\nEight nine ten eleven.')
    parts = [message["input"].rstrip() for message in asked(fake)[1:]]
    assert parts == ['One two "three."', "Four five six, seven.", "Eight nine ten eleven."]
    assert len({message["response_id"] for message in asked(fake)}) == 4
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)
    assert state["durationS"] == pytest.approx(0.065 * sum(map(len, parts)), abs=0.3)  # all of it, no primer


def test_stop_between_parts_cancels_the_waiting_one_too(page: Page, fake: PageServer) -> None:
    fake.refusals.append({"code": "too_long", "max_words": 48, "got_words": 96})
    page.say(LONG)
    page.until("s.rendered.rms > 0.01")
    page.tab.click("#stop")
    page.hear("Short.")
    assert fake.kinds()[-7:] == [*["response.create"] * 3, *["response.cancel"] * 2, "barge", "response.create"]


def test_a_part_that_is_too_long_again_is_not_divided_for_ever(page: Page, fake: PageServer) -> None:
    fake.refusals += [{"code": "too_long", "message": "Too long.", "max_words": 2}] * 2
    page.say("One two three four.")
    page.until("s.outcome === 'failed'")
    assert "Too long." in page.shown("error-words")


def test_the_real_server_speaks_an_article_longer_than_one_response_may_be(
    visit: Callable[..., Page], server: ServerProcess
) -> None:
    page = visit(server.url).ready()
    page.slide("speed", 4)
    page.say("Go on. " * 76)  # 152 words, over max_utterance_words
    page.until("s.utterance?.asked === 3 && s.utterance.live.size === 0 && s.rendered.rms > 0.01")
    assert page.shown("error-words") == ""


def test_empty_text_is_refused_by_the_page_itself(page: Page, fake: PageServer) -> None:
    page.say("  \n ")
    assert "Type something" in page.shown("error-words")
    page.tab.click("#error-close")
    assert not page.tab.is_visible("#error")
    assert asked(fake) == []


def test_audio_slower_than_real_time_is_counted_as_gaps(page: Page, fake: PageServer) -> None:
    fake.pace_x = 0.5
    state = page.hear("A slow one.")
    assert state["underruns"] > 0
    assert page.shown("gaps") == str(state["underruns"])
    assert state["xRealtime"] < 1
    assert state["rendered"]["samples"] == pytest.approx(state["durationS"] * 24000, abs=1)


def test_the_word_that_sounds_is_marked_in_the_text(page: Page) -> None:
    text = "😀 One, two, three, four five six."  # the first sign is one character to the server and two to the browser
    marked = "() => [...(CSS.highlights.get('reading') ?? [])].map(String).join('')"
    page.say(text)
    seen: list[str] = []
    while page.state()["outcome"] == "":
        word, shown = page.state()["word"], page.tab.evaluate(marked)
        seen += [each for each in {word, shown} if each and each not in seen]
        page.tab.wait_for_timeout(10)
    assert set(seen) <= set(text.split()) and len(seen) >= 3, seen
    assert seen == sorted(seen, key=text.index)
    assert page.tab.evaluate(marked) == "", "nothing sounds any more"


def test_no_word_is_marked_once_the_text_was_changed(page: Page) -> None:
    page.say(LONG)
    page.until("s.word === 'goes'")
    assert page.tab.evaluate("CSS.highlights.has('reading')")
    page.tab.press("#text", "End")
    page.tab.keyboard.type("!")
    page.until("s.word === 'while.'")
    assert not page.tab.evaluate("CSS.highlights.has('reading')")
