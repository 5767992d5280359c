"""The desktop sidecar's API: jobs over HTTP, each heard on a WebSocket of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx

from syrinx.core.errors import ModelFailed, ModelNotReady

from .address import http_address, is_loopback
from .http import CONNECT_TIMEOUT_S, json_of, reaching
from .link import bearer, open_link
from .sidecar_events import TERMINAL, JobCanceled, JobEvent, parse_job_event
from .sidecar_refusals import error_of_answer

SUBPROTOCOL = "auth.bearer.v1"
"""Offered together with the token by clients that cannot set headers, such as browsers."""
DEFAULT_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """What ``/v1/speak`` takes; None and 1.0 leave the server's own."""

    text: str
    voice_id: str = "0"
    """"0": the built-in one."""
    language: str | None = None
    rate: float = 1.0
    """0.25 to 4."""
    pitch: float = 1.0
    """0.5 to 2."""
    volume: float = 1.0
    """0 to 2."""
    max_chars: int | None = None
    """Longest chunk of the text, 100 to 2000 characters."""

    def body(self) -> dict[str, Any]:
        """Its JSON."""
        chunking = {} if self.max_chars is None else {"chunking": {"max_chars": self.max_chars}}
        settings = {"rate": self.rate, "pitch": self.pitch, "volume": self.volume, **chunking}
        language = {} if self.language is None else {"language": self.language}
        return {"voice_id": self.voice_id, "text": self.text, "settings": settings, **language}


@dataclass(frozen=True, slots=True)
class Job:
    """Speech that was begun."""

    job_id: str
    ws_url: str


class Sidecar:
    """One server. Close it, or use it in an ``async with`` block."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8765",
        token: str = "",
        *,
        subprotocol_auth: bool = False,
        wait_s: float = DEFAULT_WAIT_S,
    ) -> None:
        """``wait_s``: longest wait for an answer and between two events. Raises ``InvalidRequest`` for no address."""
        self.url = http_address(url)
        self.subprotocol: str | None = None
        """What the server chose on the last socket."""
        self._token = token
        self._by_subprotocol = subprotocol_auth
        self._wait_s = wait_s
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers=bearer(token),
            timeout=httpx.Timeout(wait_s, connect=CONNECT_TIMEOUT_S),
            trust_env=not is_loopback(self.url),
            verify=self.url.startswith("https:"),  # reading certificates takes 20 ms, for which plain HTTP has no use
        )

    async def health(self) -> dict[str, Any]:
        """What runs there."""
        return await self.call("GET", "/v1/health")

    async def voices(self) -> list[dict[str, Any]]:
        """Every voice, the built-in one first."""
        return (await self.call("GET", "/v1/voices"))["voices"]

    async def speak(self, request: SpeakRequest) -> Job:
        """Begin to speak; a job that runs is superseded."""
        answer = await self.call("POST", "/v1/speak", request.body())
        return Job(str(answer["job_id"]), str(answer["ws_url"]))

    async def cancel(self, job_id: str, played_s: float | None = None) -> JobCanceled:
        """Stop a job; returns what of its text was heard. ``played_s``: seconds of its audio that were played, where
        that is known; else the server judges by what it made when.

        Raises ``InvalidRequest`` with the code ``job_not_found`` for one that does not run.
        """
        played = {} if played_s is None else {"played_s": played_s}
        answer = await self.call("POST", "/v1/cancel", {"job_id": job_id, **played})
        return JobCanceled(job_id, answer.get("heard"), answer.get("remaining"))

    async def warmup(self, *, wait: bool, force: bool, reason: str) -> dict[str, Any]:
        """Warm the model up; the answer has ``accepted`` and ``warmup``."""
        return await self.call("POST", "/v1/warmup", {"wait": wait, "force": force, "reason": reason})

    async def quit(self) -> None:
        """Have the server end."""
        await self.call("POST", "/v1/quit")

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Any call. Raises the ``SyrinxError`` that a refusal stands for."""
        with reaching(self.url):
            response = await self._http.request(method, path, json=body)
        answer = json_of(response)
        if response.is_error:
            raise error_of_answer(response.status_code, response.headers.get("retry-after"), answer, path)
        if not isinstance(answer, dict):
            raise ModelNotReady(f"{self.url}{path} answered with no JSON object: it does not speak this dialect.")
        return answer

    async def events(self, job: Job) -> AsyncGenerator[JobEvent, None]:
        """What is told of a job, from its start and up to its terminal event, whenever one begins to listen."""
        by_word = self._by_subprotocol and self._token
        link = await open_link(
            job.ws_url,
            headers=None if by_word else bearer(self._token),
            subprotocols=[SUBPROTOCOL, self._token] if by_word else None,
        )
        self.subprotocol = link.subprotocol
        try:
            while True:
                message = await link.receive(self._wait_s)
                if message is None:
                    raise ModelFailed(f"{self.url} closed the connection before the job was over.")
                event = parse_job_event(message)
                yield event
                if isinstance(event, TERMINAL):
                    return
        finally:
            await link.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def __aenter__(self) -> Sidecar:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()
