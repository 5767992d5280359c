"""One way to be spoken to, whatever the dialect: a text in, its sound as it arrives. For measuring, and for warming."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import httpx
import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, SyrinxError
from syrinx.core.types import Delivery, SpeechRequest

from .address import http_address, is_loopback, socket_address
from .events import Audio, Canceled, Completed, Refused
from .http import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, reaching, refusal, speech_body
from .link import Link, bearer, open_link
from .realtime import RealtimeSpeech
from .refusals import error_of

RATE = 24_000
"""Hertz of every dialect's sound as it is asked for here."""
CHATTERBOX_PATH = "/v1/stream/tts"
Pcm = NDArray[np.int16]
"""int16, shape (n,), mono."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Some more of it."""

    samples: Pcm


@dataclass(frozen=True, slots=True)
class Total:
    """How many samples of speech there were by the server's count, a silent primer not among them."""

    samples: int


@dataclass(frozen=True, slots=True)
class Target:
    """A server and how it is spoken to."""

    url: str
    api_key: str = ""
    voice: str | None = None
    """None: the server's own choice."""
    speed: float = 1.0
    cached: bool = False
    """Whether audio may come from the server's response cache, which would be measured instead of the model."""

    @property
    def cache(self) -> bool | None:
        """What to tell the server: None where it may do as it usually does."""
        return None if self.cached else False


class Speaker(Protocol):
    """One connection."""

    async def open(self) -> None:
        """Connect. Raises ``ModelNotReady``, ``Unauthorized``."""
        ...

    def speak(self, text: str) -> AsyncGenerator[Sound | Total, None]:
        """Speak one text after another was finished. Raises the ``SyrinxError`` that a refusal stands for."""
        ...

    async def close(self) -> None:
        """Leave. Idempotent."""
        ...


class RealtimeSpeaker:
    """``WS /v1/audio/speech/stream/ws``."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._speech = RealtimeSpeech(target.url, target.api_key, wait_s=READ_TIMEOUT_S)

    async def open(self) -> None:
        await self._speech.connect()

    async def speak(self, text: str) -> AsyncGenerator[Sound | Total, None]:
        speed = None if self._target.speed == 1.0 else self._target.speed
        response = await self._speech.create(text, voice=self._target.voice, speed=speed, cache=self._target.cache)
        async for event in self._speech:
            if isinstance(event, Audio) and event.response == response:
                yield Sound(pcm_of(event.data))
            elif isinstance(event, Completed) and event.response == response:
                yield Total(event.total_samples)
                return
            elif isinstance(event, Refused):
                raise event.error
            elif isinstance(event, Canceled):
                raise ModelFailed("The server canceled the response.")
        raise ModelNotReady(f"{self._target.url} closed the connection before it had spoken.")

    async def close(self) -> None:
        await self._speech.close()


class OpenAiSpeaker:
    """``POST /v1/audio/speech``."""

    def __init__(self, target: Target) -> None:
        self._url = http_address(target.url)
        request = SpeechRequest(voice=target.voice, delivery=Delivery(target.speed), cache=target.cache)
        self._body = speech_body("", request)
        self._http = httpx.AsyncClient(
            base_url=self._url,
            headers=bearer(target.api_key),
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=not is_loopback(self._url),
            verify=self._url.startswith("https:"),  # reading certificates takes 20 ms, for which plain HTTP has no use
        )

    async def open(self) -> None:
        """Connections are made by the first call."""

    async def speak(self, text: str) -> AsyncGenerator[Sound | Total, None]:
        body = self._body | {"input": text}
        with reaching(self._url):
            async with self._http.stream("POST", "/v1/audio/speech", json=body) as response:
                if response.is_error:
                    await response.aread()
                    raise refusal(response)
                odd = b""
                async for piece in response.aiter_bytes():
                    data = odd + piece
                    odd = data[len(data) // 2 * 2 :]
                    yield Sound(pcm_of(data[: len(data) // 2 * 2]))

    async def close(self) -> None:
        await self._http.aclose()


class ChatterboxSpeaker:
    """``WS /v1/stream/tts``."""

    def __init__(self, target: Target) -> None:
        if target.speed != 1.0:
            raise InvalidRequest("The Chatterbox dialect has no speed.", param="speed")
        self._target = target
        self._link: Link | None = None

    async def open(self) -> None:
        url = socket_address(self._target.url) + CHATTERBOX_PATH
        self._link = await open_link(url, headers=bearer(self._target.api_key))

    async def speak(self, text: str) -> AsyncGenerator[Sound | Total, None]:
        if self._link is None:
            raise ModelNotReady("Not connected: await open() first.")
        wanted = {"voice_id": self._target.voice, "cache": self._target.cache}
        given = {name: value for name, value in wanted.items() if value is not None}
        await self._link.send({"type": "synthesize", "text": text, "streaming": True, **given})
        while (message := await self._link.receive(READ_TIMEOUT_S)) is not None:
            if isinstance(message, bytes):
                yield Sound(pcm_of_floats(message))
            elif _chatterbox_ends(message):
                return
        raise ModelNotReady(f"{self._target.url} closed the connection before it had spoken.")

    async def close(self) -> None:
        if self._link is not None:
            await self._link.close()


DIALECTS: Mapping[str, type[RealtimeSpeaker] | type[OpenAiSpeaker] | type[ChatterboxSpeaker]] = MappingProxyType(
    {"realtime": RealtimeSpeaker, "openai": OpenAiSpeaker, "chatterbox": ChatterboxSpeaker}
)


def speaker(dialect: str, target: Target) -> Speaker:
    """A speaker, not connected yet. Raises ``InvalidRequest`` for a dialect or a target that is none."""
    if dialect not in DIALECTS:
        raise InvalidRequest(f"There is no dialect {dialect!r}; there are: {', '.join(DIALECTS)}.", param="dialect")
    return DIALECTS[dialect](target)


def pcm_of(data: bytes) -> Pcm:
    """16-bit little-endian PCM. Raises ``ModelFailed`` for half a sample."""
    if len(data) % 2:
        raise ModelFailed("The server sent half a sample.")
    return np.frombuffer(data, "<i2").astype(np.int16, copy=False)


def pcm_of_floats(data: bytes) -> Pcm:
    """32-bit little-endian floats. Raises ``ModelFailed`` where it is no sound."""
    if len(data) % 4:
        raise ModelFailed("The server sent part of a sample.")
    samples = np.frombuffer(data, "<f4")
    if not np.isfinite(samples).all():
        raise ModelFailed("The server sent something that is no sound.")
    return np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)


def _chatterbox_ends(message: str) -> bool:
    """Whether a message says that all was sent. Raises what an ``error`` stands for."""
    try:
        fields: Any = json.loads(message)
        kind = fields["type"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidRequest("The server sent something that is no event.", code="bad_event") from None
    if kind == "error":
        raise _chatterbox_error(fields)
    return kind == "synthesis_complete"


def _chatterbox_error(fields: Mapping[str, Any]) -> SyrinxError:
    """The first service told a message only; ours tells a code too."""
    message = str(fields.get("message") or "The server failed.")
    return error_of(str(fields["code"]), message, fields) if fields.get("code") else ModelFailed(message)
