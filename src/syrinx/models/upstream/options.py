"""The options of the upstream model: where it is, what it is called there, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from syrinx.models.options import Range

OURS = ("model", "input", "voice", "response_format", "stream_format", "stream", "speed", "sample_rate")
"""Fields of a request that are settled here and never by a caller."""
MOST_S = 50.0
"""Below what a job may be silent for before the worker stops it (``workers.runaway``), so that the reason is told."""

FieldName = Annotated[str, Range(pattern=rf"^(?!({'|'.join(OURS)})$)[A-Za-z_][A-Za-z0-9_]{{0,63}}$")]
VoiceName = Annotated[str, Range(min_length=1, max_length=200)]
Language = Annotated[str, Range(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """How the other server is asked; ``docs/models/upstream.md`` says more."""

    base_url: Annotated[
        str,
        Range(
            pattern=r"^(https?://[^\s/@?#]+(/[^\s@?#]*)?)?$",
            description="Its address, such as http://127.0.0.1:8091/v1; without a path, /v1 is added",
        ),
    ] = ""
    model: Annotated[str, Range(max_length=200, description="Its name there; empty: the only one that it lists")] = ""
    key_file: Annotated[str, Range(description="File whose first line is the key; empty: none is sent")] = ""
    stream_format: Annotated[
        Literal["audio", "sse"], Range(description="How audio comes: as bytes, or in server-sent events")
    ] = "audio"
    sample_rate: Annotated[int, Range(ge=8000, le=48_000, description="Hertz of its PCM; asked for unless 24000")] = (
        24_000
    )
    voices: Annotated[
        tuple[VoiceName, ...], Range(description="Its voices; empty: what GET /v1/audio/voices lists")
    ] = ()
    default_voice: Annotated[str, Range(description="One of its voices; empty: the first")] = ""
    languages: Annotated[
        tuple[Language, ...], Range(min_length=1, description="Of voices whose languages it does not tell (BCP 47)")
    ] = ("en",)
    request_fields: Annotated[
        tuple[FieldName, ...], Range(description="Fields that it takes beside OpenAI's and that callers may set")
    ] = ("instructions",)
    native_speed: Annotated[bool, Range(description="Have it change the speed; else that is done here")] = False
    concurrency: Annotated[int, Range(ge=1, le=1024, description="Requests that it is sent at once")] = 16
    max_segment_chars: Annotated[int, Range(ge=100, le=4096, description="Longest text of one request")] = 300
    connect_timeout_s: Annotated[float, Range(gt=0, le=MOST_S, description="Longest wait for a connection")] = 5.0
    timeout_s: Annotated[float, Range(gt=0, le=MOST_S, description="Longest silence of an answer")] = 30.0
