"""Prompts, in ids and in text, and the options of a request."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import InvalidRequest
from syrinx.models.orpheus.ids import TokenIds
from syrinx.models.orpheus.options import OrpheusOptions, VeenaOptions
from syrinx.models.orpheus.prompt import build_prompt, speakable
from syrinx.models.orpheus.sampling import Sampling, request_schema, sampling_of
from syrinx.models.orpheus.speakers import EMOTIONS, ORPHEUS, VEENA
from syrinx.models.registry import MODELS

IDS = TokenIds()


def encode(text: str) -> list[int]:
    return list(text.encode())


def test_orpheus_prompt() -> None:
    prompt = build_prompt("orpheus", "tara", "Hello", IDS, encode)
    assert prompt.ids == (128259, 128000, *b"tara: Hello", 128009, 128260, 128261, 128257)
    said = "<custom_token_3><|begin_of_text|>tara: Hello<|eot_id|><custom_token_4><custom_token_5><custom_token_1>"
    assert prompt.text == said


def test_veena_prompt() -> None:
    prompt = build_prompt("veena", "kavya", "नमस्ते", IDS, encode)
    assert prompt.ids == (128259, *"<spk_kavya> नमस्ते".encode(), 128260, 128261, 128257)
    assert build_prompt("veena", "kavya", "x", IDS).ids == ()


@pytest.mark.parametrize(
    "text",
    [
        "a<|eot_id|>b",
        "a<custom_token_2>b",
        "a<spk_vinaya>b",
        "<|eot_<|x|>id|>",
        "<custom_<spk_a>token_2>",
        "\ud800\x00",
    ],
)
def test_a_text_cannot_end_its_turn_or_take_another_voice(text: str) -> None:
    said = speakable(text)
    assert not re.search(r"<\||custom_token_\d+>|<spk_", said)
    said.encode()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_emotions_reach_orpheus_untouched(emotion: str) -> None:
    assert speakable(f"Well <{emotion}> yes") == f"Well <{emotion}> yes"
    assert re.fullmatch(ORPHEUS.verbatim, f"<{emotion}>")


@given(st.text())
def test_any_text_can_be_written_as_utf_8(text: str) -> None:
    speakable(text).encode()


def test_4_08_all_speakers_are_there() -> None:
    assert [v.id for v in ORPHEUS.voices] == ["tara", "leah", "jess", "leo", "dan", "mia", "zac", "zoe"]
    assert [v.id for v in VEENA.voices] == ["kavya", "agastya", "maitri", "vinaya"]


def test_4_07_sampling_is_an_option_and_each_models_own() -> None:
    assert OrpheusOptions().sampling == Sampling(0.6, 0.9, 1.1)
    assert VeenaOptions().sampling == Sampling(0.4, 0.9, 1.05)
    assert VeenaOptions(temperature=1.0, gpu_memory_share=0.3).sampling.temperature == 1.0
    for name in ("orpheus", "veena"):
        share = MODELS[name].options_schema()["properties"]["gpu_memory_share"]
        assert share["maximum"] == 1 and share["exclusiveMinimum"] == 0
    assert request_schema(Sampling(0.4))["properties"]["temperature"]["default"] == 0.4


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 2.5), ("temperature", "hot"), ("top_p", 0.0), ("repetition_penalty", 0.5), ("max_tokens", -1)],
)
def test_4_07_a_request_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sampling_of("orpheus", {name: value}, Sampling())
    assert caught.value.param == name


def test_4_07_what_a_request_does_not_say_is_as_configured() -> None:
    assert sampling_of("veena", {"top_p": 0.5}, Sampling(0.4, 0.9, 1.05)) == Sampling(0.4, 0.5, 1.05)


def test_ids_are_configured_and_not_worked_out() -> None:
    ids = OrpheusOptions(audio_base_id=270, stop_token_ids=(262,)).ids
    assert (ids.audio_base, ids.audio_end, ids.stops) == (270, 270 + 28_672, (262,))
    assert IDS.highest == 128266 + 28_671
