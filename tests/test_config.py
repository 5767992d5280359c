"""Settings: where they come from, who wins, and what is said when one is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syrinx.config import FIELDS, INTERNAL, Settings, make_settings, read_settings
from syrinx.core.errors import ConfigError
from syrinx.founding import ALIASES, SYSTEMS, Alias
from syrinx.wiring import check_model_options

SETTING = [alias for alias in ALIASES if alias.setting and not alias.models]
OPTIONS = [alias for alias in ALIASES if alias.models]


def test_without_any_source_the_defaults_hold() -> None:
    assert read_settings({}) == Settings()


def test_later_sources_win_over_earlier_ones(tmp_path: Path) -> None:
    file = tmp_path / "syrinx.toml"
    file.write_text("queue_wait_sla_ms = 1\n", encoding="utf-8")
    environ: dict[str, str] = {}
    assert read_settings(environ, config_file=file).queue_wait_sla_ms == 1
    environ["QUEUE_WAIT_SLA_MS"] = "2"
    assert read_settings(environ, config_file=file).queue_wait_sla_ms == 2
    environ["SYRINX_QUEUE_WAIT_SLA_MS"] = "3"
    assert read_settings(environ, config_file=file).queue_wait_sla_ms == 3
    assert read_settings(environ, {"queue_wait_sla_ms": 4}, file).queue_wait_sla_ms == 4


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert read_settings({"SYRINX_PORT": "9000"}, {"port": None}).port == 9000


SAMPLES: dict[str, tuple[str, Any]] = {
    "api_key": ("secret", "secret"),
    "log_level": ("ERROR", "ERROR"),
    "voice_female": ("en+f2", "en+f2"),
    "voice_male": ("en", "en"),
    "default_speed": ("1.5", 1.5),
    "stream_chunk_seconds": ("0.02", 0.02),
    "first_segment_boundaries": (".?!", ".?!"),
    "first_segment_require_boundary": ("0", False),
    "prime_stream": ("0", False),
    "ws_first_chunk_immediate": ("0", False),
    "ws_send_timeout": ("4.5", 4.5),
    "opus_bitrate": ("32k", "32k"),
    "opus_application": ("voip", "voip"),
    "models": ("mock", ("tone",)),
    "warmup_on_startup": ("off", False),
    "warmup_text": ("One two.", "One two."),
    "warmup_language": ("de", "de"),
    "hub_cache_dir": ("cache", Path("cache")),
}
"""A value per aliased field that is not a plain number, and none of them the default."""


@pytest.mark.parametrize("alias", SETTING, ids=lambda alias: alias.variable)
def test_every_alias_reaches_its_field(alias: Alias) -> None:
    text, value = SAMPLES.get(alias.setting, ("122", 122))
    assert getattr(Settings(), alias.setting) != value
    assert getattr(read_settings({alias.variable: text}), alias.setting) == value


OPTION_SAMPLES = {
    "temperature": ("0.7", 0.7),
    "top_p": ("0.8", 0.8),
    "repetition_penalty": ("1.2", 1.2),
    "stop_token_ids": ("[7, 8]", [7, 8]),
    "device": ("cpu", "cpu"),
    "dtype": ("torch.bfloat16", "bfloat16"),
    "attention": ("sdpa", "sdpa"),
}


@pytest.mark.parametrize("alias", OPTIONS, ids=lambda alias: alias.variable)
def test_every_alias_of_a_models_option_reaches_it(alias: Alias) -> None:
    text, value = OPTION_SAMPLES.get(alias.option, ("some", "some"))
    settings = read_settings({alias.variable: text})
    assert settings.model_options == {model: {alias.option: value} for model in alias.models}
    check_model_options(settings)


def test_options_of_a_model_come_together_and_our_own_variable_wins() -> None:
    said = {"TEMPERATURE": "0.7", "TOP_P": "0.8", "SYRINX_MODEL_OPTIONS": '{"veena": {"temperature": 0.5}, "tone": {}}'}
    assert read_settings(said).model_options == {
        "orpheus": {"temperature": 0.7, "top_p": 0.8},
        "veena": {"temperature": 0.5, "top_p": 0.8},
        "tone": {},
    }


@pytest.mark.parametrize("said", [{"TOP_P": "x"}, {"TEMPERATURE": "nan"}, {"STOP_TOKEN_IDS": "1;2"}])
def test_an_option_that_cannot_be_read_is_told_by_its_variable(said: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(said))):
        read_settings(said)


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.variable)
def test_every_variable_of_a_founding_system_has_an_effect_or_a_reason(alias: Alias) -> None:
    assert alias.system in SYSTEMS
    if alias.setting:
        assert alias.setting in FIELDS
    else:
        assert alias.why.endswith("."), "a full sentence says why it sets nothing"
        assert read_settings({alias.variable: "1"}) == Settings()


def test_no_variable_stands_twice_in_the_table() -> None:
    names = [alias.variable for alias in ALIASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("backend", "model"), [("auto", "auto"), ("kyutai", "pocket"), ("qwen", "qwen"), (" Mock ", "tone")]
)
def test_the_sidecars_backends_mean_models(backend: str, model: str) -> None:
    assert read_settings({"VOICEREADER_SYNTH_BACKEND": backend}).models == (model,)


def test_a_backend_that_the_sidecar_never_had_is_refused_by_its_variables_name() -> None:
    with pytest.raises(ConfigError, match=r"VOICEREADER_SYNTH_BACKEND must be one of auto, kyutai, qwen, mock"):
        read_settings({"VOICEREADER_SYNTH_BACKEND": "coqui"})


def test_an_empty_alias_counts_as_not_set() -> None:
    assert read_settings({"QUEUE_MAXSIZE": ""}) == Settings()


def test_other_peoples_variables_are_left_alone() -> None:
    assert read_settings({"PATH": "/bin", "HOST": "box", "PORT": "1"}) == Settings()


@pytest.mark.parametrize(
    ("variable", "hint"), [("SYRINX_PROT", "SYRINX_PORT"), ("SYRINX_MODEL", "SYRINX_MODELS"), ("SYRINX_ZZZZZZ", "")]
)
def test_an_unknown_variable_is_named_and_the_nearest_offered(variable: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=variable) as raised:
        read_settings({variable: "1"})
    assert ("Did you mean" in str(raised.value)) == bool(hint)
    assert hint in str(raised.value)


def test_variables_between_our_own_processes_are_not_settings() -> None:
    assert read_settings(dict.fromkeys(INTERNAL, "x")) == Settings()


def test_an_unknown_name_in_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "syrinx.toml"
    file.write_text("prot = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"syrinx\.toml.*'prot'.*Did you mean port"):
        read_settings({}, config_file=file)


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.toml cannot be read"):
        read_settings({"SYRINX_CONFIG": str(file)})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml cannot be read"):
        read_settings({}, config_file=tmp_path / "absent.toml")


def test_a_file_may_hold_tables_and_lists(tmp_path: Path) -> None:
    file = tmp_path / "syrinx.toml"
    file.write_text('models = ["tone", "espeak"]\n[model_options.tone]\nx_realtime = 10\n', encoding="utf-8")
    settings = read_settings({"SYRINX_CONFIG": str(file)})
    assert settings.models == ("tone", "espeak")
    assert settings.model_options == {"tone": {"x_realtime": 10}}


def test_lists_and_tables_from_the_environment() -> None:
    options = {"tone": {"x_realtime": 10}}
    settings = read_settings({"SYRINX_MODELS": "tone, espeak,", "SYRINX_MODEL_OPTIONS": json.dumps(options)})
    assert settings.models == ("tone", "espeak")
    assert settings.model_options == options


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_a_table_that_is_not_json_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match="SYRINX_MODEL_OPTIONS must be JSON"):
        read_settings({"SYRINX_MODEL_OPTIONS": text})


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"SYRINX_PORT": "65536"}, "SYRINX_PORT"),
        ({"SYRINX_PORT": "http"}, "SYRINX_PORT"),
        ({"SYRINX_PRIME_BYTES": "511"}, "SYRINX_PRIME_BYTES"),
        ({"PRIME_BYTES": "511"}, "PRIME_BYTES"),
        ({"SYRINX_LOG_LEVEL": "LOUD"}, "SYRINX_LOG_LEVEL"),
        ({"SYRINX_DEFAULT_SPEED": "nan"}, "SYRINX_DEFAULT_SPEED"),
        ({"SYRINX_MAX_LEAD_S": "inf"}, "SYRINX_MAX_LEAD_S"),
        ({"SYRINX_HTTP_SEND_TIMEOUT": "nan"}, "SYRINX_HTTP_SEND_TIMEOUT"),
        ({"SYRINX_OPUS_BITRATE": "fast"}, "SYRINX_OPUS_BITRATE"),
        ({"SYRINX_MODELS": ""}, "SYRINX_MODELS"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_source(source: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}: "):
        read_settings(source)


def test_a_flag_out_of_range_is_named_as_the_flag() -> None:
    with pytest.raises(ConfigError, match=r"^--port: .*got 70000"):
        read_settings({}, {"port": 70_000})


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_path_that_no_file_can_have_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^--data-dir: No file can have that name"):
        read_settings({}, {"data_dir": Path(name)})
    with pytest.raises(ConfigError, match="reference_folders"):
        make_settings({"reference_folders": ["/tmp", name]})


def test_a_key_is_never_repeated_in_a_message() -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings({"SYRINX_API_KEY": "hush hush"}, {"api_key": ["hush hush"]})
    assert "hush" not in str(raised.value)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc] - the point of the test


def test_every_field_says_what_it_is_for() -> None:
    assert [name for name, field in FIELDS.items() if not field.description] == []


VARIABLES = [*("SYRINX_" + name.upper() for name in FIELDS), *(alias.variable for alias in ALIASES)]


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text()))
def test_any_environment_gives_settings_or_a_config_error(environ: dict[str, str]) -> None:
    try:
        assert isinstance(read_settings(environ), Settings)
    except ConfigError as error:
        assert str(error)
