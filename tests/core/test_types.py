"""The values that flow: frozen, small, and equal by value."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import typing

import pytest

from syrinx.core import types
from syrinx.core.types import Barge, ClientEvent, Delivery, EncodedAudio, ServerEvent, SpeechRequest

DATACLASSES = [kind for kind in vars(types).values() if inspect.isclass(kind) and dataclasses.is_dataclass(kind)]


@pytest.mark.parametrize("kind", DATACLASSES, ids=lambda kind: kind.__name__)
def test_every_value_is_frozen_and_slotted(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined] - set by the decorator, not in the stubs
    assert "__slots__" in vars(kind)


def test_enum_values_are_the_words_of_the_wire() -> None:
    kinds = [kind for kind in vars(types).values() if inspect.isclass(kind) and issubclass(kind, enum.Enum)]
    assert all(member.value == member.name.lower() for kind in kinds for member in kind)


@pytest.mark.parametrize("event", [*typing.get_args(ClientEvent), *typing.get_args(ServerEvent)])
def test_every_event_but_a_barge_names_its_utterance_first(event: type) -> None:
    names = [field.name for field in dataclasses.fields(event)]
    assert names[:1] == ["utterance_id"] or (event is Barge and not names), "a barge is about the whole session"


def test_a_request_without_fields_means_as_the_model_does_it() -> None:
    assert SpeechRequest().delivery == Delivery(speed=1.0, pitch=1.0, volume=1.0)
    assert SpeechRequest() == SpeechRequest()


def test_the_duration_of_encoded_audio_counts_samples_not_bytes() -> None:
    assert EncodedAudio(b"header", 0, 24_000, "audio/wav").duration_s == 0.0
    assert EncodedAudio(b"\0" * 960, 480, 24_000, "audio/pcm").duration_s == 0.02
