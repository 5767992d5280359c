"""What another server's refusal means for whoever asked us: a table over statuses. Pure."""

from __future__ import annotations

import email.utils
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    VoiceNotFound,
)

MAX_TOLD_CHARS = 300
MIN_RETRY_S, USUAL_RETRY_S, MAX_RETRY_S = 0.1, 1.0, 3600.0
"""Bounds of what is passed on of its Retry-After, and what stands for none."""
CALLERS = {
    "input": "text",
    "text": "text",
    "voice": "voice",
    "speed": "speed",
    "instructions": "instructions",
    "seed": "seed",
}
"""Its fields in our words, of those that a caller settles; a complaint about any other is the operator's. ``text`` is
what another Syrinx calls ``input`` where its model, not the form of the request, refuses it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an error's body says."""

    message: str = ""
    code: str = ""
    param: str = ""


def told(body: bytes) -> Told:
    """Read an error's body in the forms that are about: OpenAI's envelope, FastAPI's ``detail``, plain text."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Told(_clean(body.decode("utf-8", "replace")))
    if isinstance(found, dict):
        found = found.get("error") or found.get("detail") or found
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return Told(_clean(str(found)))
    place = found.get("loc")
    param = found.get("param") or (place[-1] if isinstance(place, list) and place else "")
    message = found.get("message") or found.get("msg") or ""
    return Told(_clean(str(message)), _clean(str(found.get("code") or "")), _clean(str(param)))


def refusal(status: int, headers: Mapping[str, str], body: bytes, now: float | None = None) -> SyrinxError:
    """The error for whoever asked us. ``headers`` in lower case; ``now``: seconds since 1970, None: the clock's."""
    said = told(body)
    because = f": {said.message}" if said.message else f" (status {status})."
    if status in (401, 403):  # its message may hold a part of the key
        return ModelFailed(f"The upstream refused the key (status {status}): look at key_file of the model upstream.")
    if status == 429 or (status == 503 and "retry-after" in headers):
        return Overloaded(f"The upstream is overloaded{because}", retry_after_s(headers, now))
    if status >= 500:
        return ModelFailed(f"The upstream failed{because}")
    if 300 <= status < 400:
        return ModelFailed(f"The upstream answered with a redirect (status {status}): look at base_url.")
    if "voice" in said.code or said.param == "voice":
        return VoiceNotFound(f"The upstream refused the voice{because}", param="voice")
    if said.code == EmptyText.code:
        return EmptyText(f"The upstream refused the text{because}", param="text")
    if status in (404, 405):
        return ModelFailed(f"The upstream knows no such model or address{because} Look at base_url and model.")
    if status in (400, 413, 422) and (param := CALLERS.get(said.param)) is not None:
        return InvalidRequest(f"The upstream refused '{param}'{because}", param=param)
    return ModelFailed(f"The upstream refused the request (status {status}){because}")


def not_ready(error: SyrinxError) -> ModelNotReady:
    """The same while it is loaded: nobody but the operator is asking."""
    return error if isinstance(error, ModelNotReady) else ModelNotReady(error.message)


def retry_after_s(headers: Mapping[str, str], now: float | None = None) -> float:
    """Seconds that Retry-After asks for, as a number or a date (RFC 9110, 10.2.3), within bounds."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, time.time() if now is None else now)
    if not math.isfinite(seconds):
        seconds = USUAL_RETRY_S
    return min(max(seconds, MIN_RETRY_S), MAX_RETRY_S)


def _until(value: str, now: float) -> float:
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return math.inf


def _clean(text: str) -> str:
    """One bounded line of what can be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_TOLD_CHARS]
