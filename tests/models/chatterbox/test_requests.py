"""What a request may say to which model, and in which language."""

from __future__ import annotations

import pytest

from syrinx.core.errors import ConfigError, InvalidRequest
from syrinx.models.chatterbox.languages import MULTILINGUAL, language_id
from syrinx.models.chatterbox.options import STYLES, ChatterboxOptions, MultilingualStyle, Style
from syrinx.models.options import options_schema, parse_options
from syrinx.models.registry import MODELS


def test_turbo_has_no_emotion_and_no_guidance() -> None:
    known = {name: set(options_schema(kind)["properties"]) for name, kind in STYLES.items()}
    assert {"exaggeration", "cfg_weight", "min_p"} <= known["english"] == known["multilingual"]
    assert not {"exaggeration", "cfg_weight", "min_p"} & known["turbo"]


def test_defaults_are_the_librarys() -> None:
    assert Style() == Style(exaggeration=0.5, cfg_weight=0.5, temperature=0.8, repetition_penalty=1.2, min_p=0.05)
    assert MultilingualStyle().repetition_penalty == 2.0


@pytest.mark.parametrize(
    ("name", "value"), [("exaggeration", 2.5), ("cfg_weight", -0.1), ("temperature", 0), ("top_p", 0), ("min_p", 1.5)]
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options("chatterbox", Style, {name: value})
    assert caught.value.param == name


def test_guidance_may_be_off() -> None:
    assert parse_options("chatterbox", Style, {"cfg_weight": 0}).cfg_weight == 0


@pytest.mark.parametrize(
    ("tag", "name"), [("en", "en"), ("en-GB", "en"), ("pt-BR", "pt"), ("nb", "no"), ("zh-Hant", "zh"), ("", "en")]
)
def test_a_tag_means_one_of_the_models_languages(tag: str, name: str) -> None:
    assert language_id(tag, MULTILINGUAL) == name


@pytest.mark.parametrize(("tag", "known"), [("xx", MULTILINGUAL), ("de", ("en",))])
def test_a_language_that_it_does_not_speak_is_refused(tag: str, known: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        language_id(tag, known)
    assert caught.value.param == "language" and known[0] in caught.value.message


def test_the_entry_and_its_options_need_no_library() -> None:
    entry = MODELS["chatterbox"]
    assert set(entry.languages) == set(MULTILINGUAL)
    assert set(entry.options_schema()["properties"]) >= {"weights", "variant", "watermark", "device"}
    assert ChatterboxOptions().watermark
