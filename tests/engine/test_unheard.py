"""Who interrupts is told what was heard and what remains, of utterances too that had long been made."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.clock import FakeClock
from syrinx.core.errors import InvalidRequest
from syrinx.core.types import (
    Append,
    Audio,
    Barge,
    Cancel,
    EncodedAudio,
    End,
    Finished,
    Interrupted,
    Mark,
    MarkKind,
    Open,
    ServerEvent,
    Span,
    SpeechRequest,
)
from syrinx.engine.ledger import Ledger
from syrinx.engine.session import Session
from syrinx.engine.unheard import MOST_KEPT, Said, Unheard, play_heads
from syrinx.text.words import heard_end
from tests.fakes.host import FakeStream
from tests.fakes.stage import Stage, events_until_end, send_all, settle, whole

TEXT = "Well, it costs $5 😀 now. And you?\n"


def said(name: str, words: str = "one two", *, heard_s: float = 0.0, clock: FakeClock | None = None) -> Said:
    """A second a word was handed over, of which so much was heard."""
    clock = clock or FakeClock()
    book = Ledger(name, "test", clock)
    at = 0
    for n, word in enumerate(words.split()):
        start = words.index(word, at)
        at = start + len(word)
        book.marked([Mark(MarkKind.WORD, Span(start, at), float(n), n + 1.0)])
        book.handed_over(Audio(name, EncodedAudio(b"", 24000, 24000, "audio/pcm")), 0)
    clock.advance(heard_s)
    return Said(name, words, book)


def speak(stream: FakeStream) -> None:
    """A second a word."""
    text, at = stream.job.text, 0
    for n, word in enumerate(text.split()):
        start = text.index(word, at)
        at = start + len(word)
        stream.give(1.0, (Mark(MarkKind.WORD, Span(start, at), float(n), n + 1.0),))
    stream.end()


async def left_after(session: Session, event: Cancel | Barge) -> list[Finished | Interrupted]:
    """What an interruption is answered with."""
    session.send(event)
    await settle()
    events: list[ServerEvent] = []
    while (told := session.take()) is not None:
        events.append(told)
    return [told for told in events if isinstance(told, Finished | Interrupted)]


async def finished(stage: Stage, *texts: str) -> Session:
    """A session to which these were delivered whole, and of which nothing was heard yet. They are called a, b, c."""
    session = stage.session()
    for name, text in zip("abc", texts, strict=False):
        send_all(session, *whole(name, text))
    await events_until_end(session, ends=len(texts))
    return session


# --- live ones -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("played_s", "heard"),
    [
        (0.0, ""),
        (0.5, "Well,"),
        (1.5, "Well, it"),
        (3.5, "Well, it costs $5"),
        (4.5, "Well, it costs $5"),
        (5.5, "Well, it costs $5 😀 now."),
        (6.5, "Well, it costs $5 😀 now. And"),
        (99.0, TEXT),
    ],
)
async def test_a_client_says_how_far_it_is_and_hears_which_of_its_own_words_that_were(
    manual: Stage, played_s: float, heard: str
) -> None:
    session = manual.session()
    send_all(session, Open("u", SpeechRequest()), Append("u", TEXT), End("u"))
    await settle()
    for stream in manual.host.streams:
        speak(stream)
    samples = 0
    while samples < 8 * 24000:  # nearly all of it: the end is not told yet
        event = await asyncio.wait_for(session.next(), 20)
        samples += event.audio.samples if isinstance(event, Audio) else 0
    [end] = await left_after(session, Cancel("u", played_s))
    assert (end.heard, end.remaining) == (heard, TEXT.removeprefix(heard))


async def test_no_more_is_heard_than_was_handed_over_whatever_the_client_says(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("u", "One two. Three four."))
    await settle()
    manual.host.streams[0].speak()
    await settle()
    while session.take() is not None:
        pass
    [end] = await left_after(session, Cancel("u", 99.0))
    assert (end.heard, end.remaining) == ("One two.", " Three four.")


async def test_text_that_was_never_cut_remains(manual: Stage) -> None:
    session = manual.session()
    send_all(session, Open("u", SpeechRequest()), Append("u", "No "), Append("u", "end\r\n in si"))
    [end] = await left_after(session, Cancel("u"))
    assert (end.heard, end.remaining) == ("", "No end\r\n in si")


# --- ended ones ----------------------------------------------------------------------------------------------------


async def test_a_barge_tells_of_what_was_made_long_before_it_was_heard(stage: Stage) -> None:
    session = await finished(stage, "One two three.", "Four five.", "Six.")
    stage.clock.advance(0.06)
    told = await left_after(session, Barge())
    assert [(each.utterance_id, each.heard) for each in told] == [("a", "One two"), ("b", ""), ("c", "")]
    assert all(isinstance(each, Interrupted) for each in told)
    assert await left_after(session, Barge()) == [], "it is told once"


async def test_a_barge_says_nothing_of_what_was_heard_to_its_end(stage: Stage) -> None:
    session = await finished(stage, "One two three.")
    stage.clock.advance(9.0)
    assert await left_after(session, Barge()) == []


async def test_of_a_barge_with_a_play_head_what_comes_before_was_heard_and_what_comes_behind_was_not(
    stage: Stage,
) -> None:
    session = await finished(stage, "One two three.", "Four five.")
    send_all(session, Open("c", SpeechRequest()), Append("c", "Six seven. "))
    await settle()
    while session.take() is not None:
        pass
    stage.clock.advance(9.0)  # by the clock all was heard; the client had a pause
    told = await left_after(session, Barge("b", 0.01))
    assert [(each.utterance_id, each.heard) for each in told] == [("b", "Four"), ("c", "")]


async def test_a_cancel_of_what_has_ended_is_answered_once_and_then_unknown(stage: Stage) -> None:
    session = await finished(stage, "One two three.")
    [told] = await left_after(session, Cancel("a", 0.05))
    assert told == Interrupted("a", 7, "One two three.")
    with pytest.raises(InvalidRequest, match="no open utterance"):
        session.send(Cancel("a", 0.05))


async def test_a_name_that_is_used_again_is_the_new_ones(stage: Stage) -> None:
    session = await finished(stage, "One two three.")
    send_all(session, Open("a", SpeechRequest()), Append("a", "New"))
    [told] = await left_after(session, Barge())
    assert isinstance(told, Finished)
    assert told.text == "New"


async def test_interruptions_that_nobody_reads_are_bounded(stage: Stage) -> None:
    session = await finished(stage, "One two three.", "Four five.")
    session.send(Barge())
    assert session._untaken_cancels == 2
    while session.take() is not None:
        pass
    assert session._untaken_cancels == 0
    session.close()
    assert await asyncio.wait_for(session.next(), 20) is None


# --- what is remembered --------------------------------------------------------------------------------------------


def test_what_was_heard_is_forgotten_but_for_the_last() -> None:
    unheard, clock = Unheard(), FakeClock()
    unheard.add(said("a", clock=clock))
    clock.advance(1.0)
    unheard.add(said("b", clock=clock))
    assert unheard.names == ["a", "b"]
    clock.advance(9.0)
    unheard.add(said("c", clock=clock))
    assert unheard.names == ["c"]


def test_no_more_are_remembered_than_the_bound() -> None:
    unheard = Unheard()
    for n in range(2 * MOST_KEPT):
        unheard.add(said(f"u{n}"))
    assert unheard.names == [f"u{n}" for n in range(MOST_KEPT, 2 * MOST_KEPT)]


def test_the_named_one_tells_of_the_others_where_they_are_heard_in_order() -> None:
    names = ["a", "b", "c"]
    assert play_heads(names, Barge("b", 1.5), ordered=True) == {"a": math.inf, "b": 1.5, "c": 0.0}
    assert play_heads(names, Barge("b", 1.5), ordered=False) == {"a": None, "b": 1.5, "c": None}
    for unknown in (Barge(), Barge("b"), Barge("nobody", 1.5)):
        assert play_heads(names, unknown, ordered=True) == dict.fromkeys(names)


@given(
    st.lists(st.text(alphabet="ab,. 中'😀\r\n", max_size=12), max_size=6),
    st.floats(allow_nan=False),
    st.floats(0, 9, allow_nan=False),
)
def test_heard_and_remaining_are_the_text_and_meet_at_the_end_of_a_word(
    parts: list[str], played_s: float, later_s: float
) -> None:
    text = " ".join(parts)
    told = Unheard()
    told.add(said("u", text))
    end = told.stop("u", played_s)
    assert end is not None
    assert end.heard + end.remaining == text
    assert heard_end(text, end.spoken_until) == end.spoken_until
    assert end.heard == "" or played_s > 0
    words = len(text.split())
    if played_s >= words > 0:
        assert end.remaining == ""
    later = said("u", text)
    assert later.until(max(0.0, played_s)) <= later.until(max(0.0, played_s) + later_s), "it never steps back"
