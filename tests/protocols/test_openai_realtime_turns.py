"""Turns in OpenAI's Realtime API: what an ear says becomes events, stops what is spoken, and comes in order."""

from __future__ import annotations

import base64
import gc
from collections.abc import Sequence
from typing import Any

import pytest

from syrinx.core.errors import ModelNotReady, SyrinxError
from syrinx.core.types import Accepted, Barge, Cancel, FinishReason, Interrupted
from syrinx.ears.events import EarEvent, SpeechStarted, SpeechStopped
from syrinx.ears.settings import EarSettings
from syrinx.protocols.base import Ask
from syrinx.protocols.openai_realtime.listening import MAX_PLAYED_S, Hear, Listener
from tests.protocols.common import said
from tests.protocols.realtime_client import Client, client, done, kinds, sound, words

STARTED = SpeechStarted(at_ms=400, audio_start_ms=100)
STOPPED = SpeechStopped(at_ms=1500, audio_end_ms=1500)


class FakeEar:
    """Hears what the test tells it to, and remembers what it was told."""

    def __init__(self, settings: EarSettings, rate: int) -> None:
        self.settings, self.rate = settings, rate
        self.told: list[Any] = []
        self.events: list[EarEvent] = []

    def hear(self, pcm: bytes) -> Sequence[EarEvent]:
        self.told.append(pcm)
        told, self.events = self.events, []
        return told

    def note_played(self, pcm: bytes, rate: int) -> None:
        self.told.append((len(pcm), rate))

    def note_stopped(self) -> None:
        self.told.append("stopped")

    def follow(self, before: FakeEar, missed_s: float) -> None:
        self.told.append((before, missed_s))


class Listened:
    """A session that listens. ``hear`` answers as the server does."""

    def __init__(self, **turns: Any) -> None:
        self.ears: list[FakeEar] = []
        self.client: Client = client(make_ear=self._make)
        self.client.session(audio={"input": {"turn_detection": {"type": "server_vad", **turns}}})

    def _make(self, settings: EarSettings, rate: int) -> FakeEar:
        self.ears.append(FakeEar(settings, rate))
        return self.ears[-1]

    @property
    def ear(self) -> FakeEar:
        return self.ears[-1]

    def listen(self, **turns: Any) -> None:
        """Update it in the middle."""
        self.client.session(audio={"input": {"turn_detection": {"type": "server_vad", **turns}}})

    def append(self, data: bytes = bytes(960)) -> list[Ask]:
        return self.client.tell("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    def answer(self, ask: Ask, *events: EarEvent) -> list[Any]:
        """What an answer brings about, the ear having heard these."""
        question = ask.question
        assert isinstance(question, Hear)
        ear = question.listener.ear()
        assert isinstance(ear, FakeEar)
        ear.events = list(events)
        return self.client.check(said(ask.then(question.judge())))

    def hear(self, *events: EarEvent) -> list[Any]:
        (ask,) = self.append()
        return self.answer(ask, *events)


def test_the_ear_is_set_as_the_client_says_and_what_is_in_force_is_told() -> None:
    target = Listened(threshold=0.7, silence_duration_ms=200, create_response=True, idle_timeout_ms=5000)
    assert target.client.session()["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.7,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "idle_timeout_ms": None,
        "create_response": False,
        "interrupt_response": True,
    }
    assert target.hear() == []
    assert (target.ear.settings, target.ear.rate) == (EarSettings(0.7, 300, 200), 24_000)


def test_without_ears_turn_detection_is_refused() -> None:
    target = client()
    error = target.refused(
        "session.update",
        session={"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}},
    )
    assert error["param"] == "session.audio.input.turn_detection" and "ears" in error["message"]
    assert target.session(audio={"input": {"turn_detection": None}})["audio"]["input"]["turn_detection"] is None


def test_speech_begins_and_ends_as_an_item() -> None:
    target = Listened()
    (started, barge) = target.hear(STARTED)
    assert (started["type"], started["audio_start_ms"]) == ("input_audio_buffer.speech_started", 100)
    assert barge == Barge(), "what was made and is still being played is not heard any more"
    told = target.hear(STOPPED)
    assert kinds(told) == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert told[0]["audio_end_ms"] == 1500
    assert {started["item_id"], told[0]["item_id"], told[1]["item_id"], told[2]["item"]["id"]} == {started["item_id"]}
    assert target.client.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_turns_that_came_at_once_are_an_item_each() -> None:
    """As when a recording is sent whole, or the network held back some seconds of the microphone."""
    target = Listened(interrupt_response=False)
    (ask,) = target.append(bytes(4 * 48_000))
    turns = [SpeechStarted(400, 100), SpeechStopped(1500, 1500), SpeechStarted(2400, 2100), SpeechStopped(3500, 3500)]
    told = target.answer(ask, *turns)
    begun = [event["item_id"] for event in told if event["type"] == "input_audio_buffer.speech_started"]
    taken = [event["item_id"] for event in told if event["type"] == "input_audio_buffer.committed"]
    assert taken == begun and len(set(begun)) == 2


def test_who_takes_the_audio_meanwhile_has_it() -> None:
    target = Listened()
    started, _ = target.hear(STARTED)
    assert target.client.tell("input_audio_buffer.commit")[0]["item_id"] == started["item_id"]
    assert kinds(target.hear(STOPPED)) == ["input_audio_buffer.speech_stopped"]
    target.hear(STARTED)
    target.client.tell("input_audio_buffer.clear")
    (ask,) = target.append()
    target.client.tell("input_audio_buffer.clear")
    assert kinds(target.answer(ask, STOPPED)) == ["input_audio_buffer.speech_stopped"]


def test_who_speaks_stops_what_the_conversation_says() -> None:
    target = Listened()
    name, _ = target.client.speak("Hello there. Bye.")
    target.client.item("Waiting.")
    waiting = target.client.create().utterance_id
    target.client.render(sound(name))
    started, *stops = target.hear(STARTED)
    assert started["type"] == "input_audio_buffer.speech_started"
    assert stops == [Cancel(waiting), Cancel(name), Barge()], "what waits first, so that it does not begin"
    *_, ended = target.client.render(done(name, FinishReason.CANCELED, 5, "Hello there. Bye."))
    assert ended["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert (ended["response"]["heard"], ended["response"]["remaining"]) == ("Hello", " there. Bye.")
    (_, ended) = target.client.render(Accepted(waiting), done(waiting, FinishReason.CANCELED))
    assert ended["response"]["status_details"]["reason"] == "turn_detected"


def test_who_speaks_over_an_answer_that_was_sent_whole_is_told_how_far_it_was_heard() -> None:
    target, text = Listened(), "Hello there. Bye."
    name, begun = target.client.speak(text)
    target.client.render(words(name, (0, 5, 0.0), (6, 11, 0.4), (13, 16, 0.9)), sound(name, 1.3), done(name, text=text))
    assert target.hear(STARTED)[1:] == [Barge()]
    (told,) = target.client.render(Interrupted(name, 5, text))
    assert (told["type"], told["audio_end_ms"]) == ("conversation.item.truncated", 400)
    assert told["item_id"] == next(e["item"]["id"] for e in begun if e["type"] == "response.output_item.added")
    assert (told["heard"], told["remaining"], told["spoken_until"]) == ("Hello", " there. Bye.", 5)
    assert target.client.render(Interrupted(name, 0, text))[0]["audio_end_ms"] == 0
    assert target.client.render(Interrupted(name, len(text), text))[0]["audio_end_ms"] == 1300
    # A client that knows better says so, and is not told again.
    truncated = target.client.tell(
        "conversation.item.truncate", item_id=told["item_id"], content_index=0, audio_end_ms=950
    )
    assert [event["heard"] for event in truncated if isinstance(event, dict)] == [text]
    assert target.client.render(Interrupted(name, 5, text), Interrupted("unknown", 0, "")) == []


def test_what_is_no_part_of_the_conversation_goes_on() -> None:
    target = Listened()
    target.client.item("Aside.")
    target.client.create(conversation="none")
    name, _ = target.client.speak("Hello there. Bye.")
    assert target.hear(STARTED)[1:] == [Cancel(name)]


def test_where_it_is_not_to_interrupt_it_does_not() -> None:
    target = Listened(interrupt_response=False)
    target.client.speak()
    assert kinds(target.hear(STARTED)) == ["input_audio_buffer.speech_started"]


def test_what_comes_while_the_ear_is_busy_waits_for_it_in_order() -> None:
    target = Listened()
    (first,) = target.append(b"\1\0")
    assert [target.append(bytes([n, 0])) for n in (2, 3, 4)] == [[], [], []]
    started, barge, second = target.answer(first, STARTED)
    assert isinstance(second, Ask) and barge == Barge() and started["type"] == "input_audio_buffer.speech_started"
    assert target.answer(second) == []
    assert target.ear.told == [b"\1\0", "stopped", b"\2\0\3\0\4\0"]


def test_more_than_half_a_minute_does_not_wait() -> None:
    target = Listened()
    (ask,) = target.append()
    for _ in range(4):
        target.append(bytes(2 * 24_000 * 8))
    error = target.client.refused("input_audio_buffer.append", audio="AAA=")
    assert error["code"] == "rate_limit_exceeded"
    (rest,) = target.answer(ask)
    assert target.answer(rest) == [] and target.hear(STARTED), "and then it goes on"


def test_telephony_is_heard_as_samples() -> None:
    target = Listened()
    target.client.session(audio={"input": {"format": {"type": "audio/pcmu"}}})
    (ask,) = target.append(b"\xff\x80\x00")
    target.answer(ask)
    assert target.ear.rate == 8000 and target.ear.told == [b"\0\0\x7c\x7d\x84\x82"]


def test_the_ear_is_told_what_is_spoken_and_where_that_stopped() -> None:
    target = Listened()
    target.client.session(audio={"output": {"format": {"type": "audio/pcm"}}})
    name, _ = target.client.speak()
    target.client.render(sound(name, 0.5), sound(name, 0.25))
    target.hear()
    assert target.ear.told == [(24_000, 24_000), (12_000, 24_000), bytes(960)]
    target.client.tell("response.cancel")
    target.hear()
    assert target.ear.told[3:] == ["stopped", bytes(960)]


def test_what_was_spoken_to_a_silent_microphone_is_not_kept_for_ever() -> None:
    target = Listened()
    name, _ = target.client.speak()
    for _ in range(100):
        target.client.render(sound(name, 1.0))
    target.hear()
    assert sum(told[0] / 48_000 for told in target.ear.told[:-1]) == MAX_PLAYED_S, "the latest of it"


def test_times_count_from_the_first_audio_though_the_ear_is_a_new_one() -> None:
    target = Listened()
    target.hear()
    for _ in range(3):
        target.hear()
    target.client.session(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.9}}})
    started, _ = target.hear(STARTED)
    assert started["audio_start_ms"] == 4 * 20 + 100 and len(target.ears) == 2
    target.client.session(instructions="x")
    target.hear()
    assert len(target.ears) == 2, "an update of something else changes nothing"


def test_what_an_ear_says_that_was_taken_off_is_not_told() -> None:
    target = Listened()
    (ask,) = target.append()
    target.client.session(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.9}}})
    assert target.append(b"\7\0") == []
    (next_one,) = target.answer(ask, STARTED)
    assert isinstance(next_one, Ask) and next_one.question.pcm == b"\7\0"  # type: ignore[attr-defined]
    target.client.session(audio={"input": {"turn_detection": None}})
    assert target.answer(next_one, STARTED) == [] and target.append() == []


def test_a_new_ear_knows_what_the_one_before_it_knew_of_what_is_spoken() -> None:
    target = Listened()
    name, _ = target.client.speak()
    target.client.render(sound(name, 0.5))
    target.hear()
    target.client.render(sound(name, 0.25))
    target.listen(threshold=0.9)
    target.client.render(sound(name, 0.125))
    target.hear()
    old, new = target.ears
    assert old.told == [(24_000, 24_000), bytes(960)]
    assert new.told == [(old, 0.0), (12_000, 24_000), (6_000, 24_000), bytes(960)], "also what it was not told yet"


def test_a_new_ear_follows_the_last_one_that_heard_and_is_told_what_none_was_given() -> None:
    target = Listened()
    (ask,) = target.append()
    target.append(bytes(48_000))
    target.listen(threshold=0.9)
    target.append(bytes(24_000))
    target.client.session(audio={"input": {"format": {"type": "audio/pcmu"}}})
    assert target.append(bytes(160)) == [], "the first one is still asked"
    (next_one,) = target.answer(ask)
    target.answer(next_one)
    first, last = target.ears
    assert (first.told, last.rate, last.told[0]) == ([bytes(960)], 8000, (first, 1.5))


def test_of_the_listeners_before_only_one_is_kept() -> None:
    target = Listened()
    for threshold in (0.1, 0.2, 0.3):
        target.hear()
        target.listen(threshold=threshold)
        target.listen(threshold=threshold / 2)
    gc.collect()
    listeners = [kept for kept in gc.get_objects() if isinstance(kept, Listener) and kept.make == target._make]
    assert len(listeners) == 2 and len(target.ears) == 3


@pytest.mark.parametrize("error", [ModelNotReady("There is no ear."), SyrinxError("The server failed.")])
def test_an_ear_that_cannot_be_had_is_told_and_listened_to_no_more(error: SyrinxError) -> None:
    target = Listened()
    (ask,) = target.append()
    failed, updated = target.client.check(said(ask.then(error)))
    assert failed["error"]["message"] == error.message
    assert updated["session"]["audio"]["input"]["turn_detection"] is None
    assert target.append() == []


def test_a_message_that_is_no_audio_asks_nothing() -> None:
    target = Listened()
    assert target.client.refused("input_audio_buffer.append", audio="!")["param"] == "audio"
    assert isinstance(target.append()[0], Ask)
