"""Every field has its effect or is refused with a reason that names it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from syrinx.api import TTSConfig
from syrinx.api.config import FOUNDING_MODEL, SAMPLE_RATES
from syrinx.api.plan import ENGINE_SETTINGS, reference_of, settings_of
from syrinx.audio.encode import MAX_RATE, MIN_RATE
from syrinx.config import FIELDS, Settings
from syrinx.core.errors import ConfigError, InvalidRequest, ModelNotFound, SyrinxError
from syrinx.wiring import build_engine

FOUNDING_FIELDS = (
    "model_name",
    "sample_rate",
    "device",
    "streaming",
    "chunk_size",
    "pad_length",
    "reference_audio",
    "emotion",
    "streaming_chunk_duration",
)


def test_the_founding_fields_come_first_and_in_order() -> None:
    assert tuple(field.name for field in dataclasses.fields(TTSConfig))[: len(FOUNDING_FIELDS)] == FOUNDING_FIELDS


def test_rates_are_those_of_the_audio_chain() -> None:
    assert SAMPLE_RATES == (MIN_RATE, MAX_RATE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_name", None),
        ("sample_rate", 7999),
        ("sample_rate", 48_001),
        ("sample_rate", 24_000.5),
        ("sample_rate", True),
        ("device", 0),
        ("streaming", 1),
        ("chunk_size", 0),
        ("chunk_size", 240_001),
        ("pad_length", -1),
        ("pad_length", 240_001),
        ("reference_audio", 7),
        ("emotion", "happy"),
        ("streaming_chunk_duration", 0.004),
        ("streaming_chunk_duration", 10.1),
        ("streaming_chunk_duration", math.nan),
        ("model_options", []),
        ("data_dir", 1),
        ("settings", None),
    ],
)
def test_a_wrong_value_is_refused_where_it_is_written(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=field) as raised:
        TTSConfig(**{field: value})
    assert raised.value.param == field


def test_the_founding_default_names_no_model() -> None:
    assert TTSConfig(FOUNDING_MODEL).model == TTSConfig().model == TTSConfig("").model == "auto"
    assert settings_of(TTSConfig(FOUNDING_MODEL)).models == ("auto",)


def test_chunks_by_size_or_by_duration() -> None:
    assert TTSConfig().chunk_samples == 1920
    assert TTSConfig(sample_rate=44_100).chunk_samples == 3528
    assert TTSConfig(chunk_size=512).chunk_samples == 512
    assert TTSConfig(streaming=False).chunk_samples is None


@pytest.mark.parametrize(
    ("config", "param"),
    [
        (TTSConfig("tone", device="cuda"), "device"),
        (TTSConfig("tone", model_options={"loudness": 1}), "loudness"),
        (TTSConfig("tone", model_options={"x_realtime": 0}), "x_realtime"),
        (TTSConfig("tone", settings={"port": 1}), "settings"),
        (TTSConfig("tone", settings={"models": ["tone"]}), "settings"),
        (TTSConfig("tone", settings={"nonsense": 1}), "settings"),
        (TTSConfig("tone", settings={"workers": 0}), None),
        (TTSConfig("no-such-model"), "model_name"),
    ],
)
def test_what_only_the_model_can_tell_is_refused_at_the_start(config: TTSConfig, param: str | None) -> None:
    with pytest.raises((ConfigError, ModelNotFound)) as raised:
        settings_of(config)
    assert raised.value.param == param


def test_devices_that_a_model_on_the_cpu_takes() -> None:
    for device in ("auto", "cpu"):
        assert settings_of(TTSConfig("tone", device=device)).model_options == {}


def test_options_and_settings_reach_the_engine(tmp_path: Path) -> None:
    config = TTSConfig("tone", model_options={"x_realtime": 3}, data_dir=tmp_path, settings={"workers": 2})
    settings = settings_of(config)
    assert settings.models == ("tone",)
    assert settings.model_options == {"tone": {"x_realtime": 3}}
    assert (settings.data_dir, settings.workers) == (tmp_path, 2)


def test_no_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYRINX_MODELS", "tone")
    monkeypatch.setenv("SYRINX_NONSENSE", "1")
    monkeypatch.setenv("VOICEREADER_SYNTH_BACKEND", "nonsense")
    assert settings_of(TTSConfig()).models == ("auto",)


def test_every_setting_that_is_taken_is_read_without_a_server() -> None:
    read: set[str] = set()

    class Watched(Settings):
        def __getattribute__(self, name: str) -> Any:
            read.add(name)
            return super().__getattribute__(name)

    build_engine(Watched(models=("tone",)))
    read |= {"flush_idle_ms", "warmup_on_startup"}  # by api.service
    assert set(ENGINE_SETTINGS) <= read & set(FIELDS)


@pytest.mark.parametrize("source", ["nowhere.wav", ".", "a\0b", b"x" * 11])
def test_a_recording_that_cannot_be_read_is_refused(source: str | bytes, tmp_path: Path) -> None:
    if isinstance(source, bytes):
        (tmp_path / "long.wav").write_bytes(source)
        source = str(tmp_path / "long.wav")
    with pytest.raises(InvalidRequest, match="reference_audio") as raised:
        reference_of(TTSConfig(reference_audio=source), most=10)
    assert raised.value.param == "reference_audio"


def test_errors_are_syrinx_errors() -> None:
    with pytest.raises(SyrinxError):
        TTSConfig(sample_rate=1)
