"""The sidecar's names for models. Pure."""

from __future__ import annotations

from pathlib import Path

import pytest

from syrinx.core.errors import ModelNotFound
from syrinx.models.fetch import KYUTAI, QWEN_BASE, Places
from syrinx.models.installed import Installed
from syrinx.protocols.voicereader.requests import Activate
from syrinx.server.voicereader.backends import (
    BACKENDS,
    KNOWN,
    active_id,
    device_of,
    known,
    named_by,
    options_in,
    what_auto_tried,
    why_not,
)


def test_every_backend_has_a_model_that_is_known() -> None:
    assert set(BACKENDS.values()) == {"auto", *KNOWN}
    assert {entry.backend for entry in KNOWN.values()} == {"kyutai_pocket_tts", "qwen_custom_voice", "espeak", "mock"}
    assert known("other").backend == "other" == active_id("other", {}, Installed(Places(Path("nowhere"))))


def test_what_is_active_and_where(tmp_path: Path) -> None:
    here = Installed(Places(tmp_path))
    assert active_id("qwen", {}, here) == "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice"
    assert active_id("pocket", {"weights": "kyutai/other"}, here) == "kyutai/other"
    (tmp_path / "models" / KYUTAI).mkdir(parents=True)
    (tmp_path / "models" / KYUTAI / "tts_b6369a24.safetensors").touch()
    assert active_id("pocket", {}, here) == KYUTAI, "what would be loaded"
    assert active_id("tone", {}, here) == "tone"
    assert device_of({}) == "cpu"
    assert device_of({"device": "cuda:0"}) == "cuda"


def test_what_auto_tried_names_both_with_reasons(tmp_path: Path) -> None:
    here = Installed(Places(tmp_path))
    told = what_auto_tried(here)
    for name in ("pocket", "qwen"):
        reason = why_not(name, here)
        assert reason is None or reason.rstrip(".") in told
    assert told.index("Kyutai") < told.index("Qwen")
    assert why_not("tone", here) is None


@pytest.mark.parametrize(
    ("wanted", "model"),
    [
        (Activate(), "now"),
        (Activate(synth_backend="mock"), "tone"),
        (Activate(synth_backend="qwen", active_model_id="x"), "qwen"),
        (Activate(synth_backend="auto"), "auto"),
        (Activate(active_model_id="qwen/qwen3-tts-12hz-0.6b-customvoice"), "qwen"),
        (Activate(active_model_id="kyutai-pocket-tts-ungated"), "pocket"),
        (Activate(active_model_id="tone"), "tone"),
    ],
)
def test_which_model_is_meant(wanted: Activate, model: str) -> None:
    assert named_by(wanted, "now") == model


def test_unknown_models() -> None:
    with pytest.raises(ModelNotFound):
        named_by(Activate(active_model_id="no such"), "now")


def test_options() -> None:
    assert options_in(Activate()) == {}
    found = options_in(Activate(qwen_dtype="float32", qwen_device_map="cpu", kyutai_voice_prompt="alba"))
    assert found == {"qwen": {"device": "cpu", "dtype": "float32"}, "pocket": {"voice": "alba"}}
    found = options_in(Activate(active_model_id="Qwen3-TTS-12Hz-0.6B-Base", qwen_default_speaker="Vivian"))
    assert found == {"qwen": {"weights": QWEN_BASE, "speaker": "Vivian"}}
