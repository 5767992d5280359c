"""Names that clients use whatever the model."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.models.base import ModelInfo, VoiceInfo, VoiceVariant
from syrinx.voices.aliases import OPENAI_VOICES, REMEMBERED, VoiceDefaults, VoiceNames, voice_for

INFO = ModelInfo(
    name="m",
    title="M",
    sample_rate=24000,
    voices=(
        VoiceInfo("eva", "Eva", ("de",), "female"),
        VoiceInfo("ann", "Ann", ("en",), "female"),
        VoiceInfo("bea", "Bea", ("en",), "female"),
        VoiceInfo("bob", "Bob", ("en",), "male"),
        VoiceInfo("echo", "Echo", ("en",)),
    ),
    default_voice="ann",
    licence="MIT",
    voice_variants=(VoiceVariant("+whisper", "whispering"),),
)
NONE = VoiceDefaults()


@pytest.mark.parametrize(("name", "voice"), [(None, "ann"), ("", "ann"), ("default", "ann"), ("bob", "bob")])
def test_no_name_means_the_default_and_an_id_means_itself(name: str | None, voice: str) -> None:
    assert voice_for(name, INFO, NONE) == voice


def test_the_models_own_ids_win_over_aliases() -> None:
    assert OPENAI_VOICES["echo"] == "male"
    assert voice_for("echo", INFO, NONE) == "echo"


def test_a_variant_of_a_voice_is_a_voice() -> None:
    assert voice_for("bob+whisper", INFO, NONE) == "bob+whisper"


def test_aliases_speak_the_default_voices_language_and_take_turns_among_its_voices() -> None:
    women = [name for name, gender in OPENAI_VOICES.items() if gender == "female"]
    found = [voice_for(name, INFO, NONE) for name in women]
    assert found == [("ann", "bea")[rank % 2] for rank in range(len(women))]


@pytest.mark.parametrize("name", ["male", "MALE", "Male"])
def test_the_operators_choice_is_the_plain_name_and_one_that_is_not_there_is_passed_over(name: str) -> None:
    assert voice_for(name, INFO, VoiceDefaults(male="eva")) == "eva"
    assert voice_for(name, INFO, VoiceDefaults(male="ghost")) == "bob"


@given(st.text(max_size=12))
def test_a_name_means_an_existing_voice_or_nothing(name: str) -> None:
    found = voice_for(name, INFO, NONE)
    assert found is None or INFO.voice(found) is not None


@given(st.lists(st.sampled_from([None, "", "alloy", "ALLOY", "bob", "bob+whisper", "male", "ghost"]), max_size=20))
def test_remembered_names_mean_what_they_mean_the_first_time(names: list[str | None]) -> None:
    table = VoiceNames(INFO, NONE)
    for name in names:
        found = table.find(name)
        assert (None if found is None else found.id) == voice_for(name, INFO, NONE)


def test_unknown_names_are_not_remembered() -> None:
    table = VoiceNames(INFO, NONE)
    for number in range(20):
        assert table.find(f"ghost {number}") is None
    assert not table._found


def test_what_is_remembered_is_bounded() -> None:
    many = replace(INFO, voices=tuple(VoiceInfo(f"v{n}", "V", ("en",)) for n in range(REMEMBERED + 9)))
    table = VoiceNames(many, NONE)
    assert all(table.find(voice.id) == voice for voice in many.voices)
    assert len(table._found) == REMEMBERED
