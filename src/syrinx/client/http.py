"""Speech over HTTP: one call, audio as it is made. Speaks the OpenAI dialect plus Syrinx's lists and health."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from syrinx.core.errors import InvalidRequest, ModelNotReady, SyrinxError, Unauthorized
from syrinx.core.types import Delivery, ServiceClass, SpeechRequest

from .address import http_address, is_loopback
from .refusals import error_of_response
from .sidecar_refusals import error_of_answer

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_TIMEOUT_S = 5.0
ACTIVATE = "/v1/models/activate"
READ_TIMEOUT_S = 60.0
"""Longest silence of the server, between two pieces of audio too."""


@dataclass(frozen=True, slots=True)
class Health:
    """What ``/readyz`` said."""

    ready: bool
    details: dict[str, Any]


class SpeechClient:
    """A connection pool to one server. Close it, or use it in a ``with`` block."""

    def __init__(
        self, url: str = DEFAULT_URL, api_key: str = "", *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """``url`` like ``http://127.0.0.1:8000``. Raises ``InvalidRequest`` if it is no address."""
        self.url = http_address(url)
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=not is_loopback(self.url),
            transport=transport,
        )

    def speech(self, text: str, request: SpeechRequest | None = None) -> Iterator[bytes]:
        """Yield ``text`` as audio in ``request.audio.container``, each piece as it arrives (default: raw 16-bit pcm).

        Closing the iterator stops the synthesis. Raises the ``SyrinxError`` that the server's refusal stands for, and
        ``ModelNotReady`` when there is no server.
        """
        body = speech_body(text, request or SpeechRequest())
        with reaching(self.url), self._http.stream("POST", "/v1/audio/speech", json=body) as response:
            if response.is_error:
                response.read()
                raise refusal(response)
            yield from response.iter_bytes()

    def voices(self, model: str | None = None) -> list[dict[str, Any]]:
        """Every voice as the server lists it (``id``, ``name``, ``languages``, ...), of one model if named."""
        return self._get("/v1/audio/voices", {"model": model} if model else {})["voices"]

    def models(self) -> list[dict[str, Any]]:
        """Every model as the server lists it (``id``, ``owned_by``, ...)."""
        return self._get("/v1/models", {})["data"]

    def activate(self, model: str, timeout_s: float) -> dict[str, Any]:
        """Make a model (or ``auto``) the one it speaks with; returns what it says of it. Loading may take minutes.

        Raises ``ModelNotReady`` for one that the server does not have or cannot load, ``Unauthorized`` where callers
        may not change the server.
        """
        body = {"synth_backend": "auto"} if model == "auto" else {"active_model_id": model}
        with reaching(self.url):
            response = self._http.post(ACTIVATE, json=body, timeout=timeout_s)
        told = json_of(response)
        if response.is_error:  # in words of the sidecar's API, which this path is of
            error = error_of_answer(response.status_code, response.headers.get("retry-after"), told, ACTIVATE)
            raise Unauthorized(error.message) if response.status_code == 403 else error
        return told or {}

    def health(self) -> Health:
        """Whether it would speak now, and what it says about itself."""
        with reaching(self.url):
            response = self._http.get("/readyz")
        return Health(response.is_success, json_of(response) or {})

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def __enter__(self) -> SpeechClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _get(self, path: str, query: dict[str, str]) -> Any:
        with reaching(self.url):
            response = self._http.get(path, params=query)
        if response.is_error:
            raise refusal(response)
        return response.json()


@contextmanager
def reaching(url: str) -> Generator[None, None, None]:
    """Raise ``ModelNotReady`` with the address where the HTTP library finds no server, or no answer in time."""
    try:
        yield
    except httpx.TimeoutException:
        raise ModelNotReady(f"The server at {url} did not answer in time.") from None
    except httpx.TransportError as error:
        raise ModelNotReady(f"No server could be reached at {url} ({error}).") from None


def speech_body(text: str, request: SpeechRequest) -> dict[str, Any]:
    """The JSON of a speech call. What is left at its default is not sent, so the server's own default holds.

    Raises ``InvalidRequest`` for options and a bitrate, which this dialect has no field for: they would be dropped
    without a word.
    """
    if request.options or request.audio.bitrate is not None:
        raise InvalidRequest("A server takes no model options and no bitrate over HTTP.")
    usual, delivery = Delivery(), request.delivery
    fields = {
        "input": text,
        "model": request.model,
        "voice": request.voice,
        "language": request.language,
        "response_format": WIRE_FORMATS.get(request.audio.container, request.audio.container),
        "sample_rate": request.audio.sample_rate,
        "speed": delivery.speed if delivery.speed != usual.speed else None,
        "pitch": delivery.pitch if delivery.pitch != usual.pitch else None,
        "volume": delivery.volume if delivery.volume != usual.volume else None,
        "service_class": "bulk" if request.service_class is ServiceClass.BULK else None,
        "seed": request.seed,
        "cache": request.cache,
    }
    return {name: value for name, value in fields.items() if value is not None}


WIRE_FORMATS = {"pcm_s16le": "pcm"}
"""Containers whose name on the wire differs from ours."""


def refusal(response: httpx.Response) -> SyrinxError:
    """The error that an answer with status >= 400, read to its end, stands for."""
    return error_of_response(response.status_code, response.headers, json_of(response))


def json_of(response: httpx.Response) -> Any:
    """Its body, or None where that is no JSON."""
    try:
        return response.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
