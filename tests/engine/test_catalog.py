"""Names to models and voices."""

import pytest

from syrinx.core.errors import ModelNotFound, ModelNotReady, VoiceNotFound
from syrinx.engine.catalog import Catalog
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.voices.aliases import OPENAI_VOICES, VoiceDefaults
from syrinx.workers.host import HostState, HostStatus
from tests.fakes.host import INFO, FakeHost

OTHER = ModelInfo(
    name="other",
    title="Other",
    sample_rate=16000,
    voices=(VoiceInfo("zoe", "Zoe", ("fr",), "female"),),
    default_voice="zoe",
    licence="MIT",
)


def catalog(**defaults: str) -> Catalog:
    return Catalog([FakeHost(), FakeHost(info=OTHER)], VoiceDefaults(**defaults), {})


@pytest.mark.parametrize(
    "model", [None, "", "auto", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15"]
)
def test_generic_names_mean_the_default_model(model: str | None) -> None:
    assert catalog().resolve(model, None).model == INFO.name


@pytest.mark.parametrize("voice", OPENAI_VOICES)
def test_every_openai_voice_speaks_with_a_voice_of_its_gender(voice: str) -> None:
    assert catalog().resolve(None, voice).voice == {"female": "ann", "male": "bob"}[OPENAI_VOICES[voice]]


@pytest.mark.parametrize(("name", "voice"), [("female", "ann"), ("FEMALE", "ann"), ("Male", "bob"), (None, "ann")])
def test_1_07_plain_names_in_any_case(name: str | None, voice: str) -> None:
    assert catalog().resolve(None, name).voice == voice


def test_1_07_the_operator_chooses_what_the_plain_names_mean() -> None:
    assert catalog(female="bob").resolve(None, "female").voice == "bob"


def test_a_voice_alone_may_name_its_model() -> None:
    choice = catalog().resolve(None, "zoe")
    assert (choice.model, choice.voice) == ("other", "zoe")


def test_unknown_names_are_refused_and_the_message_names_them() -> None:
    with pytest.raises(ModelNotFound, match="'ghost'"):
        catalog().resolve("ghost", None)
    with pytest.raises(VoiceNotFound, match="'ghost'"):
        catalog().resolve(None, "ghost")
    with pytest.raises(VoiceNotFound):
        catalog().resolve("other", "ann")


def test_a_model_that_never_loaded_or_failed_is_not_ready() -> None:
    host = FakeHost()
    host.info = None
    with pytest.raises(ModelNotReady, match="loading"):
        Catalog([host], VoiceDefaults(), {}).resolve(None, None)
    host.status = HostStatus(HostState.FAILED, "no such file")
    with pytest.raises(ModelNotReady, match="no such file"):
        Catalog([host], VoiceDefaults(), {}).resolve(None, None)


def test_without_a_gender_the_aliases_still_give_distinct_voices() -> None:
    voices = tuple(VoiceInfo(f"v{n}", f"V{n}", ("en",)) for n in range(3))
    info = ModelInfo("plain", "Plain", 24000, voices, "v0", "MIT")
    resolved = {Catalog([FakeHost(info=info)], VoiceDefaults(), {}).resolve(None, name).voice for name in OPENAI_VOICES}
    assert resolved == {"v0", "v1", "v2"}
