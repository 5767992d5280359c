"""One frozen ``Settings``, read once at start from defaults, a TOML file, the environment and flags, in that order.

Every field ``x`` is set by ``SYRINX_X``, by ``x = ...`` in the file, and, where ``founding.ALIASES`` says so, by the
variable of a founding system. An unknown ``SYRINX_*`` name or a value out of range raises ``ConfigError`` naming it.
"""

from __future__ import annotations

import json
import os
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

from syrinx.core.errors import ConfigError
from syrinx.founding import ALIASES, Alias

PREFIX = "SYRINX_"


class Settings(BaseModel):
    """Every knob, with its unit and range. Immutable; each part is handed only the fields it needs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # where and who
    host: str = Field(default="127.0.0.1", description="Address to listen on; anything but loopback needs a key")
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port; 0 picks a free one")
    wyoming: str = Field(
        default="",
        pattern=r"^(tcp://.+:\d+|unix:.+)?$",
        description="Where Wyoming (Home Assistant) is spoken: tcp://127.0.0.1:10200 or unix:PATH; empty: nowhere",
    )
    wyoming_clients: tuple[str, ...] = Field(
        default=(), description="Networks that may connect there beside this machine, as 192.168.1.0/24; it has no keys"
    )
    wyoming_announce: bool = Field(
        default=False, description="Tell the local network of it (multicast DNS), for Home Assistant; extra zeroconf"
    )
    data_dir: Path = Field(default=Path(".data"), description="Folder of voices, models, caches and logs")
    api_key: str = Field(default="", repr=False, description="Key that clients must send; empty: open (loopback only)")
    api_key_file: Path | None = Field(default=None, description="File with one key a line")
    public_lists: bool = Field(
        default=True, description="Voice and model lists answer without a key (Open WebUI asks so)"
    )
    cors_origins: tuple[str, ...] = Field(
        default=(), description="Web origins that may call beside the server's own and loopback ones; '*' for any"
    )
    allowed_hosts: tuple[str, ...] = Field(default=(), description="Host names accepted beside loopback; '*' for any")
    management: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Sidecar: clients may quit the server, change its model and fetch others; "
        "auto: where it listens on loopback only and no proxy says that it asks for another",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Lowest level logged")
    drain_timeout_s: float = Field(
        default=20.0, ge=0, le=3600, description="Longest wait for running speech on SIGTERM"
    )

    # models
    models: tuple[str, ...] = Field(
        default=("auto",), min_length=1, description="Models to serve, the first is the default; 'auto' chooses"
    )
    model_options: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Options by model name")
    step_timeout_s: float = Field(default=30.0, gt=0, le=3600, description="A model step longer than this is a hang")
    load_timeout_s: float = Field(default=600.0, gt=0, le=7200, description="Longest time a model may take to load")
    workers: int = Field(default=1, ge=1, le=64, description="Processes per model")
    hub_cache_dir: Path | None = Field(
        default=None, description="Where downloads of models are kept; none: hf-cache under the data folder"
    )
    torch_index: str = Field(
        default="",
        description="Package index with the build of torch that fits this machine, as PyTorch's own selector names it; "
        "empty: pip's",
    )
    warmup_on_startup: bool = Field(default=True, description="Speak a throwaway text once the default model is loaded")
    warmup_text: str = Field(
        default="Engine warmup sentence.", min_length=1, max_length=1000, description="What a warm-up speaks"
    )
    warmup_language: str = Field(default="auto", description="Its language, a tag such as 'en'; auto: the voice's own")

    # voices
    max_voices: int = Field(default=1000, ge=0, description="Cloned voices that may be kept")
    max_reference_bytes: int = Field(
        default=16_000_000, ge=1000, description="Longest recording of a voice to clone, as a file"
    )
    reference_folders: tuple[Path, ...] = Field(
        default=(), description="Folders whose recordings a client may name by path; empty: none"
    )

    # text
    max_text_chars: int = Field(default=200_000, ge=1, le=10_000_000, description="Longest text of one utterance")
    max_utterance_words: int = Field(
        default=150, ge=0, description="Longest Realtime-style response.create, words; 0: none"
    )
    first_segment_max_words: int = Field(default=2, ge=0, description="Cut the first piece from this word on; 0: off")
    first_segment_boundaries: str = Field(default=".,?!;:", description="Characters that end a clause")
    first_segment_require_boundary: bool = Field(
        default=True, description="Cut only at a boundary; off: at 4 words more at the latest"
    )
    flush_idle_ms: int = Field(
        default=160, ge=0, le=60_000, description="Speak what is buffered after this silence; 0: never"
    )

    # what is kept
    database_url: str = Field(
        default="", repr=False, description="Where jobs are recorded, a URL; empty: syrinx.db under the data folder"
    )
    job_history_days: float = Field(
        default=30, ge=0, description="How long a job's figures are kept, in days; 0: none are recorded"
    )
    job_history_rows: int = Field(default=200_000, ge=1, description="... and how many jobs' at the most")
    response_cache: Literal["auto", "all", "off"] = Field(
        default="auto", description="Keep audio: auto leaves out models that never say a thing twice the same way"
    )
    response_cache_bytes: int = Field(
        default=64_000_000, ge=0, description="Most audio kept, on disk; the longest unused goes first; 0: none"
    )
    history_bytes: int = Field(
        default=64_000_000, ge=100_000, description="Sidecar: audio kept for late subscribers, all jobs together"
    )
    history_s: float = Field(default=600.0, ge=1, description="Sidecar: how long a finished job is kept")

    # admission
    profile: Literal["latency", "throughput"] = Field(
        default="latency", description="Speak at once in small pieces, or make long pieces for files at full speed"
    )
    max_concurrent_jobs: int = Field(default=256, ge=1, description="Utterances that run at once, per model")
    max_queued_requests: int = Field(default=256, ge=0, description="Utterances that may wait, per model")
    queue_wait_sla_ms: int = Field(
        default=2000,
        ge=0,
        description="Refuse when the expected wait is longer; let in whom a head start so long keeps from hearing gaps",
    )
    when_busy: Literal["wait", "share"] = Field(
        default="wait",
        description="More listeners than the model carries: the others wait, so that none hears a gap, or all begin at "
        "once and share what there is",
    )
    avg_job_wall_ms: int = Field(default=2500, ge=1, description="Assumed time of an utterance before any was measured")
    max_pending_per_connection: int = Field(default=128, ge=1, description="Utterances one connection may have waiting")
    max_connections: int = Field(default=1000, ge=1, description="Open WebSocket connections; as many Wyoming ones")
    sched_quantum_bytes: int = Field(
        default=16384, ge=1, description="Share of bulk work, in bytes of 16-bit audio a turn"
    )
    priority_quantum_bytes: int = Field(
        default=2048, ge=1, description="Share of interactive work beyond its need, likewise"
    )
    target_ttfa_ms: int = Field(
        default=200, ge=0, description="A new utterance is due this long after it was asked for"
    )
    max_lead_s: float = Field(
        default=30.0, ge=0, description="Make no more than this ahead of the listener; 0: no limit"
    )

    # sockets and bodies
    max_body_bytes: int = Field(default=2_000_000, ge=1000, description="Longest HTTP body")
    max_message_bytes: int = Field(default=4_194_304, ge=1000, description="Longest WebSocket message")
    http_send_timeout: float = Field(
        default=120.0, gt=0, description="Drop an HTTP reader that takes nothing for this long, s"
    )
    ws_send_timeout: float = Field(
        default=3.0, gt=0, description="Drop a WebSocket reader that takes nothing for this long, s"
    )
    ws_long_send_log_ms: int = Field(default=250, ge=0, description="Log a WebSocket send that takes longer")
    stream_chunk_seconds: float = Field(default=0.04, gt=0, le=10, description="Length of one audio frame")
    ws_first_chunk_immediate: bool = Field(default=True, description="Send the first frame at once, alone")
    ws_buffer_bytes: int = Field(
        default=16384, ge=1, description="Gather later frames into messages of about this size"
    )
    ws_flush_every: int = Field(default=16, ge=1, description="... or of this many frames")
    ws_max_latency_ms: int = Field(default=50, ge=0, description="... but hold nothing longer than this")
    chunk_tokens: int = Field(
        default=25, ge=1, le=1000, description="Chatterbox-style: length of one audio frame, in tokens of 40 ms"
    )
    prime_stream: bool = Field(default=True, description="Realtime-style: begin every response with silence")
    prime_bytes: int = Field(default=512, ge=0, le=1_000_000, multiple_of=2, description="How much of it")
    voice_female: str = Field(default="", description="Voice for 'female'; empty: the model's first female voice")
    voice_male: str = Field(default="", description="Voice for 'male'; empty: the model's first male voice")
    default_speed: float = Field(default=1.0, ge=0.25, le=4.0, description="Speed where a request names none")
    opus_bitrate: str = Field(default="48k", pattern=r"^\d+k?$", description="Opus bits per second, '48k' or '48000'")
    opus_application: Literal["audio", "voip", "lowdelay"] = Field(default="audio", description="Opus tuning")

    @field_validator("data_dir", "api_key_file", "hub_cache_dir", "reference_folders")
    @classmethod
    def _possible(cls, value: Path | tuple[Path, ...] | None) -> Path | tuple[Path, ...] | None:
        """JSON and a file can say what a command line cannot; each use of such a path would end with a traceback."""
        for path in value if isinstance(value, tuple) else (value,):
            try:
                possible = path is None or b"\0" not in os.fsencode(path)
            except UnicodeEncodeError:
                possible = False
            if not possible:
                raise ValueError("No file can have that name")
        return value


FIELDS: Mapping[str, FieldInfo] = Settings.model_fields


def read_settings(
    environ: Mapping[str, str], flags: Mapping[str, Any] | None = None, config_file: Path | None = None
) -> Settings:
    """Build the settings from ``environ``, command-line ``flags`` (field name to value) and an optional TOML file.

    Later sources win: defaults, file, founding-system aliases, ``SYRINX_*``, flags. ``SYRINX_CONFIG`` names the file if
    ``config_file`` does not. Raises ``ConfigError`` naming the offending setting and its source.
    """
    path = config_file or (Path(environ["SYRINX_CONFIG"]) if environ.get("SYRINX_CONFIG") else None)
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for source in (_from_file(path), _from_aliases(environ), _from_prefix(environ), _from_flags(flags or {})):
        for name, (value, said) in source.items():
            merges = name == "model_options" and isinstance(values.get(name), dict) and isinstance(value, dict)
            values[name], origin[name] = _merged(values[name], value) if merges else value, said
    return _build(values, origin)


def make_settings(values: Mapping[str, Any]) -> Settings:
    """Build the settings from field names and values alone; nothing else is read. Raises ``ConfigError``."""
    for name in values:
        if name not in FIELDS:
            raise ConfigError(f"There is no setting named {name!r}.{_nearest(name, FIELDS)}", param=name)
    return _build(values, {})


def _build(values: Mapping[str, Any], origin: Mapping[str, str]) -> Settings:
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, origin)) from None


Found = dict[str, tuple[Any, str]]
"""Field name to its value and the words that name where it was set."""


def _from_file(path: Path | None) -> Found:
    if path is None:
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"The config file {path} cannot be read: {error}.") from None
    for name in table:
        if name not in FIELDS:
            raise ConfigError(f"{path}: there is no setting named {name!r}.{_nearest(name, FIELDS)}")
    return {name: (value, f"{name} in {path}") for name, value in table.items()}


def _from_aliases(environ: Mapping[str, str]) -> Found:
    found: Found = {}
    for alias in ALIASES:
        text = environ.get(alias.variable, "")
        if alias.setting and text != "":
            value = _convert(alias, text)
            if alias.models:
                known = found.get(alias.setting, ({}, ""))[0]
                value = _merged(known, {model: {alias.option: value} for model in alias.models})
            found[alias.setting] = (value, alias.variable)
    return found


def _merged(known: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Options by model: what the later source says wins, option by option."""
    merged = dict(known)
    for model, options in new.items():
        merges = isinstance(merged.get(model), dict) and isinstance(options, dict)
        merged[model] = {**merged[model], **options} if merges else options
    return merged


def _convert(alias: Alias, text: str) -> Any:
    if alias.convert is None:
        return _parse(alias.setting, text, alias.variable)
    try:
        return alias.convert(text)
    except ValueError as error:
        raise ConfigError(f"{alias.variable} {error}.") from None


def _from_prefix(environ: Mapping[str, str]) -> Found:
    found: Found = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in ("SYRINX_CONFIG", *INTERNAL):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in FIELDS:
            known = [PREFIX + field.upper() for field in FIELDS]
            raise ConfigError(f"{variable}: there is no such setting.{_nearest(variable, known)}")
        found[name] = (_parse(name, text, variable), variable)
    return found


INTERNAL = ("SYRINX_WORKER_SECRET",)
"""Variables that our own processes pass to each other."""


def _from_flags(flags: Mapping[str, Any]) -> Found:
    return {name: (value, "--" + name.replace("_", "-")) for name, value in flags.items() if value is not None}


def _parse(name: str, text: str, variable: str) -> Any:
    """Turn an environment string into what the field takes: JSON for tables, commas for lists, else the text."""
    annotation = FIELDS[name].annotation
    kind = typing.get_origin(annotation)
    if kind is dict:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{variable} must be JSON: {error}.") from None
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _nearest(name: str, known: Any) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _explain(error: ValidationError, origin: Mapping[str, str]) -> str:
    lines = []
    for item in error.errors():
        name = str(item["loc"][0])
        field = FIELDS.get(name)
        about = f" ({field.description})" if field is not None and field.description else ""
        got = f", got {item['input']!r}" if field is None or field.repr else ""
        said = item["msg"].removeprefix("Value error, ")
        lines.append(f"{origin.get(name, name)}: {said}{got}{about}.")
    return "\n".join(lines)
