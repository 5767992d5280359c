"""Sessions: order, bounds and truth of what a client is told, over a model the test controls."""

import asyncio

import pytest

from syrinx.audio.framing import Framing
from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    Overloaded,
    TextTooLong,
    UnsupportedFormat,
    VoiceNotFound,
)
from syrinx.core.types import (
    Accepted,
    Append,
    Audio,
    AudioFormat,
    Cancel,
    End,
    Failed,
    Finished,
    FinishReason,
    Flush,
    Marks,
    Open,
    SegmentDone,
    ServerEvent,
    SpeechRequest,
    Started,
)
from syrinx.engine.admission import MAX_AUDIO_S, AdmissionPolicy
from syrinx.engine.policy import EnginePolicy
from tests.fakes.host import SECONDS_PER_CHAR
from tests.fakes.stage import TEXT, Stage, events_until_end, kinds, send_all, settle, whole


async def test_an_utterance_is_accepted_started_heard_and_finished(stage: Stage) -> None:
    session = stage.session()
    send_all(session, *whole("u"))
    events = await events_until_end(session)
    assert kinds(events)[:2] == ["Accepted", "Started"]
    assert kinds(events).count("SegmentDone") == 3
    last = events[-1]
    assert isinstance(last, Finished)
    audio = [event.audio for event in events if isinstance(event, Audio)]
    assert last.samples == sum(a.samples for a in audio) == sum(len(a.data) for a in audio) // 2
    assert last.reason is FinishReason.COMPLETED
    assert last.spoken_until == len(TEXT)


async def test_text_by_tokens_gives_the_same_jobs_as_text_at_once(stage: Stage) -> None:
    session = stage.session()
    send_all(session, *whole("whole"))
    await events_until_end(session)
    session.send(Open("tokens", SpeechRequest()))
    for start in range(0, len(TEXT), 3):
        session.send(Append("tokens", TEXT[start : start + 3]))
        await asyncio.sleep(0)
    session.send(End("tokens"))
    await events_until_end(session)
    texts = [stream.job.text for stream in stage.host.streams]
    assert texts[: len(texts) // 2] == texts[len(texts) // 2 :]


async def test_audio_starts_before_the_text_has_ended(stage: Stage) -> None:
    session = stage.session()
    send_all(session, Open("u", SpeechRequest()), Append("u", "This is spoken at once. And this is still"))
    seen: list[ServerEvent] = []
    while not any(isinstance(event, Audio) for event in seen):
        event = await asyncio.wait_for(session.next(), 5)
        assert event is not None
        seen.append(event)


async def test_flush_speaks_what_is_buffered_and_leaves_the_utterance_open(stage: Stage) -> None:
    session = stage.session()
    send_all(session, Open("u", SpeechRequest()), Append("u", "no end in sight"), Flush("u"))
    while not isinstance(await asyncio.wait_for(session.next(), 5), SegmentDone):
        pass
    send_all(session, Append("u", " and more"), End("u"))
    assert isinstance((await events_until_end(session))[-1], Finished)


async def test_buffered_text_is_spoken_after_a_silence_without_ending_the_utterance(stage: Stage) -> None:
    session = stage.session(idle_flush_s=0.01)
    send_all(session, Open("u", SpeechRequest()), Append("u", "no end in sight"))
    while not isinstance(await asyncio.wait_for(session.next(), 5), SegmentDone):
        pass
    session.send(End("u"))
    events = await events_until_end(session)
    assert isinstance(events[-1], Finished)


async def test_an_utterance_may_have_a_silence_of_its_own(stage: Stage) -> None:
    session = stage.session()
    send_all(session, Open("u", SpeechRequest(), idle_flush_s=0.01), Append("u", "no end in sight"))
    while not isinstance(await asyncio.wait_for(session.next(), 20), SegmentDone):
        pass
    session.close()


async def test_ordered_utterances_run_one_after_the_other(stage: Stage) -> None:
    session = stage.session()
    for n in range(20):
        send_all(session, *whole(f"u{n}", "Short one."))
    events = await events_until_end(session, ends=20)
    started = [event.utterance_id for event in events if isinstance(event, Started)]
    assert started == [f"u{n}" for n in range(20)]
    audio = [event.utterance_id for event in events if isinstance(event, Audio)]
    assert audio == sorted(audio, key=started.index)


async def test_unordered_utterances_run_side_by_side(manual: Stage) -> None:
    session = manual.session(ordered=False)
    send_all(session, *whole("a", "First."), *whole("b", "Second."))
    await settle()
    assert {stream.job.text for stream in manual.host.streams} == {"First.", "Second."}


async def test_a_model_error_ends_its_utterance_only(manual: Stage) -> None:
    session = manual.session(ordered=False)
    send_all(session, *whole("bad", "First."), *whole("good", "Second."))
    await settle()
    manual.host.streams[0].end(ModelFailed("it broke"))
    manual.host.streams[1].speak()
    events = await events_until_end(session, ends=2)
    failed = [event for event in events if isinstance(event, Failed)]
    assert [(event.utterance_id, event.error.message) for event in failed] == [("bad", "it broke")]


@pytest.mark.parametrize(
    ("text", "request_", "error"),
    [
        ("", SpeechRequest(), EmptyText),
        (" \n\t ", SpeechRequest(), EmptyText),
        ("😀😀", SpeechRequest(), EmptyText),
        ("Hi.", SpeechRequest(voice="nobody"), VoiceNotFound),
        ("Hi.", SpeechRequest(model="nothing"), InvalidRequest),
        ("Hi.", SpeechRequest(audio=AudioFormat("tape")), UnsupportedFormat),
    ],
)
async def test_bad_requests_fail_with_their_reason_and_free_their_place(
    stage: Stage, text: str, request_: SpeechRequest, error: type[Exception]
) -> None:
    session = stage.session()
    for n in range(3):
        send_all(session, *whole(f"bad{n}", text, request_))
    events = await events_until_end(session, ends=3)
    assert all(isinstance(event.error, error) for event in events if isinstance(event, Failed))
    assert not any(isinstance(event, Started) for event in events)
    send_all(session, *whole("good"))
    assert isinstance((await events_until_end(session))[-1], Finished)
    assert stage.engine.gate("fake").running == 0


async def test_unknown_duplicate_and_late_text_are_refused_at_once(manual: Stage) -> None:
    session = manual.session()
    with pytest.raises(InvalidRequest, match="no open utterance"):
        session.send(Append("ghost", "x"))
    send_all(session, *whole("u"))
    with pytest.raises(InvalidRequest, match="open already"):
        session.send(Open("u", SpeechRequest()))
    with pytest.raises(InvalidRequest, match="no more text"):
        session.send(Append("u", "x"))


async def test_text_over_the_bound_is_refused_and_what_came_before_is_spoken() -> None:
    stage = Stage(policy=EnginePolicy(max_text_chars=20))
    session = stage.session()
    send_all(session, Open("u", SpeechRequest()), Append("u", "Fits in the bound."))
    with pytest.raises(TextTooLong):
        session.send(Append("u", "This does not."))
    session.send(End("u"))
    assert isinstance((await events_until_end(session))[-1], Finished)
    await stage.engine.stop()


async def test_open_utterances_per_connection_are_bounded(manual: Stage) -> None:
    session = manual.session(max_pending=2)
    send_all(session, *whole("a"), *whole("b"))
    with pytest.raises(Overloaded):
        session.send(Open("c", SpeechRequest()))


async def test_over_the_caps_the_answer_is_overloaded_before_any_work() -> None:
    policy = EnginePolicy(admission=AdmissionPolicy(max_running=1, max_queued=0))
    stage = Stage(auto=False, policy=policy)
    first, second = stage.session(), stage.session()
    send_all(first, *whole("a"))
    await settle()
    send_all(second, *whole("b"))
    events = await events_until_end(second)
    last = events[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, Overloaded)
    assert len({stream.job.utterance_id for stream in stage.host.streams}) == 1
    await stage.engine.stop()


async def test_a_slow_reader_pauses_its_own_model_job_only(manual: Stage) -> None:
    lazy, eager = manual.session(), manual.session()
    send_all(lazy, *whole("a", "First."))
    send_all(eager, *whole("b", "Second."))
    await settle()
    for stream in manual.host.streams:
        for _ in range(40):
            stream.give(1.0)
            await settle()
    (paused,) = (stream for stream in manual.host.streams if stream.job.text == "First.")
    unread = len(paused._chunks)
    assert unread >= 25  # about ten seconds wait in the session, the rest stays with the model
    got_s = 0.0
    while got_s < 35:
        event = await asyncio.wait_for(eager.next(), 5)
        got_s += event.audio.duration_s if isinstance(event, Audio) else 0
    assert len(paused._chunks) == unread


async def test_drain_refuses_new_utterances_and_ends_when_the_last_has(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("u", "Last words."))
    session.drain()
    with pytest.raises(InvalidRequest):
        session.send(Open("v", SpeechRequest()))
    await settle()
    manual.host.streams[0].speak()
    await events_until_end(session)
    assert await asyncio.wait_for(session.next(), 5) is None


async def test_marks_are_sent_in_original_offsets_no_later_than_their_audio(stage: Stage) -> None:
    session = stage.session(marks=True)
    text = "  **Hello** there, you."
    send_all(session, *whole("u", text))
    events = await events_until_end(session)
    words = [text[m.span.start : m.span.end] for e in events if isinstance(e, Marks) for m in e.marks]
    assert words == ["Hello", "there,", "you."]
    first_marks = next(i for i, event in enumerate(events) if isinstance(event, Marks))
    first_audio = next(i for i, event in enumerate(events) if isinstance(event, Audio))
    assert first_marks < first_audio


async def test_every_utterance_leaves_one_record(stage: Stage) -> None:
    session = stage.session()
    send_all(session, *whole("ok"), *whole("bad", ""))
    await events_until_end(session, ends=2)
    by_id = {record.utterance_id: record for record in stage.records.all}
    assert by_id["ok"].outcome == "completed"
    assert by_id["ok"].ttfa_s is not None
    assert by_id["ok"].audio_bytes > 0
    assert by_id["bad"].outcome == "empty_text"
    assert by_id["bad"].ttfa_s is None


async def test_the_engine_drains_within_its_time(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("u"))
    await settle()
    await asyncio.wait_for(manual.engine.drain(0.01), 5)
    with pytest.raises(Overloaded):
        manual.session()


async def test_accepted_comes_first_and_once(stage: Stage) -> None:
    session = stage.session()
    send_all(session, *whole("u"))
    events = await events_until_end(session)
    assert [isinstance(event, Accepted) for event in events] == [True] + [False] * (len(events) - 1)


async def test_a_second_utterance_is_heard_after_the_first(manual: Stage) -> None:
    """Both are handed over at once; the listener is still at the first when the second is canceled."""
    session = manual.session()
    send_all(session, *whole("a", "One two three four five."))
    await settle()
    manual.host.streams[0].speak()
    await events_until_end(session)
    send_all(session, *whole("b", "Six seven eight nine ten."))
    await settle()
    manual.host.streams[1].speak()
    while not isinstance(await asyncio.wait_for(session.next(), 5), Audio):
        pass
    manual.clock.advance(0.05)
    session.send(Cancel("b"))
    last = (await events_until_end(session))[-1]
    assert isinstance(last, Finished)
    assert last.spoken_until == 0


async def test_a_flush_is_heard_to_its_last_frame_while_the_utterance_stays_open(stage: Stage) -> None:
    session = stage.session(framing=Framing(), max_latency_s=60.0)
    send_all(session, Open("u", SpeechRequest()), Append("u", "no end in sight"), Flush("u"))
    heard_s = 0.0
    while not isinstance(event := await asyncio.wait_for(session.next(), 5), SegmentDone):
        heard_s += event.audio.duration_s if isinstance(event, Audio) else 0.0
    spoken_s = sum(len(word) for word in ("no", "end", "in", "sight")) * SECONDS_PER_CHAR
    assert heard_s == pytest.approx(spoken_s, abs=0.006)  # but for the fade at the segment's end


async def test_an_utterance_without_text_holds_the_line_only_for_its_time() -> None:
    stage = Stage(policy=EnginePolicy(text_timeout_s=0.01))
    session = stage.session()
    send_all(session, Open("mute", SpeechRequest()), *whole("u"))
    events = await events_until_end(session, ends=2)
    ends = {e.utterance_id: e for e in events if isinstance(e, Finished | Failed)}
    assert isinstance(ends["u"], Finished)
    mute = ends["mute"]
    assert isinstance(mute, Failed)
    assert mute.error.code == "text_timeout"
    await stage.engine.stop()


async def test_an_utterance_whose_end_was_not_known_when_it_began_counts_as_endless(stage: Stage) -> None:
    send_all(session := stage.session(), *whole("u", "One two three. Four five six."))
    await events_until_end(session)
    await settle()
    admission = stage.engine.gate("fake")._admission
    assert admission.audio_s < MAX_AUDIO_S
    send_all(session, Open("v", SpeechRequest()), Append("v", "One two three."), Flush("v"))
    while not isinstance(await asyncio.wait_for(session.next(), 5), SegmentDone):
        pass
    send_all(session, Append("v", "Four five six."), End("v"))
    await events_until_end(session)
    await settle()
    assert admission.audio_s == MAX_AUDIO_S
