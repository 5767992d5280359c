"""Cancel, barge-in and close: what stops, what is taken back, and what is free again."""

import asyncio

import pytest

from syrinx.core.errors import (
    Overloaded,
)
from syrinx.core.types import (
    Append,
    Audio,
    Barge,
    Cancel,
    End,
    Finished,
    FinishReason,
    Open,
    SpeechRequest,
)
from syrinx.engine.admission import AdmissionPolicy
from syrinx.engine.policy import EnginePolicy
from tests.fakes.stage import Stage, events_until_end, kinds, send_all, settle, whole


async def test_cancel_stops_the_model_and_no_audio_follows(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("u"))
    await settle()
    stream = manual.host.streams[0]
    stream.give(1.0)
    await settle()
    session.send(Cancel("u"))
    assert stream.canceled
    stream.give(1.0)
    events = await events_until_end(session)
    assert kinds(events) == ["Accepted", "Started", "Finished"]
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.reason is FinishReason.CANCELED


async def test_cancel_of_a_waiting_utterance_leaves_the_running_one_alone(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("a", "First."), *whole("b", "Second."))
    await settle()
    session.send(Cancel("b"))
    manual.host.streams[0].speak()
    events = await events_until_end(session, ends=2)
    reasons = {event.utterance_id: event.reason for event in events if isinstance(event, Finished)}
    assert reasons == {"a": FinishReason.COMPLETED, "b": FinishReason.CANCELED}
    assert len(manual.host.streams) == 1


async def test_after_a_cancel_the_next_in_line_runs_and_the_id_is_free_again(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("a", "First."), *whole("b", "Second."))
    await settle()
    session.send(Cancel("a"))
    await settle()
    assert manual.host.streams[-1].job.text == "Second."
    send_all(session, *whole("a", "Third."))


async def test_cancel_tells_how_far_the_listener_got(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("u", "One two three four five."))
    await settle()
    manual.host.streams[0].speak()
    while not isinstance(await asyncio.wait_for(session.next(), 5), Audio):
        pass
    manual.clock.advance(0.06)  # into the second word: a word here lasts about 0.04 s
    session.send(Cancel("u"))
    last = (await events_until_end(session))[-1]
    assert isinstance(last, Finished)
    assert "One two three four five."[: last.spoken_until] == "One two"


async def test_a_place_is_freed_by_a_cancel_and_by_a_closed_connection() -> None:
    policy = EnginePolicy(admission=AdmissionPolicy(max_running=1, max_queued=5, wait_sla_s=1e9))
    stage = Stage(auto=False, policy=policy)
    sessions = [stage.session() for _ in range(3)]
    for n, session in enumerate(sessions):
        send_all(session, *whole(f"u{n}", f"Number {n}."))
        await settle()
    assert [model.queued for model in stage.engine.models()] == [2]
    sessions[0].close()
    await settle()
    sessions[1].send(Cancel("u1"))
    await settle()
    assert [model.queued for model in stage.engine.models()] == [0]
    assert [stream.canceled for stream in stage.host.streams] == [True, True, False]
    stage.host.streams[2].speak()
    assert isinstance((await events_until_end(sessions[2]))[-1], Finished)
    await stage.engine.stop()


async def test_close_is_final_and_repeatable(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("u"))
    await settle()
    session.close()
    session.close()
    assert manual.host.streams[0].canceled
    assert await asyncio.wait_for(session.next(), 5) is None
    await settle()
    assert [record.outcome for record in manual.records.all] == ["canceled"]


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancel_right_after_text_leaves_no_ghost(manual: Stage, turns: int) -> None:
    session = manual.session()
    session.send(Open("u", SpeechRequest()))
    await settle()
    session.send(Append("u", "Hello there. And more of it. "))
    for _ in range(turns):
        await asyncio.sleep(0)
    session.send(Cancel("u"))
    await settle()
    events = await events_until_end(session)
    assert isinstance(events[-1], Finished)
    await settle()
    assert not session._outbox
    assert manual.engine.gate("fake").running == 0
    assert all(stream.canceled for stream in manual.host.streams)


async def test_cancels_that_nobody_reads_are_bounded(manual: Stage) -> None:
    session = manual.session(max_pending=3)
    for _ in range(3):
        send_all(session, Open("u", SpeechRequest()), Cancel("u"))
    with pytest.raises(Overloaded):
        session.send(Open("u", SpeechRequest()))
    await events_until_end(session, ends=3)
    session.send(Open("u", SpeechRequest()))


async def test_a_barge_cancels_all_that_is_open_and_starts_none_of_it(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("a", "First."), *whole("b", "Second."))
    await settle()
    session.send(Barge())
    events = await events_until_end(session, ends=2)
    assert {event.reason for event in events if isinstance(event, Finished)} == {FinishReason.CANCELED}
    await settle()
    assert [stream.job.text for stream in manual.host.streams] == ["First."]


async def test_after_a_barge_what_was_delivered_before_it_delays_nothing(stage: Stage) -> None:
    session = stage.session()
    send_all(session, *whole("a", "A rather long answer that was delivered at once. " * 20))
    await events_until_end(session)
    session.send(Barge())
    send_all(session, *whole("b", "Yes?"))
    while not isinstance(await asyncio.wait_for(session.next(), 5), Audio):
        pass
    stage.clock.advance(0.03)
    session.send(Cancel("b"))
    last = (await events_until_end(session))[-1]
    assert isinstance(last, Finished)
    assert last.spoken_until == 4, "it was heard at once"
    timelines = [stream.terms.timeline for stream in stage.host.streams]
    assert timelines[-1] != timelines[0]


async def test_one_that_supersedes_another_is_due_at_once_though_the_other_was_delivered_far_ahead(
    stage: Stage,
) -> None:
    session = stage.session()
    send_all(session, *whole("a", "A rather long answer that was delivered at once. " * 20))
    while not isinstance(await asyncio.wait_for(session.next(), 5), Audio):
        pass
    await settle()
    send_all(session, *whole("b", "Yes?"), Cancel("a"))
    while not (isinstance(event := await asyncio.wait_for(session.next(), 5), Audio) and event.utterance_id == "b"):
        pass
    stage.clock.advance(0.03)
    session.send(Cancel("b"))
    last = (await events_until_end(session))[-1]
    assert isinstance(last, Finished)
    assert last.spoken_until == 4, "it was heard at once"
    timelines = [stream.terms.timeline for stream in stage.host.streams]
    assert timelines[-1] not in timelines[:-1]


async def test_a_cancel_of_one_that_waits_leaves_the_listener_who_they_are(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("a", "First."), *whole("b", "Second."), *whole("c", "Third."))
    await settle()
    manual.host.streams[0].give(5.0)
    await settle()
    while session.take() is not None:
        pass
    session.send(Cancel("b"))
    manual.host.streams[0].end()
    await settle()
    assert len({stream.terms.timeline for stream in manual.host.streams}) == 1
    assert [stream.job.text for stream in manual.host.streams] == ["First.", "Third."]


async def test_utterances_of_one_lane_run_one_after_the_other_and_others_beside_them(manual: Stage) -> None:
    session = manual.session(ordered=False)
    for name, lane in (("Ada", "a"), ("Bob", "b"), ("Ann", "a"), ("Cid", ""), ("Ava", "a")):
        send_all(session, Open(name, SpeechRequest(), lane=lane), Append(name, f"This is {name}."), End(name))
    await settle()

    def spoken() -> set[str]:
        return {stream.job.text for stream in manual.host.streams}

    begun = {"This is Ada.", "This is Bob.", "This is Cid."}  # in any order: nothing is promised between lanes
    assert spoken() == begun
    session.send(Cancel("Ann"))  # one that waits takes nobody's place
    await settle()
    assert spoken() == begun
    next(stream for stream in manual.host.streams if stream.job.text == "This is Ada.").speak()
    await settle()
    assert spoken() == begun | {"This is Ava."}
    for stream in manual.host.streams:
        if stream.job.text != "This is Ada.":
            stream.speak()
    events = await events_until_end(session, ends=5)
    order = [event.utterance_id for event in events if isinstance(event, Audio) and event.utterance_id[0] == "A"]
    assert order == sorted(order), "their audio is not mixed"


async def test_a_canceled_one_lets_the_next_of_its_lane_begin(manual: Stage) -> None:
    session = manual.session(ordered=False)
    for name in ("Ada", "Ann"):
        send_all(session, Open(name, SpeechRequest(), lane="a"), Append(name, f"This is {name}."), End(name))
    await settle()
    session.send(Cancel("Ada"))
    await settle()
    assert [stream.job.text for stream in manual.host.streams] == ["This is Ada.", "This is Ann."]
    session.close()
