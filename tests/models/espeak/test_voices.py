from __future__ import annotations

import pytest

from syrinx.models.base import VoiceVariant
from syrinx.models.espeak.binding import RawVoice
from syrinx.models.espeak.voices import bcp47, voice_table

RAW = (
    RawVoice("Cantonese", "sit/yue", ("yue", "zh-yue"), 1),
    RawVoice("Cantonese (Jyutping)", "sit/yue-Latn-jyutping", ("yue", "zh-yue"), 1),
    RawVoice("English (America)", "gmw/en-US", ("en-us", "en"), 1),
    RawVoice("Faroese", "gmq/fo", ("fo",), 1),
    RawVoice("German", "gmw/de", ("de",), 0),
)
VARIANTS = (RawVoice("Alicia", "!v/Alicia", ("variant",), 2), RawVoice("female3", "!v/f3", ("variant",), 2))


def test_the_default_comes_first_then_its_numbered_variants_then_the_rest() -> None:
    table = voice_table(RAW, VARIANTS, unusable={"gmq/fo"})
    assert [voice.id for voice in table.voices] == ["en-us", "en-us+f3", "de", "yue", "yue-latn-jyutping"]
    assert table.voices[1].gender == "female" and table.voices[1].languages == ("en-US", "en")
    assert table.voices[2].gender == ""


def test_every_variant_is_offered_as_data() -> None:
    assert voice_table(RAW, VARIANTS).variants == (
        VoiceVariant("+Alicia", "Alicia", "female"),
        VoiceVariant("+f3", "female3", "female"),
    )


@pytest.mark.parametrize(
    ("voice_id", "native"),
    [("en-us", "gmw/en-US"), ("de+f3", "gmw/de+f3"), ("yue-latn-jyutping+Alicia", "sit/yue-Latn-jyutping+Alicia")],
)
def test_the_library_knows_each_by_its_file(voice_id: str, native: str) -> None:
    assert voice_table(RAW, VARIANTS).native_name(voice_id) == native


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en-us", "en-US"),
        ("fa-latn", "fa-Latn"),
        ("es-419", "es-419"),
        ("en-gb-x-rp", "en-GB-x-rp"),
        ("zh-cmn", "zh-cmn"),
        ("chr-us-qaaa-x-west", "chr-US-Qaaa-x-west"),
    ],
)
def test_tags_are_written_in_their_usual_case(tag: str, written: str) -> None:
    assert bcp47(tag) == written
