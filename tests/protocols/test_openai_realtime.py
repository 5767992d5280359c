"""OpenAI's Realtime API as plain values: sessions, items, responses, interruptions, every event as its SDK types it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import EmptyText, ModelFailed, ModelNotReady, Overloaded, SyrinxError
from syrinx.core.types import (
    Accepted,
    AudioFormat,
    Barge,
    Cancel,
    Failed,
    FinishReason,
    Interrupted,
    Open,
    Started,
)
from syrinx.ears.events import EarEvent, SpeechStarted, SpeechStopped
from syrinx.ears.settings import EarSettings
from syrinx.protocols.base import Action, Ask, Close, Handshake, Reply
from syrinx.protocols.openai_realtime.codec import OpenAIRealtimeCodec, OpenAIRealtimePolicy
from syrinx.protocols.openai_realtime.conversation import MAX_ITEMS
from syrinx.protocols.openai_realtime.listening import Hear
from tests.protocols.common import ANYTHING, Found, objects, said
from tests.protocols.realtime_client import MAX_CHARS, Client, Event, client, done, kinds, resolve, sound, words

# --- sessions --------------------------------------------------------------------------------------------------------


def test_a_session_begins_with_what_is_in_force() -> None:
    target = client()
    (created,) = target.check(said(target.codec.opened()))
    session = created["session"]
    assert created["type"] == "session.created" and session["id"].startswith("sess_")
    assert (session["type"], session["model"], session["output_modalities"]) == ("realtime", "gpt-realtime", ["audio"])
    pcm = {"type": "audio/pcm", "rate": 24_000}
    assert session["audio"]["output"] == {"format": pcm, "voice": "default", "speed": 1.5}
    assert session["audio"]["input"]["format"] == pcm and session["audio"]["input"]["turn_detection"] is None


def test_an_update_holds_for_what_comes_after_and_says_what_is_in_force() -> None:
    target = client()
    told = target.session(
        instructions="Whisper.",
        output_modalities=["audio"],
        audio={"output": {"format": {"type": "audio/pcmu"}, "voice": {"id": "tara"}, "speed": 0.75}},
        tools=[{"type": "function", "name": "x"}],
        tool_choice="auto",
        max_output_tokens=100,
        truncation="auto",
    )
    assert told["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "tara", "speed": 0.75}
    assert (told["instructions"], told["tools"], told["tool_choice"]) == ("Whisper.", [], "none")
    target.item("Hello.")
    request = target.create().request
    assert (request.model, request.voice, request.delivery.speed) == (None, "tara", 0.75)
    assert request.audio == AudioFormat("mulaw", 8000) and request.options == {"instructions": "Whisper."}
    assert target.session(audio={"input": {"format": {"type": "audio/pcma"}}})["audio"]["output"]["voice"] == "tara"


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"type": None}, "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"voice": "tara"}, "unknown_parameter", "session.voice"),
        ({"modalities": ["audio"]}, "unknown_parameter", "session.modalities"),
        ({"output_modalities": ["text"]}, "invalid_value", "session.output_modalities"),
        ({"audio": []}, "invalid_type", "session.audio"),
        ({"audio": {"output": {"x": 1}}}, "unknown_parameter", "session.audio.output.x"),
        ({"audio": {"output": {"voice": "nobody"}}}, "voice_not_found", "session.audio.output.voice"),
        ({"audio": {"output": {"voice": 5}}}, "invalid_request", "session.audio.output.voice"),
        ({"audio": {"output": {"speed": 9}}}, "invalid_request", "session.audio.output.speed"),
        (
            {"audio": {"output": {"format": {"type": "audio/mp3"}}}},
            "unsupported_format",
            "session.audio.output.format.type",
        ),
        (
            {"audio": {"output": {"format": {"type": "audio/pcm", "rate": 5}}}},
            "unsupported_format",
            "session.audio.output.format.rate",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}},
            "invalid_value",
            "session.audio.input.turn_detection.type",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}},
            "invalid_request",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": "1"}}}},
            "invalid_request",
            "session.audio.input.turn_detection.silence_duration_ms",
        ),
    ],
)
def test_what_is_wrong_with_a_session_is_named_and_nothing_of_it_holds(session: Event, code: str, param: str) -> None:
    target = client()
    body = {"type": "realtime", "instructions": "Shout.", **session}
    error = target.refused("session.update", session=body)
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert target.session()["instructions"] == ""


def test_a_session_update_needs_a_session() -> None:
    assert client().refused("session.update")["param"] == "session"
    assert client().refused("session.update", session="x")["code"] == "invalid_type"


@pytest.mark.parametrize(
    ("named", "meant"),
    [("gpt-realtime-mini", None), ("gpt-4o-realtime-preview", None), ("tts-1", "tts-1"), ("m", "m")],
)
def test_the_vendors_models_mean_the_default_one(named: str, meant: str | None) -> None:
    target = client({"model": named})
    target.item("Hello.")
    assert target.create().request.model == meant
    assert target.session(model="m2")["model"] == "m2"


def test_an_address_without_a_model_means_the_default_one_and_a_wrong_one_is_told_and_closed() -> None:
    def strict(model: str | None, voice: str | None) -> Found:
        if model == "nothing":
            raise SyrinxError("There is no such model.")
        return resolve(model, voice)

    assert said(client({}, resolver=strict).codec.opened())[0]["type"] == "session.created"
    target = client({"model": "nothing"}, resolver=strict)
    error, close = said(target.codec.opened())
    assert error["type"] == "error" and close == Close(1008, "There is no such model.")
    with pytest.raises(SyrinxError):
        target.tell("response.create")


# --- items -----------------------------------------------------------------------------------------------------------


def test_items_are_told_and_kept_in_the_order_asked_for() -> None:
    target = client()
    first = target.item("One.", id="a")
    assert first == {
        "id": "a",
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": "One."}],
    }
    second = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Two."}], "id": "b"}
    added, _ = target.tell("conversation.item.create", item=second)
    assert added["previous_item_id"] == "a"
    front = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Zero."}]}
    assert target.tell("conversation.item.create", item=front, previous_item_id="root")[0]["previous_item_id"] is None
    between = {**front, "content": [{"type": "input_text", "text": "Half."}]}
    assert target.tell("conversation.item.create", item=between, previous_item_id="a")[0]["previous_item_id"] == "a"
    target.create()
    assert target.text == "Zero.\nOne.\nHalf.\nTwo."


def test_items_are_retrieved_and_deleted() -> None:
    target = client()
    item = target.item("One.", id="a")
    assert target.tell("conversation.item.retrieve", item_id="a")[0]["item"] == item
    target.item("Two.")
    (deleted,) = target.tell("conversation.item.delete", item_id="a")
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", "a")
    for verb in ("retrieve", "delete", "truncate"):
        error = target.refused(f"conversation.item.{verb}", item_id="a", content_index=0, audio_end_ms=0)
        assert (error["code"], error["param"]) == (f"item_{verb}_invalid_item_id", "item_id")
    target.create()
    assert target.text == "Two."


@pytest.mark.parametrize(
    ("item", "code", "param"),
    [
        (None, "missing_required_parameter", "item"),
        ([], "invalid_type", "item"),
        ({"type": "function_call_output", "output": "x"}, "invalid_value", "item.type"),
        ({"type": "message", "role": "tool", "content": []}, "invalid_value", "item.role"),
        ({"type": "message", "role": "user", "content": "Hello"}, "invalid_request", "item.content"),
        ({"type": "message", "role": "user", "content": ["Hello"]}, "invalid_request", "item.content[0].type"),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": ""}]},
            "unsupported_content_type",
            "item.content[0].type",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_text"}]},
            "missing_required_parameter",
            "item.content[0].text",
        ),
        ({"type": "message", "role": "user", "content": [], "id": "x" * 257}, "invalid_request", "item.id"),
        ({"type": "message", "role": "user", "content": [], "id": "a"}, "item_create_invalid_item_id", "item.id"),
    ],
)
def test_what_is_wrong_with_an_item_is_named(item: Any, code: str, param: str) -> None:
    target = client()
    target.item("One.", id="a")
    error = target.refused("conversation.item.create", item=item)
    assert (error["code"], error["param"]) == (code, param)


def test_a_place_that_there_is_not() -> None:
    item = {"type": "message", "role": "user", "content": []}
    error = client().refused("conversation.item.create", item=item, previous_item_id="x")
    assert error["param"] == "previous_item_id"


def test_text_and_items_that_wait_are_bounded_and_what_was_spoken_is_forgotten() -> None:
    target = client()
    target.item("x" * MAX_CHARS, id="first")
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "y"}]}
    assert target.refused("conversation.item.create", item=item)["code"] == "string_above_max_length"
    target.codec.render(done(target.create().utterance_id))
    target.item("y")
    assert target.refused("conversation.item.retrieve", item_id="first")["code"] == "item_retrieve_invalid_item_id"
    empty = {**item, "content": []}
    for _ in range(2 * MAX_ITEMS):  # nothing of these waits
        target.codec.receive(json.dumps({"type": "conversation.item.create", "item": empty}))
    target.create()
    assert target.text == "y"


def test_items_that_wait_are_no_more_than_are_kept() -> None:
    target = Client(OpenAIRealtimeCodec(Handshake(), OpenAIRealtimePolicy(), resolve))
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "y"}]}
    for _ in range(MAX_ITEMS):
        target.codec.receive(json.dumps({"type": "conversation.item.create", "item": message}))
    assert target.refused("conversation.item.create", item=message)["code"] == "rate_limit_exceeded"


# --- responses -------------------------------------------------------------------------------------------------------


def test_a_response_from_its_creation_to_its_end() -> None:
    target = client()
    name, begun = target.speak("Hello there. Bye.", metadata={"topic": "x"})
    assert kinds(begun) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
    ]
    created = begun[0]["response"]
    assert (created["id"], created["status"], created["metadata"]) == (name, "in_progress", {"topic": "x"})
    item_id = begun[1]["item"]["id"]
    place = {"response_id": name, "item_id": item_id, "output_index": 0, "content_index": 0}
    heard = target.render(words(name, (0, 5, 0.0), (6, 11, 0.3)), sound(name), words(name, (13, 16, 0.6)), sound(name))
    assert kinds(heard) == ["response.output_audio_transcript.delta", "response.output_audio.delta"] * 2
    assert all(event.items() >= place.items() for event in heard)
    assert [event["delta"] for event in heard[::2]] == ["Hello there.", " Bye."]
    assert base64.b64decode(heard[1]["delta"]) == bytes(24_000)
    ended = target.render(done(name))
    assert kinds(ended) == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert ended[1]["transcript"] == ended[2]["part"]["transcript"] == "Hello there. Bye."
    item = ended[4]["item"]
    assert item == ended[3]["item"] == target.tell("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert (item["role"], item["status"]) == ("assistant", "completed")
    assert item["content"] == [{"type": "output_audio", "transcript": "Hello there. Bye."}]
    response = ended[5]["response"]
    assert (response["status"], response["status_details"], response["output"]) == ("completed", None, [item])
    assert response["usage"]["output_token_details"] == {"text_tokens": 5, "audio_tokens": 21}
    assert target.render(sound(name), done(name)) == [], "nothing follows"


def test_words_that_no_mark_told_of_are_told_at_the_end() -> None:
    target = client()
    name, _ = target.speak("Hello there. Bye.")
    target.render(words(name, (0, 5, 0.0)), sound(name))
    rest, *_ = target.render(done(name))
    assert (rest["type"], rest["delta"]) == ("response.output_audio_transcript.delta", " there. Bye.")


def test_a_response_speaks_what_waits_and_nothing_twice() -> None:
    target = client()
    target.item("Be nice.", "system")
    target.item("Hello.")
    target.item("How are you?", "assistant")
    target.create()
    assert target.text == "Hello.\nHow are you?"
    assert target.refused("response.create")["code"] == "empty_text"
    target.item("Again.")
    target.create()
    assert target.text == "Again."


def test_a_response_speaks_its_input_and_what_that_refers_to() -> None:
    target = client()
    target.item("Hello.", id="a")
    target.item("Unasked.", id="b")
    inline = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Inline."}]}
    silent = {**inline, "role": "system"}
    reference = {"type": "item_reference", "id": "a"}
    opened = target.create(input=[inline, silent, reference], conversation="none")
    assert target.text == "Inline.\nHello."
    begun = target.render(Accepted(opened.utterance_id), Started(opened.utterance_id, "m", "kavya", 24_000))
    assert begun[0]["response"]["conversation_id"] is None and "conversation.item.added" not in kinds(begun)
    assert "conversation.item.done" not in kinds(target.render(done(opened.utterance_id)))
    target.create(input=[reference])
    assert target.text == "Hello.", "what is referred to may be spoken again"
    target.create()
    assert target.text == "Unasked."


def test_a_response_may_be_spoken_otherwise_than_the_session() -> None:
    target = client()
    target.session(instructions="Whisper.")
    target.item("Hello.")
    output = {"voice": "tara", "format": {"type": "audio/pcma"}}
    request = target.create(audio={"output": output}, instructions="Shout.").request
    assert (request.voice, request.audio) == ("tara", AudioFormat("alaw", 8000))
    assert request.options == {"instructions": "Shout."}
    target.item("Hello.")
    assert target.create(instructions="").request.options == {}
    assert target.session()["audio"]["output"]["voice"] == "default"


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        ({"modalities": ["audio"]}, "unknown_parameter", "response.modalities"),
        ({"output_modalities": ["text"]}, "invalid_value", "response.output_modalities"),
        ({"conversation": "other"}, "invalid_value", "response.conversation"),
        ({"input": "Hello."}, "invalid_request", "response.input"),
        ({"input": []}, "empty_text", "response.input"),
        ({"input": [5]}, "invalid_request", "response.input[0].type"),
        (
            {"input": [{"type": "item_reference", "id": "x"}]},
            "item_retrieve_invalid_item_id",
            "response.input[0].item_id",
        ),
        ({"audio": {"output": {"voice": "nobody"}}}, "voice_not_found", "response.audio.output.voice"),
        ({"metadata": {"a": 5}}, "invalid_request", "response.metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, "invalid_request", "response.metadata"),
    ],
)
def test_what_is_wrong_with_a_response_is_named_and_its_text_still_waits(
    response: Event, code: str, param: str
) -> None:
    target = client()
    target.item("Hello.")
    error = target.refused("response.create", response=response)
    assert (error["code"], error["param"]) == (code, param)
    target.create()
    assert target.text == "Hello."


def test_responses_wait_for_each_other_within_a_bound() -> None:
    target = client(max_pending=2)
    for _ in range(2):
        target.item("Hello.")
        target.create()
    target.item("More.")
    error = target.refused("response.create")
    assert (error["type"], error["code"]) == ("requests", "rate_limit_exceeded")
    target.codec.render(done(next(iter(target.codec._live))))
    target.create()
    assert target.text == "More."


def test_a_response_that_the_engine_refuses_is_taken_back_with_its_text() -> None:
    target = client()
    target.item("Hello.")
    name = target.create().utterance_id
    error, cancel = said(target.codec.refuse(Overloaded("Too many.", 1.0)))
    assert error["type"] == "error" and cancel == Cancel(name)
    assert target.render(Accepted(name), done(name, FinishReason.CANCELED)) == []
    target.create()
    assert target.text == "Hello."


def test_a_model_that_loads_is_waited_for() -> None:
    def loading(model: str | None, voice: str | None) -> Found:
        raise ModelNotReady("The model is loading.")

    target = client(resolver=loading)
    target.session(instructions="Whisper.")
    target.item("Hello.")
    name = target.create().utterance_id
    created, failed = target.render(Accepted(name), Failed(name, ModelNotReady("The model is loading.")))
    assert created["type"] == "response.created"
    assert failed["response"]["status"] == "failed" and failed["response"]["output"] == []
    assert failed["response"]["status_details"]["error"]["code"] == "model_not_ready"


def test_a_failure_in_mid_speech_ends_the_response_with_what_was_heard() -> None:
    target = client()
    name, _ = target.speak("Hello there. Bye.")
    target.render(words(name, (0, 5, 0.0)), sound(name))
    *_, item_done, ended = target.render(Failed(name, ModelFailed("It broke."), 12_000, 5))
    details = {"type": "failed", "error": {"type": "server_error", "code": "model_failed", "message": "It broke."}}
    response = ended["response"]
    assert (response["status"], response["status_details"]) == ("failed", details)
    assert (response["heard"], response["remaining"]) == ("Hello", " there. Bye.")
    assert item_done["item"]["status"] == "incomplete"


def test_text_with_nothing_to_say_fails_before_it_begins() -> None:
    target = client()
    target.item("🙂")
    name = target.create().utterance_id
    *_, ended = target.render(Accepted(name), Failed(name, EmptyText("Nothing.")))
    assert ended["type"] == "response.done" and ended["response"]["status_details"]["error"]["code"] == "empty_text"


# --- interruptions ---------------------------------------------------------------------------------------------------


def test_a_cancel_ends_the_response_with_what_was_heard() -> None:
    target = client()
    name, _ = target.speak("Hello there. Bye.")
    target.render(words(name, (0, 5, 0.0), (6, 11, 0.3)), sound(name))
    assert target.tell("response.cancel") == [Cancel(name)]
    ended = target.render(done(name, FinishReason.CANCELED, 5, "Hello there. Bye."))
    assert kinds(ended)[0] == "response.output_audio.done" and kinds(ended)[-1] == "response.done"
    response = ended[-1]["response"]
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert (response["spoken_until"], response["heard"], response["remaining"]) == (5, "Hello", " there. Bye.")
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["transcript"] == "Hello there.", "what was sent, as it was told"


def test_a_cancel_names_a_response_or_means_the_first_of_the_conversation() -> None:
    target = client()
    names: list[str] = []
    for where in ("none", "auto", "auto"):
        target.item("Hello.")
        names.append(target.create(conversation=where).utterance_id)
    assert target.tell("response.cancel") == [Cancel(names[1])]
    assert target.tell("response.cancel", response_id=names[0]) == [Cancel(names[0])]
    error = target.refused("response.cancel", response_id=names[0])
    assert (error["code"], error["param"]) == ("response_cancel_not_active", "response_id")
    assert target.tell("response.cancel") == [Cancel(names[2])]
    assert target.refused("response.cancel")["code"] == "response_cancel_not_active"
    ended = target.render(Accepted(names[2]), done(names[2], FinishReason.CANCELED))
    assert kinds(ended) == ["response.created", "response.done"] and ended[1]["response"]["output"] == []


def test_truncating_what_was_made_tells_what_was_heard_and_makes_the_next_one_due() -> None:
    target = client()
    name, begun = target.speak("Hello there. Bye.")
    item_id = begun[1]["item"]["id"]
    target.render(words(name, (0, 5, 0.0), (6, 11, 0.3), (13, 16, 0.6)), sound(name, 1.0), done(name))
    barge, truncated = target.tell("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=400)
    assert barge == Barge(name, 0.4)
    assert (truncated["type"], truncated["audio_end_ms"]) == ("conversation.item.truncated", 400)
    assert (truncated["heard"], truncated["remaining"]) == ("Hello there.", " Bye.")
    assert target.render(Interrupted(name, 12, "Hello there. Bye.")) == []
    (kept,) = target.tell("conversation.item.retrieve", item_id=item_id)
    assert kept["item"]["content"] == [{"type": "output_audio", "transcript": "Hello there."}]
    assert kept["item"]["status"] == "incomplete"


def test_truncating_what_is_being_spoken_stops_it() -> None:
    target = client()
    name, begun = target.speak("Hello there. Bye.")
    target.item("Next.")
    later = target.create().utterance_id
    target.render(words(name, (0, 5, 0.0), (6, 11, 0.3)), sound(name))
    item_id = begun[1]["item"]["id"]
    stop, truncated = target.tell("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=200)
    assert stop == Cancel(name, 0.2) and truncated["heard"] == "Hello"
    ended = target.render(done(name, FinishReason.CANCELED, 12, "Hello there. Bye."))[-1]["response"]
    assert (ended["status_details"]["reason"], ended["heard"]) == ("client_cancelled", "Hello")
    assert target.tell("response.cancel") == [Cancel(later)], "the one behind it goes on"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"audio_end_ms": 501}, "invalid_value", "audio_end_ms"),
        ({"audio_end_ms": -1}, "invalid_request", "audio_end_ms"),
        ({"audio_end_ms": 1.5}, "invalid_request", "audio_end_ms"),
        ({"audio_end_ms": None}, "missing_required_parameter", "audio_end_ms"),
        ({"content_index": 1}, "invalid_value", "content_index"),
        ({"item_id": "mine"}, "unsupported_content_type", "item_id"),
    ],
)
def test_what_cannot_be_truncated(fields: Event, code: str, param: str) -> None:
    target = client()
    name, begun = target.speak()
    target.render(sound(name, 0.5), done(name))
    target.item("Text.", id="mine")
    asked = {"item_id": begun[1]["item"]["id"], "content_index": 0, "audio_end_ms": 500}
    error = target.refused("conversation.item.truncate", **{**asked, **fields})
    assert (error["code"], error["param"]) == (code, param)
    assert target.tell("conversation.item.truncate", **asked)[1]["remaining"] == "", "all of it was heard"


# --- what the microphone hears ---------------------------------------------------------------------------------------


def test_audio_is_taken_and_committed_as_an_item_of_which_nothing_is_known() -> None:
    target = client()
    target.item("Hello.", id="a")
    audio = base64.b64encode(bytes(960)).decode()
    assert target.tell("input_audio_buffer.append", audio=audio) == []
    committed, added, ended = target.tell("input_audio_buffer.commit")
    assert (committed["type"], committed["previous_item_id"]) == ("input_audio_buffer.committed", "a")
    assert added["item"]["id"] == ended["item"]["id"] == committed["item_id"]
    assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    assert target.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    target.tell("input_audio_buffer.append", audio=audio)
    assert kinds(target.tell("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert target.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    target.create()
    assert target.text == "Hello."


@pytest.mark.parametrize("audio", [None, 5, "!", "AAA", "AAAAA", "AA==", "é"])
def test_what_is_no_audio_is_refused(audio: Any) -> None:
    error = client().refused("input_audio_buffer.append", audio=audio)
    assert error["param"] == "audio"


# --- hostile ---------------------------------------------------------------------------------------------------------


def test_what_is_no_message_is_refused_with_the_clients_own_id_where_it_has_one() -> None:
    target = client()
    for message in (b"{}", "[]", "{", '{"type":5}', '{"type":"response.audio"}', '{"event_id":5}'):
        with pytest.raises(SyrinxError) as caught:
            target.codec.receive(message)
        (answer,) = target.check(said(target.codec.refuse(caught.value)))
        assert answer["error"]["event_id"] is None
    assert target.refused("x")["param"] == "type"


class NervousEar:
    """Hears somebody begin and stop in everything."""

    def __init__(self, settings: EarSettings, rate: int) -> None:
        assert 8000 <= rate <= 48_000

    def hear(self, pcm: bytes) -> list[EarEvent]:
        return [SpeechStarted(0, 0), SpeechStopped(1, 1)]

    def note_played(self, pcm: bytes, rate: int) -> None:
        assert len(pcm) % 2 == 0

    def note_stopped(self) -> None:
        return None


def perform(target: Client, actions: Sequence[Action]) -> None:
    """As the server and the engine would, as far as the codec can tell."""
    for action in actions:
        if isinstance(action, Ask):
            assert isinstance(action.question, Hear)
            then = action.then(action.question.judge())
            target.check(said([each for each in then if isinstance(each, Reply)]))
            perform(target, then)
        if isinstance(action, Open):
            name = action.utterance_id
            target.render(Accepted(name), Started(name, "m", "v", 24_000), words(name, (0, 3, 0.0)), sound(name, 0.1))
        elif isinstance(action, Cancel | Barge) and action.utterance_id is not None:
            target.render(done(action.utterance_id, FinishReason.CANCELED, 3))


def feed(target: Client, message: str | bytes) -> None:
    """Total: any input gives actions that the vendor's types know, or an error."""
    try:
        actions = target.codec.receive(message)
    except SyrinxError as error:
        actions = target.codec.refuse(error)
    target.check(said([action for action in actions if isinstance(action, Reply)]))
    perform(target, actions)


MESSAGES: list[Event] = [
    {
        "type": "session.update",
        "event_id": "e",
        "session": {"type": "realtime", "audio": {"output": {"voice": "tara"}}},
    },
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {"id": "a", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]},
    },
    {"type": "conversation.item.retrieve", "item_id": "a"},
    {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 50},
    {"type": "conversation.item.delete", "item_id": "a"},
    {
        "type": "response.create",
        "response": {"input": [{"type": "item_reference", "id": "a"}], "metadata": {"a": "b"}, "conversation": "none"},
    },
    {"type": "response.create"},
    {"type": "response.cancel", "response_id": "x"},
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 0}}},
        },
    },
    {"type": "input_audio_buffer.append", "audio": "AAA="},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
]
"""What clients send."""


def _mutated(draw: st.DrawFn, value: Any) -> Any:
    if draw(st.integers(0, 9)) == 0:
        return draw(ANYTHING)
    if isinstance(value, dict):
        kept = {name: _mutated(draw, inner) for name, inner in value.items() if draw(st.integers(0, 9))}
        return {**kept, **({draw(st.text(max_size=5)): draw(ANYTHING)} if draw(st.integers(0, 9)) == 0 else {})}
    return [_mutated(draw, inner) for inner in value] if isinstance(value, list) else value


@st.composite
def conversations(draw: st.DrawFn) -> list[str]:
    """Real messages in any order, some of them with something else in some places."""
    return [json.dumps(_mutated(draw, draw(st.sampled_from(MESSAGES)))) for _ in range(draw(st.integers(1, 12)))]


@given(conversations())
def test_any_conversation_of_damaged_messages_is_answered(messages: list[str]) -> None:
    target = client(make_ear=NervousEar)
    for message in messages:
        feed(target, message)
    assert isinstance(target.session(), dict), "it is usable"


@given(st.lists(st.binary(max_size=200) | st.text(max_size=200), max_size=5))
def test_any_bytes_are_answered(messages: list[str | bytes]) -> None:
    target = client(make_ear=NervousEar)
    for message in messages:
        feed(target, message)


@given(st.lists(objects("type", "event_id", "session", "item", "response", "item_id", "audio"), max_size=5))
def test_any_objects_are_answered(messages: list[str]) -> None:
    target = client(make_ear=NervousEar)
    for message in messages:
        feed(target, message)
