"""What is sent to the other server, and what of its answers' heads can be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from syrinx.core.errors import InvalidRequest, ModelFailed
from syrinx.core.types import SynthesisJob

from .options import UpstreamOptions

PCM_RATE = 24_000
"""Hertz of ``response_format: pcm`` where nothing else is asked for (OpenAI API reference, audio/createSpeech)."""
MAX_FIELD_CHARS = 4000
"""Of a text that a caller passes through."""
OF_THE_JOB = ("seed", "language")
"""Fields that every job has: sent where the upstream takes them, and no options of a request."""

_PCM_TYPES = ("audio/pcm", "audio/l16", "audio/raw", "audio/x-raw", "application/octet-stream", "binary/octet-stream")
_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the upstream's API is."""

    base: str
    """Ends in the API's path, without a slash."""

    @classmethod
    def of(cls, base_url: str) -> Address:
        """Read the option. A server's own address stands for its ``/v1``."""
        trimmed = base_url.rstrip("/")
        return cls(trimmed if urlsplit(trimmed).path else f"{trimmed}/v1")

    @property
    def host(self) -> str:
        """For people."""
        return urlsplit(self.base).netloc

    def path(self, path: str) -> str:
        return f"{self.base}/{path}"


def speech_body(options: UpstreamOptions, model: str, job: SynthesisJob) -> dict[str, Any]:
    """The JSON body of ``POST /v1/audio/speech``.

    ``stream_format`` is always said: vLLM-Omni takes ``stream`` alone to mean events, and others decide by themselves.
    """
    body: dict[str, Any] = {
        "input": job.text.encode("utf-8", "replace").decode(),  # lone surrogates are no JSON
        "voice": job.voice,
        "response_format": "pcm",
        "stream_format": options.stream_format,
    }
    if model:
        body["model"] = model
    if options.sample_rate != PCM_RATE:
        body["sample_rate"] = options.sample_rate
    if options.native_speed and job.delivery.speed != 1.0:
        body["speed"] = job.delivery.speed
    if "seed" in options.request_fields and job.seed is not None:
        body["seed"] = job.seed
    if "language" in options.request_fields:
        body["language"] = job.language
    return body | dict(job.options)


def options_schema(options: UpstreamOptions) -> dict[str, Any]:
    """JSON Schema of what a request may pass through."""
    plain = {"type": ["string", "number", "boolean"], "maxLength": MAX_FIELD_CHARS}
    text = {"type": "string", "maxLength": MAX_FIELD_CHARS, "description": "How it is to be spoken, in words"}
    names = [name for name in options.request_fields if name not in OF_THE_JOB]
    properties = {name: text if name == "instructions" else plain for name in names}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def check_options(options: Mapping[str, Any]) -> None:
    """Raises ``InvalidRequest`` naming the field that is no plain value, or too long."""
    for name, value in options.items():
        if not isinstance(value, str | bool | int | float) or (name == "instructions" and not isinstance(value, str)):
            raise InvalidRequest(f"'{name}' must be a plain value, not {type(value).__name__}.", param=name)
        if isinstance(value, str) and len(value) > MAX_FIELD_CHARS:
            raise InvalidRequest(f"'{name}' has {len(value)} characters; the limit is {MAX_FIELD_CHARS}.", param=name)


def check_media_type(content_type: str, options: UpstreamOptions) -> None:
    """Refuse an answer that is not what was asked for, before its bytes are taken for sound. Raises ``ModelFailed``."""
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    if options.stream_format == "sse":
        if kind != _EVENTS:
            raise ModelFailed(
                f"The upstream answered with {kind or 'no content type'}, not with events: set stream_format = 'audio'."
            )
        return
    if kind == _EVENTS:
        raise ModelFailed("The upstream answered with events, not with audio: set stream_format = 'sse'.")
    if kind and kind not in _PCM_TYPES:
        raise ModelFailed(f"The upstream answered with {kind[:100]}, not with PCM audio.")
    rate = re.search(r"\brate\s*=\s*(\d{1,6})\b", parameters)
    if rate is not None and int(rate.group(1)) != options.sample_rate:
        raise ModelFailed(f"The upstream sends {rate.group(1)} Hz: set sample_rate = {rate.group(1)}.")
