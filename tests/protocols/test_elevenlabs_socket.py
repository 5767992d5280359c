"""ElevenLabs' sockets as plain values: contexts, flushes, closes that finish, closes that interrupt, hostile input."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    TextTooLong,
)
from syrinx.core.types import (
    Adjust,
    Append,
    AudioFormat,
    Cancel,
    End,
    Failed,
    FinishReason,
    Flush,
    Mark,
    MarkKind,
    Marks,
    Open,
    Span,
    Started,
)
from syrinx.protocols.base import Action, Close, Drain, Handshake, Reply
from syrinx.protocols.elevenlabs.sockets import MultiStreamCodec, StreamInputCodec
from syrinx.protocols.elevenlabs.speech import PREMADE, ElevenLabsPolicy
from syrinx.voices.aliases import OPENAI_VOICES
from tests.protocols.common import HEARD, Found, OneModel, done, objects, said, sound

resolve = OneModel(options=("stability",))
PCM = {"output_format": "pcm_24000", "model_id": "eleven_flash_v2_5"}
MESSAGES = [
    {"text": " ", "voice_settings": {"speed": 1.1, "stability": 0.5}, "context_id": "a"},
    {"text": "Hello there. ", "context_id": "a", "flush": True},
    {"text": "Hello there. ", "try_trigger_generation": True},
    {"text": "", "context_id": "a"},
    {"context_id": "a", "flush": True},
    {"context_id": "a", "close_context": True},
    {"close_socket": True},
    {"text": ""},
]
"""What clients send."""


def multi(voice: str = "kavya", max_contexts: int = 4, **query: str) -> MultiStreamCodec:
    policy = ElevenLabsPolicy(max_chars=60, default_speed=1.5, max_contexts=max_contexts)
    return MultiStreamCodec(Handshake({"voice": voice}, {**PCM, **query}), policy, resolve)


def single(voice: str = "kavya", **query: str) -> StreamInputCodec:
    policy = ElevenLabsPolicy(max_chars=60, default_speed=1.5)
    return StreamInputCodec(Handshake({"voice": voice}, {**PCM, **query}), policy, resolve)


def tell(target: MultiStreamCodec | StreamInputCodec, text: str | None = None, **fields: Any) -> list[Action]:
    return target.receive(json.dumps({**({} if text is None else {"text": text}), **fields}))


def refused(target: MultiStreamCodec | StreamInputCodec, text: str | None = None, **fields: Any) -> list[Any]:
    with pytest.raises(SyrinxError) as caught:
        tell(target, text, **fields)
    return said(target.refuse(caught.value))


def words(name: str, *times: tuple[int, int, float, float]) -> Marks:
    return Marks(name, tuple(Mark(MarkKind.WORD, Span(a, b), s, e) for a, b, s, e in times))


def final(context_id: str | None = None) -> dict[str, Any]:
    named = {} if context_id is None else {"contextId": context_id}
    return {"audio": "", "isFinal": True, "alignment": None, "normalizedAlignment": None, **named}


# --- contexts --------------------------------------------------------------------------------------------------------


def test_a_context_opens_with_its_first_word_and_what_its_first_message_said() -> None:
    target = multi()
    assert tell(target, " ", context_id="a", voice_settings={"speed": 1.1, "stability": 0.4, "style": 0}) == []
    opened, text = tell(target, "Hello. ", context_id="a")
    assert isinstance(opened, Open) and text == Append("1", "Hello. ")
    request = opened.request
    assert (request.voice, request.model, request.delivery.speed) == ("kavya", None, 1.1)
    assert (request.audio, request.options) == (AudioFormat("pcm_s16le", 24_000), {"stability": 0.4})
    (other, _) = tell(target, "Hi. ", context_id="b")
    assert isinstance(other, Open) and other.utterance_id == "2" and other.request.delivery.speed == 1.5


def test_with_auto_mode_each_text_is_spoken_at_once_with_a_space_between() -> None:
    target = multi(auto_mode="true")
    opened, *rest = tell(target, "Hello.", context_id="a")
    assert isinstance(opened, Open) and rest == [Append("1", "Hello. "), Flush("1")]
    assert tell(target, "Bye. ", context_id="a") == [Append("1", "Bye. "), Flush("1")]
    assert tell(target, "", context_id="a") == [Append("1", "")], "it is kept alive"


def test_an_empty_text_only_keeps_alive_and_with_flush_it_flushes() -> None:
    target = multi()
    assert tell(target, "", context_id="a") == tell(target, "") == []
    tell(target, "Hello. ", context_id="a")
    assert tell(target, "", context_id="a") == [Append("1", "")], "it is kept alive"
    assert tell(target, "", context_id="a", flush=True) == tell(target, context_id="a", flush=True) == [Flush("1")]


def test_a_close_behind_a_flush_speaks_to_the_end() -> None:
    target = multi()
    tell(target, "Hello.", context_id="a")
    tell(target, context_id="a", flush=True)
    assert tell(target, context_id="a", close_context=True) == [Append("1", " "), End("1")]
    assert said(target.render(sound())) == [
        {
            "audio": base64.b64encode(b"\1\2\3\4").decode(),
            "isFinal": None,
            "alignment": None,
            "normalizedAlignment": None,
            "contextId": "a",
        }
    ]
    *rest, last = said(target.render(done()))
    assert last == final("a") and "".join(rest[0]["alignment"]["chars"]) == "Hello. "


@pytest.mark.parametrize("auto", ["true", "false"])
def test_a_close_in_the_middle_of_the_text_stops(auto: str) -> None:
    target = multi(auto_mode=auto)
    tell(target, "Hello. ", context_id="a")
    tell(target, "And. ", context_id="a", flush=auto == "true")  # LiveKit flushes with each sentence
    assert tell(target, context_id="a", close_context=True) == [Cancel("1")]
    assert said(target.render(done(reason=FinishReason.CANCELED))) == [{**final("a"), **HEARD}]
    assert target.render(sound()) == target.render(done()) == []


def test_without_auto_mode_a_flush_beside_the_text_settles_it() -> None:
    target = multi()
    tell(target, "Hello. ", context_id="a", flush=True)
    assert tell(target, context_id="a", close_context=True) == [End("1")]


def test_a_second_close_interrupts_and_a_third_is_ignored() -> None:
    target = multi(auto_mode="true")
    tell(target, "Hello.", context_id="a")
    tell(target, "", context_id="a", flush=True)
    assert tell(target, context_id="a", close_context=True) == [End("1")]
    assert tell(target, context_id="a", close_context=True) == [Cancel("1")]
    target.render(done(reason=FinishReason.CANCELED))
    assert tell(target, context_id="a", close_context=True) == []


def test_unknown_contexts_are_ignored_and_unused_ones_end_at_once() -> None:
    target = multi()
    assert tell(target, context_id="x", close_context=True) == tell(target, context_id="x", flush=True) == []
    tell(target, " ", context_id="a")
    assert said(tell(target, context_id="a", close_context=True)) == [final("a")]


def test_the_name_of_a_closed_context_can_be_used_again() -> None:
    target = multi()
    tell(target, "One. ", context_id="a", flush=True)
    tell(target, context_id="a", close_context=True)
    opened, _ = tell(target, "Two. ", context_id="a")
    assert isinstance(opened, Open) and opened.utterance_id == "2"
    assert said(target.render(done("1")))[-1] == final("a")
    assert tell(target, "More. ", context_id="a") == [Append("2", "More. ")]


def test_closing_the_socket_closes_every_context_and_takes_no_more() -> None:
    target = multi()
    tell(target, "Whole. ", context_id="a", flush=True)
    tell(target, "Half ", context_id="b")
    assert tell(target, close_socket=True) == [End("1"), Cancel("2"), Drain()]
    assert tell(target, close_socket=True) == tell(target, context_id="z", close_context=True) == []
    (error,) = refused(target, "More. ", context_id="c")
    assert (error["error"], error["contextId"]) == ("session_ended", "c")


def test_a_later_speed_is_taken_from_there_on() -> None:
    target = multi()
    tell(target, "Hello. ", context_id="a")
    assert tell(target, "Slow. ", context_id="a", voice_settings={"speed": 0.8}) == [
        Adjust("1", speed=0.8),
        Append("1", "Slow. "),
    ]


def test_messages_without_a_context_are_of_one() -> None:
    target = multi()
    tell(target, "Hello. ", flush=True)
    tell(target, close_context=True)
    assert said(target.render(done()))[-1]["contextId"] == "default"


def test_a_failure_is_told_and_the_context_ends() -> None:
    target = multi()
    tell(target, "Hello. ", context_id="a")
    error, last = said(target.render(Failed("1", ModelFailed("It broke."))))
    assert error == {"message": "It broke.", "error": "model_failed", "code": 1011, "contextId": "a"}
    assert last == final("a")
    assert isinstance(tell(target, "Again. ", context_id="a")[0], Open)


@pytest.mark.parametrize("error", [EmptyText("Nothing."), InvalidRequest("No text came.", code="text_timeout")])
def test_what_cannot_be_said_just_ends(error: SyrinxError) -> None:
    target = multi()
    tell(target, "🙂", context_id="a", flush=True)
    tell(target, context_id="a", close_context=True)
    assert said(target.render(Failed("1", error)))[-1] == final("a")


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sync", "starts"), [("false", [0, 50]), ("true", [100, 150])])
def test_times_restart_with_each_message_or_go_on(sync: str, starts: list[int]) -> None:
    target = multi(sync_alignment=sync)
    tell(target, "a b ", context_id="a")
    target.render(words("1", (0, 1, 0.0, 0.05), (2, 3, 0.1, 0.15)))
    first, second = (said(target.render(sound(data=bytes(2400 * 4))))[0] for _ in range(2))  # 100 ms each
    assert (first["alignment"]["chars"], first["alignment"]["charStartTimesMs"]) == (["a", " "], [0, 50])
    assert second["alignment"] == {
        "chars": ["b", " "],
        "charStartTimesMs": starts,
        "charDurationsMs": [50, 50],
    }
    assert second["normalizedAlignment"] == second["alignment"]


def test_estimated_times_say_so() -> None:
    target = multi()
    tell(target, "a ", context_id="a")
    target.render(Marks("1", (Mark(MarkKind.WORD, Span(0, 1), 0.0, 0.1, estimated=True),)))
    (message,) = said(target.render(sound(data=bytes(9600))))
    assert message["alignment"]["estimated"] is True


# --- one utterance ---------------------------------------------------------------------------------------------------


def test_an_empty_text_ends_the_utterance_and_the_socket() -> None:
    target = single()
    assert tell(target, " ", voice_settings={"speed": 0.9}, generation_config={"chunk_length_schedule": [50]}) == []
    opened, *_ = tell(target, "Hello ", try_trigger_generation=True)
    assert isinstance(opened, Open) and opened.request.delivery.speed == 0.9
    assert tell(target, "there. ", flush=True) == [Append("1", "there. "), Flush("1")]
    assert tell(target, "") == [End("1"), Drain()]
    (message,) = said(target.render(sound()))
    assert "contextId" not in message and message["isFinal"] is None
    assert said(target.render(done()))[-1] == final()


def test_an_empty_text_alone_is_answered_and_ends_the_socket() -> None:
    answer, drain = said(tell(single(), ""))
    assert answer == final() and drain == Drain()


def test_text_behind_the_end_is_refused_and_what_is_spoken_goes_on() -> None:
    target = single()
    tell(target, "Hello. ")
    tell(target, "")
    (error,) = refused(target, "More. ")
    assert error["error"] == "session_ended"
    assert said(target.render(done()))[-1] == final()


def test_what_is_wrong_closes_the_socket_of_one_utterance_with_the_reason() -> None:
    error, close = refused(single(), "Hello.", voice_settings={"speed": 9})
    assert error["code"] == 1008 and "speed" in error["message"] and close == Close(1008, error["message"])
    target = single()
    tell(target, "Hello. ")
    error, close = said(target.render(Failed("1", Overloaded("All places are taken.", 1.0))))
    assert error["error"] == "too_many_concurrent_requests" and close == Close(1013, "All places are taken.")


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [multi, single])
def test_an_address_that_cannot_be_spoken_to_is_told_and_closed(make: Any) -> None:
    for voice, query, name in (
        ("nobody", {}, "voice_not_found"),
        ("kavya", {"output_format": "mp3"}, "invalid_output_format"),
        ("kavya", {"output_format": "pcm_7000"}, "invalid_output_format"),
        ("kavya", {"language_code": "!"}, "invalid_request"),
    ):
        target = make(voice, **query)
        error, close = said(target.opened())
        assert error["error"] == name and error["message"] and isinstance(close, Close) and close.code == 1008
        with pytest.raises(SyrinxError):
            tell(target, "Hello. ")
    assert make().opened() == []


def test_a_model_that_loads_is_asked_again_when_there_is_something_to_say() -> None:
    ready = [False]

    def loading(model: str | None, voice: str | None) -> Found:
        if not ready[0]:
            raise ModelNotReady("The model is loading.")
        return resolve(model, voice)

    target = MultiStreamCodec(Handshake({"voice": "kavya"}, PCM), ElevenLabsPolicy(), loading)
    assert target.opened() == []
    (error,) = refused(target, "Hello. ", context_id="a")
    assert error["error"] == "model_not_ready" and error["contextId"] == "a"
    ready[0] = True
    assert isinstance(tell(target, "Hello. ", context_id="a")[0], Open)


def test_the_vendors_premade_voices_have_stand_ins() -> None:
    def resolve_openai(model: str | None, voice: str | None) -> Found:
        return resolve(model, None if voice in OPENAI_VOICES else voice)

    target = MultiStreamCodec(Handshake({"voice": "21m00Tcm4TlvDq8ikWAM"}, PCM), ElevenLabsPolicy(), resolve_openai)
    opened, _ = tell(target, "Hello. ")
    assert isinstance(opened, Open) and opened.request.voice == "alloy"
    assert set(PREMADE.values()) <= set(OPENAI_VOICES)


@pytest.mark.parametrize(
    ("gender", "ids"),
    [
        ("female", "21m00Tcm4TlvDq8ikWAM 9BWtsMINqrJLrRacOk9x XB0fDUnXU5powFXDhCwa"),  # Rachel, Aria, Charlotte
        ("female", "Xb7hH8MSUJpSbSDYk0k2 hpp4J3VqNfWAUOO0d1Us cgSgspJ2msm6clMCkdW9"),  # Alice, Bella, Jessica
        ("female", "FGY2WhTYpPnrIDTdsKH5 pFZP5JQG7iQjIQuC4Bku XrExE9yKIg1WjnnlVkGX"),  # Laura, Lily, Matilda
        ("female", "EXAVITQu4vr4xnSDxMaL AZnzlk1XvdvUeBnXmlld MF3mGyEYCl7XYWbV9V6O"),  # Sarah; Domi, Elli
        ("male", "pNInz6obpgDQGcFmaJgB pqHfZKP75CvOlQylNhV4 nPczCjzI2devNBz1zQrb"),  # Adam, Bill, Brian
        ("male", "N2lVS1w4EtoT3dr4eOWO IKne3meq5aSn9XLyUdCD iP95p4xoKVk53GoZ742B"),  # Callum, Charlie, Chris
        ("male", "onwK4e9ZLuTAKqWW03F9 cjVigY5qzO86Huf0OWal JBFqnCBsd6RMkjVDRZzb"),  # Daniel, Eric, George
        ("male", "SOYHLrjzK2X1ezoPC6cr TX3LPaxmHKxFdv7VOQHJ CwhRBWXzGAHq8TQ4Fs17"),  # Harry, Liam, Roger
        ("male", "bIHbv24MWmeRgasZH58o ErXwobaYiN019PkySvjV TxGEqnHWrfWFTfGW9XjX"),  # Will; Antoni, Josh
        ("male", "VR6AewLTigWG4xSOukaG yoZ06aMxZJJ28mfd3POQ"),  # Arnold, Sam
    ],
)
def test_a_premade_voice_keeps_its_gender(gender: str, ids: str) -> None:
    assert {OPENAI_VOICES[PREMADE[each]] for each in ids.split()} == {gender}


# --- bounds and strangers --------------------------------------------------------------------------------------------


def test_contexts_are_bounded_those_that_close_included() -> None:
    target = multi(max_contexts=2)
    tell(target, "One. ", context_id="a", flush=True)
    tell(target, context_id="a", close_context=True)
    tell(target, " ", context_id="b")
    with pytest.raises(Overloaded):
        tell(target, "Three. ", context_id="c")
    target.render(done())
    assert isinstance(tell(target, "Three. ", context_id="c")[0], Open)


def test_a_text_over_the_bound_is_refused_and_the_one_before_goes_on() -> None:
    target = multi()
    tell(target, "x" * 50, context_id="a")
    with pytest.raises(TextTooLong):
        tell(target, "x" * 11, context_id="a")
    assert tell(target, "x" * 10, context_id="a") == [Append("1", "x" * 10)]
    tell(target, context_id="a", flush=True)
    assert tell(target, context_id="a", close_context=True) == [End("1")], "no room for the last space"
    with pytest.raises(TextTooLong) as caught:
        tell(target, "x" * 61, context_id="b")
    assert said(target.refuse(caught.value))[0] == Cancel("2")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"context_id": 5}, "context_id"),
        ({"context_id": "x" * 257}, "context_id"),
        ({"text": []}, "text"),
        ({"flush": "yes"}, "flush"),
        ({"close_context": 1}, "close_context"),
        ({"close_socket": "now"}, "close_socket"),
        ({"voice_settings": 3}, "voice_settings"),
        ({"voice_settings": {"speed": "fast"}}, "speed"),
        ({"voice_settings": {"speed": 4.1}}, "speed"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        tell(multi(), **{"text": "Hello. ", "context_id": "a", **fields})
    assert caught.value.param == param


def _is_answer(items: list[Any]) -> bool:
    return all(
        isinstance(item, Reply | Close | Open | Append | Flush | End | Cancel | Adjust | Drain) for item in items
    )


_FIELDS = ("text", "flush", "context_id", "close_context", "close_socket", "voice_settings", "generation_config")


@given(st.booleans(), st.lists(st.text() | st.binary() | objects(*_FIELDS), max_size=6))
def test_anything_gives_actions_or_a_refusal(many: bool, messages: list[str | bytes]) -> None:
    target = multi() if many else single()
    for message in messages:
        try:
            assert _is_answer(target.receive(message))
        except SyrinxError as error:
            assert isinstance(error, InvalidRequest | Overloaded)
            assert _is_answer(target.refuse(error))


@given(
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(MESSAGES), st.integers(0, 80), st.binary(max_size=3)), max_size=12),
    st.data(),
)
def test_real_messages_bent_and_answered_in_any_order(
    many: bool, bent: list[tuple[dict[str, Any], int, bytes]], data: st.DataObject
) -> None:
    target = multi(auto_mode="true") if many else single()
    running: set[str] = set()
    for message, at, junk in bent:
        raw = json.dumps(message).encode()
        raw = raw[:at] + junk + raw[at + len(junk) :]
        try:
            actions = target.receive(raw.decode("utf-8", "surrogatepass" if at % 2 else "replace"))
        except (SyrinxError, UnicodeDecodeError) as error:
            actions = target.refuse(error) if isinstance(error, SyrinxError) else []
        running |= {action.utterance_id for action in actions if isinstance(action, Open)}
        spoken = [action for action in actions if isinstance(action, Append | End | Flush)]
        assert {action.utterance_id for action in spoken} <= running, "nothing is said in what never opened"
        if running and data.draw(st.booleans()):
            name = data.draw(st.sampled_from(sorted(running)))
            assert _is_answer(target.render(Started(name, "m", "kavya", 24_000)) + target.render(sound(name)))
            assert _is_answer(target.render(done(name)))
            running.discard(name)


def test_what_a_name_says_anew_waits_for_what_it_said_before() -> None:
    target = multi()
    lanes: list[str] = []
    for _ in range(2):
        (opened, *_) = tell(target, "Hello. ", context_id="a")
        assert isinstance(opened, Open)
        lanes.append(opened.lane)
        tell(target, context_id="a", flush=True)
        tell(target, context_id="a", close_context=True)
    assert lanes == ["a", "a"]


def test_a_close_with_a_play_head_is_an_interruption_also_of_what_was_flushed() -> None:
    target = multi()
    tell(target, "Hello. ", context_id="a")
    tell(target, context_id="a", flush=True)
    assert tell(target, context_id="a", close_context=True, played_s=0.5) == [Cancel("1", 0.5)]
    assert tell(target, context_id="a", close_context=True, played_s=0.5) == [Cancel("1", 0.5)], "and once more"
