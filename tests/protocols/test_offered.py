"""Voices by one name and by language."""

from __future__ import annotations

from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.offered import Listed, named, offer, speaking

EVE = VoiceInfo("eve", "Eve", ("en-US",))
FIRST = ModelInfo("first", "First", 24_000, (EVE,), "eve", "MIT")
SECOND = ModelInfo("second", "Second", 24_000, (EVE,), "eve", "MIT")
POLYGLOT = VoiceInfo("pia", "Pia", ("it", "de", "de-CH", "fr"))
VOICES = offer(
    [
        Listed("eve", EVE, FIRST, is_default=True),
        Listed("gb", VoiceInfo("gb", "Gerald", ("en-GB",)), FIRST),
        Listed("eve", EVE, SECOND),
        Listed("pia", POLYGLOT, SECOND),
        Listed("alloy", VoiceInfo("alloy", "Alloy", ("sv",)), SECOND),
    ]
)


def test_each_name_is_there_once_and_leads_back_to_its_voice() -> None:
    names = [voice.name for voice in VOICES]
    assert names == ["eve", "gb", "second/eve", "pia", "pia@de", "pia@fr", "second/alloy"]
    for name, model, language in (
        ("eve", "first", "en-US"),
        ("second/eve", "second", "en-US"),
        ("pia@de", "second", "de"),
    ):
        found = named(VOICES, name)
        assert found is not None
        request = found.request()
        assert (request.model, request.language) == (model, language)
    assert named(VOICES, "PIA") is None


def test_a_language_is_spoken_by_who_speaks_just_that_then_by_the_default() -> None:
    spoken = {
        tag: voice.name if (voice := speaking(VOICES, tag)) else None for tag in ("en", "en_gb", "de-CH", "FR", "x")
    }
    assert spoken == {"en": "eve", "en_gb": "gb", "de-CH": "pia@de", "FR": "pia@fr", "x": None}
