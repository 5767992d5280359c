"""What ``syrinx smoke`` tries: one function a promise of the sidecar's API, each telling what it saw or raising."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syrinx.client.address import socket_address
from syrinx.client.sidecar import Job, Sidecar, SpeakRequest
from syrinx.client.sidecar_events import JobAudio, JobCanceled, JobDone, JobEvent, JobFailed, JobStarted
from syrinx.client.takes import AUDIBLE
from syrinx.core.errors import EmptyText, InvalidRequest, SyrinxError, Unauthorized, VoiceNotFound

TEXT = "  This is a smoke test. It has two sentences, so that a player can begin with the first."
"""With spaces before it, which must not shift what the server says of places in it."""
LONG_TEXT = " ".join(
    f"This is sentence number {number} of a text that will not be heard to its end." for number in range(300)
)
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


class CheckFailed(SyrinxError):
    """The server did not do what it should."""

    code = "check_failed"


@dataclass(slots=True)
class Trial:
    """The server under test and what later checks need of earlier ones."""

    api: Sidecar
    stranger: Sidecar | None
    """The same server with a wrong token; None where no token was given."""
    job: Job | None = None
    audio: bytes = b""


Check = Callable[[Trial], Awaitable[str]]


async def health(trial: Trial) -> str:
    """It says what runs, and that it can speak."""
    said = await trial.api.health()
    for name in ("engine_version", "active_model_id", "device", "capabilities", "runtime"):
        _expect(name in said, f"/v1/health has no {name!r}")
    runtime = said["runtime"]
    _expect(runtime.get("model_loaded") is True, f"no model is loaded: {runtime.get('detail')}")
    return f"{runtime.get('backend')} ({said['active_model_id']}) on {said['device']}"


async def voices(trial: Trial) -> str:
    """The built-in voice is the first."""
    found = await trial.api.voices()
    _expect(bool(found) and found[0].get("voice_id") == "0", "the first voice is not the built-in one, '0'")
    return f"{len(found)}"


async def token(trial: Trial) -> str:
    """A wrong token is refused, over HTTP and on the socket."""
    if trial.stranger is None:
        return "not checked: no token was given"
    await _expect_error(trial.stranger.health(), Unauthorized, "a wrong token at /v1/health")
    job = await trial.api.speak(SpeakRequest("A job for nobody else."))
    await _expect_error(_heard(trial.stranger, job), Unauthorized, "a wrong token on the socket")
    return "a wrong one is refused"


async def stream(trial: Trial) -> str:
    """A job is told from its start to its end, with audio that can be heard and places that are in the text."""
    trial.job = await trial.api.speak(SpeakRequest(TEXT))
    events = await _heard(trial.api, trial.job)
    _expect(isinstance(events[0], JobStarted), f"the first event is {type(events[0]).__name__}")
    if isinstance(events[-1], JobFailed):
        raise events[-1].error
    _expect(isinstance(events[-1], JobDone), f"the last event is {type(events[-1]).__name__}")
    pieces = [event for event in events if isinstance(event, JobAudio)]
    _expect(
        len(pieces) == len(events) - 2 and len(pieces) >= 2, f"{len(pieces)} AUDIO_CHUNKs among {len(events)} events"
    )
    _expect([piece.seq for piece in pieces] == list(range(1, len(pieces) + 1)), "seq does not count from 1")
    _expect(
        all(0 <= piece.start_char < piece.end_char <= len(TEXT) for piece in pieces), "text_range is not in the text"
    )
    trial.audio = b"".join(piece.data for piece in pieces)
    loudest = int(np.abs(np.frombuffer(trial.audio, "<i2").astype(np.int32)).max(initial=0))
    _expect(loudest >= AUDIBLE, "there is nothing to hear")
    return f"{len(pieces)} chunks, {sum(piece.duration_s for piece in pieces):.2f} s of audio"


async def late_listener(trial: Trial) -> str:
    """Who comes when it is over hears the same."""
    if trial.job is None:
        raise CheckFailed("there was no job to listen to again")
    events = await _heard(trial.api, trial.job)
    again = b"".join(event.data for event in events if isinstance(event, JobAudio))
    _expect(again == trial.audio, "a late listener does not hear what the first one heard")
    return "hears all of it"


async def cancel(trial: Trial) -> str:
    """A job that is canceled ends as canceled, and can be canceled once."""
    job = await trial.api.speak(SpeakRequest(LONG_TEXT))
    async with contextlib.aclosing(trial.api.events(job)) as events:
        last: JobEvent | None = None
        async for event in events:
            last = event
            if isinstance(event, JobAudio) and event.seq == 1:
                await trial.api.cancel(job.job_id)
    _expect(isinstance(last, JobCanceled), f"the last event is {type(last).__name__}, not JOB_CANCELED")
    await _expect_code(trial.api.cancel(job.job_id), "job_not_found", "a job that has ended, to /v1/cancel")
    return "ends as JOB_CANCELED"


async def superseded(trial: Trial) -> str:
    """A new job takes the place of one that runs."""
    old = await trial.api.speak(SpeakRequest(LONG_TEXT))
    new = await trial.api.speak(SpeakRequest("The next one."))
    _expect(isinstance((await _heard(trial.api, old))[-1], JobCanceled), "the old job does not end as JOB_CANCELED")
    _expect(isinstance((await _heard(trial.api, new))[-1], JobDone), "the new job is not spoken to its end")
    return "the old job ends, the new one is spoken"


async def unknown_things(trial: Trial) -> str:
    """What there is not is refused by name."""
    api = trial.api
    await _expect_error(api.speak(SpeakRequest("Hi.", voice_id=UNKNOWN_ID)), VoiceNotFound, "an unknown voice")
    await _expect_code(api.cancel(UNKNOWN_ID), "job_not_found", "an unknown job")
    stray = Job(UNKNOWN_ID, f"{socket_address(api.url)}/v1/stream/{UNKNOWN_ID}")
    await _expect_code(_heard(api, stray), "job_not_found", "an unknown job's socket")
    return "refused"


async def wrong_fields(trial: Trial) -> str:
    """What is wrong is the caller's fault, never the server's."""
    api = trial.api
    await _expect_error(api.speak(SpeakRequest("   ")), EmptyText, "an empty text")
    wrong: Sequence[dict[str, Any]] = (
        {"text": 1},
        {},
        {"text": "Hi.", "voice_id": "../x"},
        {"text": "Hi.", "settings": {"rate": 9}},
        {"text": "Hi.", "settings": {"chunking": {"max_chars": 1}}},
    )
    for body in wrong:
        await _expect_error(api.call("POST", "/v1/speak", body), InvalidRequest, f"{body} to /v1/speak")
    return f"{len(wrong) + 1} refused"


async def warm_up(trial: Trial) -> str:
    """The model can be warmed up."""
    answer = await trial.api.warmup(wait=True, force=True, reason="smoke")
    state = answer.get("warmup", {})
    _expect(state.get("status") == "ready", f"the warm-up is {state.get('status')!r}: {state.get('last_error')}")
    return f"{state.get('last_duration_ms')} ms"


CHECKS: Sequence[tuple[str, Check]] = (
    ("health", health),
    ("voices", voices),
    ("token", token),
    ("stream", stream),
    ("late listener", late_listener),
    ("cancel", cancel),
    ("superseded", superseded),
    ("unknown things", unknown_things),
    ("wrong fields", wrong_fields),
    ("warm-up", warm_up),
)
"""In the order in which they are made."""


async def _heard(api: Sidecar, job: Job) -> list[JobEvent]:
    async with contextlib.aclosing(api.events(job)) as events:
        return [event async for event in events]


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise CheckFailed(otherwise if otherwise.endswith(".") else f"{otherwise}.")


async def _expect_error(call: Awaitable[Any], kind: type[SyrinxError], what: str) -> None:
    try:
        await call
    except kind:
        return
    except SyrinxError as error:
        raise CheckFailed(f"{what} gives {error.code!r}, not {kind.code!r}: {error}") from None
    raise CheckFailed(f"{what} is not refused.")


async def _expect_code(call: Awaitable[Any], code: str, what: str) -> None:
    try:
        await call
    except SyrinxError as error:
        _expect(error.code == code, f"{what} gives {error.code!r}, not {code!r}: {error}")
        return
    raise CheckFailed(f"{what} is not refused.")
