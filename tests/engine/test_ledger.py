"""The ledger's figures are the listener's: from the question to the sound, without what they did not wait for."""

import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.types import Accepted, Audio, EncodedAudio, Mark, MarkKind, Span
from syrinx.engine.ledger import Ledger
from syrinx.engine.playhead import Player


def audio(samples: int = 2400) -> Audio:
    return Audio("u", EncodedAudio(b"\0\0" * samples, samples, 24000, "audio/pcm"))


def ledger() -> tuple[Ledger, FakeClock]:
    clock = FakeClock(50.0)
    return Ledger("u", "test", clock), clock


def test_first_audio_counts_from_the_text_and_not_from_an_early_open() -> None:
    book, clock = ledger()
    clock.advance(9.0)
    book.asked()
    clock.advance(0.25)
    book.handed_over(Accepted("u"), None)
    book.handed_over(audio(0), None)  # a header
    assert book.record("completed").ttfa_s is None
    book.handed_over(audio(), 0)
    record = book.record("completed")
    assert (record.ttfa_s, record.wall_s) == (0.25, 9.25)
    assert (record.audio_s, record.audio_bytes) == (pytest.approx(0.1), 4800)


def test_silence_counts_as_audio_but_not_as_audible() -> None:
    book, clock = ledger()
    clock.advance(0.1)
    book.handed_over(audio(), None)
    clock.advance(0.1)
    book.handed_over(audio(), 4800)  # loud audio was made by now, and is not yet handed over
    clock.advance(0.1)
    book.handed_over(audio(), 4800)
    record = book.record("completed")
    assert (record.ttfa_s, record.audible_ttfa_s) == (pytest.approx(0.1), pytest.approx(0.3))


@pytest.mark.parametrize(("gets_in", "queue_s"), [(True, 2.0), (False, 5.0)])
def test_time_in_the_line_counts_whether_or_not_it_led_in(gets_in: bool, queue_s: float) -> None:
    book, clock = ledger()
    book.joined_line()
    clock.advance(2.0)
    if gets_in:
        book.left_line()
    clock.advance(3.0)
    assert book.record("overloaded").queue_s == queue_s


def test_what_the_model_does_after_the_end_is_not_the_utterances_time() -> None:
    book, clock = ledger()
    clock.advance(1.0)
    book.ended()
    clock.advance(30.0)
    record = book.record("canceled", 30.0)
    assert (record.wall_s, record.cancel_to_idle_s) == (1.0, 30.0)


def test_heard_text_of_a_second_utterance_waits_for_the_first_to_be_heard() -> None:
    clock, player = FakeClock(), Player()
    first, second = (Ledger(name, "test", clock, player) for name in ("a", "b"))
    for book in (first, second):
        book.marked([Mark(MarkKind.WORD, Span(0, 5), 0.0, 0.1)])
        book.handed_over(audio(), 0)
    clock.advance(0.05)
    assert (first.heard_until(), second.heard_until()) == (5, 0)
    clock.advance(0.1)
    assert second.heard_until() == 5
