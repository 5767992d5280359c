"""Cartesia's socket as plain values: contexts, continuations, flushes, cancels, hostile input."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import EmptyText, InvalidRequest, ModelFailed, Overloaded, SyrinxError, TextTooLong
from syrinx.core.types import (
    Adjust,
    Append,
    Audio,
    AudioFormat,
    Cancel,
    EncodedAudio,
    End,
    Failed,
    Finished,
    FinishReason,
    Flush,
    Mark,
    MarkKind,
    Marks,
    Open,
    SegmentDone,
    Span,
    Started,
)
from syrinx.protocols.base import Action, Close, Reply
from syrinx.protocols.cartesia.codec import CartesiaCodec
from syrinx.protocols.cartesia.speech import CartesiaPolicy
from tests.protocols.common import OneModel, done, objects, said, sound

RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000}
HOW = {"model_id": "sonic-3", "voice": {"mode": "id", "id": "kavya"}, "output_format": RAW, "language": "en"}
MESSAGES = [
    {**HOW, "context_id": "a", "transcript": "Hello there. ", "continue": True, "add_timestamps": True},
    {**HOW, "context_id": "a", "transcript": "Hello. ", "continue": True, "max_buffer_delay_ms": 0},
    {**HOW, "context_id": "b", "transcript": "Bye.", "generation_config": {"speed": 1.2, "volume": 0.5}},
    {**HOW, "context_id": "a", "transcript": "", "continue": True, "flush": True},
    {**HOW, "context_id": "a", "transcript": "", "continue": False},
    {"context_id": "a", "cancel": True},
]
"""What clients send."""


def codec(max_contexts: int = 4) -> CartesiaCodec:
    return CartesiaCodec(
        CartesiaPolicy(max_chars=60, default_speed=1.5, max_contexts=max_contexts), OneModel(("emotion",)), "req_1"
    )


def tell(
    target: CartesiaCodec, text: str = "Hello. ", name: Any = "a", *, more: bool = True, **fields: Any
) -> list[Action]:
    return target.receive(json.dumps({**HOW, "context_id": name, "transcript": text, "continue": more, **fields}))


def cancel(target: CartesiaCodec, name: str = "a") -> list[Action]:
    return target.receive(json.dumps({"context_id": name, "cancel": True}))


def refused(target: CartesiaCodec, text: str = "Hello. ", **fields: Any) -> list[Any]:
    with pytest.raises(SyrinxError) as caught:
        tell(target, text, **fields)
    return said(target.refuse(caught.value))


def spoken(start: int, end: int, name: str = "1") -> Audio:
    return Audio(name, EncodedAudio(b"\1\2", 1, 24_000, "audio/pcm", 0, Span(start, end)))


def last(name: str = "a") -> dict[str, Any]:
    return {"type": "done", "done": True, "status_code": 206, "context_id": name}


# --- contexts --------------------------------------------------------------------------------------------------------


def test_a_context_opens_with_its_first_words_and_what_their_message_said() -> None:
    target = codec()
    assert tell(target, " ") == []
    opened, text = tell(target, generation_config={"speed": 1.1, "volume": 0.5, "emotion": "calm"})
    assert isinstance(opened, Open) and text == Append("1", "Hello. ")
    request = opened.request
    assert (request.voice, request.model, request.language) == ("kavya", None, "en")
    assert (request.delivery.speed, request.delivery.volume) == (1.1, 0.5)
    assert (request.audio, request.options) == (AudioFormat("pcm_s16le", 24_000), {"emotion": "calm"})
    (other, *_) = tell(target, name="b")
    assert isinstance(other, Open) and other.utterance_id == "2" and other.request.delivery.speed == 1.5


def test_texts_are_joined_as_they_are_and_the_last_message_does_not_continue() -> None:
    target = codec()
    tell(target, "Hello, ")
    assert tell(target, "my na") == [Append("1", "my na")] and tell(target, "me.") == [Append("1", "me.")]
    assert tell(target, "", more=False) == [End("1")]
    assert said(target.render(sound())) == [
        {
            "type": "chunk",
            "data": base64.b64encode(b"\1\2\3\4").decode(),
            "done": False,
            "status_code": 206,
            "step_time": 0.0,
            "flush_id": 1,
            "context_id": "a",
        }
    ]
    assert said(target.render(done())) == [last()]


def test_one_message_may_be_all_of_it_and_by_default_is() -> None:
    target = codec()
    opened, *rest = target.receive(json.dumps({**HOW, "context_id": "a", "transcript": "Hello."}))
    assert isinstance(opened, Open) and rest == [Append("1", "Hello."), End("1")]


def test_done_comes_only_when_no_more_text_may_come() -> None:
    target = codec()
    tell(target)
    assert said(target.render(SegmentDone("1", 0, Span(0, 7)))) == []
    assert tell(target, "", more=False) == [End("1")]
    assert tell(target, "", more=False) == tell(target, " ", more=False) == [], "it ended before"
    assert said(target.render(done())) == [last()]


def test_a_context_that_says_nothing_is_done_at_once() -> None:
    assert said(tell(codec(), "", more=False)) == said(tell(codec(), " ", more=False)) == [last()]
    assert tell(codec(), "") == []


def test_a_name_can_be_used_again_when_its_context_is_done() -> None:
    target = codec()
    tell(target, more=False)
    target.render(done())
    opened, *_ = tell(target, "Again. ")
    assert isinstance(opened, Open) and opened.utterance_id == "2"
    assert said(target.render(sound("2")))[0]["context_id"] == "a"


def test_without_a_delay_each_message_is_spoken_at_once_and_with_one_after_a_silence() -> None:
    target = codec()
    opened, *rest = tell(target, max_buffer_delay_ms=0)
    assert isinstance(opened, Open) and opened.idle_flush_s is None and rest == [Append("1", "Hello. "), Flush("1")]
    assert tell(target, "Bye.", max_buffer_delay_ms=0) == [Append("1", "Bye. "), Flush("1")]
    opened, *rest = tell(target, name="b", max_buffer_delay_ms=3000)
    assert isinstance(opened, Open) and opened.idle_flush_s == 3.0 and len(rest) == 1
    opened, *_ = tell(target, name="c")
    assert isinstance(opened, Open) and opened.idle_flush_s is None


def test_a_later_speed_or_volume_is_taken_from_there_on_and_the_same_one_changes_nothing() -> None:
    target = codec()
    tell(target, generation_config={"speed": 1.1})
    slower: dict[str, Any] = {"generation_config": {"speed": 0.8, "volume": 0.5}}
    assert tell(target, "Slow. ", **slower) == [Adjust("1", speed=0.8, volume=0.5), Append("1", "Slow. ")]
    assert tell(target, "Slow. ", **slower) == tell(target, "Slow. ") == [Append("1", "Slow. ")]


# --- cancel ----------------------------------------------------------------------------------------------------------


def test_after_a_cancel_nothing_more_is_told_of_a_context() -> None:
    target = codec()
    tell(target)
    assert cancel(target) == [Cancel("1")]
    assert target.render(sound()) == target.render(done(reason=FinishReason.CANCELED)) == []
    assert cancel(target) == cancel(target, "unknown") == []


def test_a_context_that_is_spoken_to_its_end_can_be_canceled_and_its_name_used_again() -> None:
    target = codec()
    tell(target, more=False)
    assert cancel(target) == [Cancel("1")]
    opened, *_ = tell(target, "New. ")
    assert isinstance(opened, Open) and opened.utterance_id == "2"
    assert target.render(sound("1")) == [] and said(target.render(sound("2")))[0]["context_id"] == "a"


def test_a_cancel_leaves_other_contexts_alone() -> None:
    target = codec()
    tell(target)
    tell(target, name="b")
    cancel(target)
    assert said(target.render(sound("2")))[0]["context_id"] == "b"


def test_who_says_how_far_it_played_is_told_what_was_heard() -> None:
    target = codec()
    tell(target)
    assert target.receive(json.dumps({"context_id": "a", "cancel": True, "played_s": 0.5})) == [Cancel("1", 0.5)]
    assert target.render(sound()) == []
    tell(target, "New. ")  # the name is free at once
    heard = {"heard": "Hello.", "remaining": " ", "spoken_until": 6}
    finished = Finished("1", FinishReason.CANCELED, 1, 0.5, 6, "Hello. ")
    assert said(target.render(finished)) == [{**last(), **heard}]
    assert said(target.render(done("2"))) == [last()]
    with pytest.raises(InvalidRequest):
        target.receive(json.dumps({"context_id": "a", "cancel": True, "played_s": "x"}))


# --- flushes ---------------------------------------------------------------------------------------------------------


def test_chunks_tell_which_flush_they_are_of_and_flush_done_comes_behind_the_last() -> None:
    target = codec()
    tell(target, "One. ")
    assert tell(target, "", flush=True) == [Flush("1")]
    assert tell(target, "Two.") == [Append("1", "Two.")]
    assert said(target.render(spoken(0, 5)))[0]["flush_id"] == 1
    assert said(target.render(SegmentDone("1", 0, Span(0, 5)))) == [
        {
            "type": "flush_done",
            "done": False,
            "flush_done": True,
            "flush_id": 1,
            "status_code": 206,
            "context_id": "a",
        }
    ]
    assert said(target.render(spoken(5, 9)))[0]["flush_id"] == 2
    tell(target, "", more=False)
    target.render(SegmentDone("1", 1, Span(5, 9)))
    assert said(target.render(done())) == [last()]


def test_a_flush_beside_text_flushes_that_too_and_one_of_what_was_spoken_is_done_at_once() -> None:
    target = codec()
    assert tell(target, "One. ", flush=True)[1:] == [Append("1", "One. "), Flush("1")]
    assert said(target.render(SegmentDone("1", 0, Span(0, 5))))[0]["flush_id"] == 1
    tell(target, "Two. ")
    target.render(SegmentDone("1", 1, Span(5, 10)))
    flush, told = said(tell(target, "", flush=True))
    assert flush == Flush("1") and (told["type"], told["flush_id"]) == ("flush_done", 2)
    assert tell(target, "", name="unknown", flush=True) == []


def test_a_flush_whose_text_has_no_sound_is_done_before_what_follows_and_at_the_latest_before_the_end() -> None:
    target = codec()
    tell(target, "abc ", flush=True)
    tell(target, "Two. ", flush=True)
    flushed, chunk = said(target.render(spoken(4, 9)))
    assert (flushed["type"], flushed["flush_id"], chunk["flush_id"]) == ("flush_done", 1, 2)
    tell(target, "", more=False)
    assert [(item["type"], item.get("flush_id")) for item in said(target.render(done()))] == [
        ("flush_done", 2),
        ("done", None),
    ]


# --- times -----------------------------------------------------------------------------------------------------------


def words(name: str = "1") -> Marks:
    return Marks(name, (Mark(MarkKind.WORD, Span(0, 5), 0.0, 0.4), Mark(MarkKind.WORD, Span(7, 12), 0.5, 0.90004)))


def test_words_are_told_as_they_were_written_where_they_are_asked_for() -> None:
    target = codec()
    tell(target, "Hello, there. ", add_timestamps=True)
    assert said(target.render(words())) == [
        {
            "type": "timestamps",
            "done": False,
            "status_code": 206,
            "flush_id": 1,
            "context_id": "a",
            "word_timestamps": {"words": ["Hello,", "there."], "start": [0.0, 0.5], "end": [0.4, 0.9]},
        }
    ]
    tell(target, "Hello, there. ", name="b")
    assert target.render(words("2")) == []


def test_times_that_are_not_the_models_own_say_so() -> None:
    """Of every protocol that carries them: who draws subtitles may trust only the others."""
    target = codec()
    tell(target, "Hello, there. ", add_timestamps=True)
    real, guessed = words().marks[0], replace(words().marks[1], estimated=True)
    ours, theirs = (said(target.render(Marks("1", (mark,))))[0]["word_timestamps"] for mark in (real, guessed))
    assert "estimated" not in ours and theirs["estimated"] is True and theirs["words"] == ["there."]


def test_phonemes_are_refused() -> None:
    (error,) = refused(codec(), add_phoneme_timestamps=True)
    assert error["status_code"] == 400 and "phonemes" in error["message"]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_has_the_vendors_shape_and_ends_its_context() -> None:
    target = codec()
    tell(target)
    tell(target, name="b")
    stop, error = refused(target, generation_config={"speed": 9})
    assert stop == Cancel("1")
    assert error == {
        "type": "error",
        "done": True,
        "status_code": 400,
        "error_code": "invalid_request",
        "title": "Invalid request",
        "message": "'speed' must be between 0.25 and 4.",
        "error": "Invalid request: 'speed' must be between 0.25 and 4.",
        "context_id": "a",
        "request_id": "req_1",
    }
    assert target.render(done(reason=FinishReason.CANCELED)) == []
    assert said(target.render(sound("2")))[0]["context_id"] == "b"
    assert isinstance(tell(target)[0], Open)


def test_text_behind_the_end_is_refused() -> None:
    target = codec()
    tell(target, more=False)
    stop, error = refused(target, "More.")
    assert stop == Cancel("1") and (error["done"], error["context_id"]) == (True, "a")


def test_a_failure_is_told_and_the_context_ends() -> None:
    target = codec()
    tell(target)
    (error,) = said(target.render(Failed("1", ModelFailed("It broke."))))
    assert (error["status_code"], error["error_code"], error["context_id"]) == (502, "model_failed", "a")
    assert error["request_id"] == "req_1"
    assert isinstance(tell(target, "Again. ")[0], Open)


@pytest.mark.parametrize("error", [EmptyText("Nothing."), InvalidRequest("No text came.", code="text_timeout")])
def test_what_cannot_be_said_is_just_done(error: SyrinxError) -> None:
    target = codec()
    tell(target, "🙂", more=False)
    assert said(target.render(Failed("1", error))) == [last()]


def test_what_names_no_context_is_told_with_none() -> None:
    target = codec()
    for message in ("{", b"{}", "[]", json.dumps({"transcript": "Hi."}), json.dumps({"context_id": ""})):
        with pytest.raises(InvalidRequest) as caught:
            target.receive(message)
        (error,) = said(target.refuse(caught.value))
        assert error["context_id"] is None and error["done"] is True


def test_the_engine_may_refuse_an_opening_and_nothing_of_it_is_left() -> None:
    target = codec()
    tell(target)
    stop, error = said(target.refuse(Overloaded("Full.", 1.0)))
    assert stop == Cancel("1") and (error["status_code"], error["error_code"]) == (429, "concurrency_limited")
    assert cancel(target) == [] and isinstance(tell(target)[0], Open)


# --- bounds and strangers --------------------------------------------------------------------------------------------


def test_contexts_are_bounded_those_that_are_only_spoken_included() -> None:
    target = codec(max_contexts=2)
    tell(target, more=False)
    tell(target, name="b")
    (error,) = refused(target, name="c")
    assert (error["status_code"], error["context_id"]) == (429, "c")
    target.render(done())
    assert isinstance(tell(target, name="c")[0], Open)


def test_messages_without_words_keep_no_context() -> None:
    target = codec(max_contexts=1)
    for number in range(50):
        assert tell(target, " ", name=str(number)) == []
    assert isinstance(tell(target)[0], Open)


def test_a_text_over_the_bound_is_refused() -> None:
    target = codec()
    tell(target, "x" * 50)
    with pytest.raises(TextTooLong) as caught:
        tell(target, "x" * 11)
    assert said(target.refuse(caught.value))[0] == Cancel("1")
    with pytest.raises(TextTooLong):
        tell(target, "x" * 61, name="b")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": 5}, "context_id"),
        ({"name": "x" * 257}, "context_id"),
        ({"text": []}, "transcript"),
        ({"flush": "yes"}, "flush"),
        ({"more": 1}, "continue"),
        ({"cancel": "now"}, "cancel"),
        ({"add_timestamps": 1}, "add_timestamps"),
        ({"max_buffer_delay_ms": 5001}, "max_buffer_delay_ms"),
        ({"generation_config": 3}, "generation_config"),
        ({"generation_config": {"volume": "loud"}}, "volume"),
        ({"speed": "hasty"}, "speed"),
        ({"voice": 3}, "voice"),
        ({"voice": {"mode": "embedding", "embedding": [0.5]}}, "voice"),
        ({"voice": {"mode": "id", "id": 3}}, "id"),
        ({"voice": "nobody"}, "voice"),
        ({"language": "!"}, "language"),
        ({"output_format": None}, "output_format"),
        ({"output_format": {**RAW, "container": "wav"}}, "container"),
        ({"output_format": {**RAW, "encoding": "pcm_s24le"}}, "encoding"),
        ({"output_format": {**RAW, "sample_rate": 96_000}}, "sample_rate"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        tell(codec(), **fields)
    assert caught.value.param == param


def _is_answer(items: list[Any]) -> bool:
    return all(isinstance(item, Reply | Close | Open | Append | Flush | End | Cancel | Adjust) for item in items)


_FIELDS = (*HOW, "context_id", "transcript", "continue", "cancel", "flush", "generation_config", "max_buffer_delay_ms")


@given(st.lists(st.text() | st.binary() | objects(*_FIELDS), max_size=6))
def test_anything_gives_actions_or_a_refusal(messages: list[str | bytes]) -> None:
    target = codec()
    for message in messages:
        try:
            assert _is_answer(target.receive(message))
        except SyrinxError as error:
            assert isinstance(error, InvalidRequest | Overloaded)
            assert _is_answer(target.refuse(error))


@given(
    st.lists(st.tuples(st.sampled_from(MESSAGES), st.integers(0, 120), st.binary(max_size=3)), max_size=12), st.data()
)
def test_real_messages_bent_and_answered_in_any_order(
    bent: list[tuple[dict[str, Any], int, bytes]], data: st.DataObject
) -> None:
    target, running, names = codec(), set[str](), dict[str, str]()
    for message, at, junk in bent:
        raw = json.dumps(message).encode()
        raw = raw[:at] + junk + raw[at + len(junk) :]
        try:
            actions = target.receive(raw.decode("utf-8", "surrogatepass" if at % 2 else "replace"))
        except (SyrinxError, UnicodeDecodeError) as error:
            actions = target.refuse(error) if isinstance(error, SyrinxError) else []
        running |= {action.utterance_id for action in actions if isinstance(action, Open)}
        running -= {action.utterance_id for action in actions if isinstance(action, Cancel)}
        said_in = [action for action in actions if isinstance(action, Append | End | Flush)]
        assert {action.utterance_id for action in said_in} <= running, "nothing is said in what is not open"
        if running and data.draw(st.booleans()):
            name = data.draw(st.sampled_from(sorted(running)))
            told = said(target.render(Started(name, "m", "kavya", 24_000)) + target.render(sound(name)))
            told += said(target.render(SegmentDone(name, 0, Span(0, 9))) + target.render(done(name)))
            running.discard(name)
            assert told[-1]["type"] == "done" and len({item["context_id"] for item in told}) == 1
            assert names.setdefault(name, told[0]["context_id"]) == told[0]["context_id"]
