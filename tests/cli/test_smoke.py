"""Every check of ``syrinx smoke`` passes on a sound server and fails on one that breaks its promise."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from syrinx.cli.smoke_checks import CHECKS, LONG_TEXT, TEXT, UNKNOWN_ID, Trial
from syrinx.client.sidecar import Job, Sidecar, SpeakRequest
from syrinx.client.sidecar_events import JobAudio, JobCanceled, JobDone, JobEvent, JobFailed, JobStarted
from syrinx.core.errors import EmptyText, InvalidRequest, ModelFailed, SyrinxError, Unauthorized, VoiceNotFound

LOUD, SILENT = struct.pack("<4h", 900, -900, 900, -900), bytes(8)


class Server:
    """What the checks ask of a server, with one fault."""

    url = "http://127.0.0.1:9"

    def __init__(self, fault: str = "", *, stranger: bool = False) -> None:
        self.fault = fault
        self._stranger = stranger
        self._texts: dict[str, str] = {}
        self._over: set[str] = set()
        self._times_heard = 0

    async def health(self) -> dict[str, Any]:
        self._admit("health open to all")
        said: dict[str, Any] = dict.fromkeys(("engine_version", "active_model_id", "device", "capabilities"), "x")
        if self.fault == "no device":
            del said["device"]
        return said | {"runtime": {"model_loaded": self.fault != "not loaded", "backend": "b"}}

    async def voices(self) -> list[dict[str, Any]]:
        return [] if self.fault == "no voices" else [{"voice_id": "1" if self.fault == "no built-in" else "0"}]

    async def speak(self, request: SpeakRequest) -> Job:
        if request.voice_id == UNKNOWN_ID and self.fault != "any voice":
            raise VoiceNotFound("No such voice.")
        if not request.text.strip():
            raise ModelFailed("500") if self.fault == "empty is 500" else EmptyText("Nothing to say.")
        if self.fault != "nothing superseded":
            self._over |= set(self._texts)
        job_id = str(len(self._texts))
        self._texts[job_id] = request.text
        return Job(job_id, f"ws://127.0.0.1:9/{job_id}")

    async def cancel(self, job_id: str) -> None:
        if job_id not in self._texts or (job_id in self._over and self.fault != "cancels twice"):
            raise InvalidRequest("No such job.", code="forbidden" if self.fault == "wrong code" else "job_not_found")
        self._over.add(job_id)

    async def events(self, job: Job) -> AsyncGenerator[JobEvent, None]:
        self._admit("socket open to all")
        if job.job_id not in self._texts:
            raise InvalidRequest("No such job.", code="zork" if self.fault == "wrong close" else "job_not_found")
        text, faults = self._texts[job.job_id], self.fault
        self._times_heard += 1
        if faults != "no start":
            yield JobStarted(job.job_id)
        if text == LONG_TEXT:
            yield self._piece(job, 1, text)
            cancels = job.job_id in self._over and faults != "cancel ignored"
            yield JobCanceled(job.job_id) if cancels else JobDone(job.job_id)
            return
        for seq in (1,) if faults == "one chunk" else (1, 3) if faults == "gap" else (1, 2):
            yield self._piece(job, seq, text)
        yield JobFailed(job.job_id, ModelFailed("Broken.")) if faults == "fails" else JobDone(job.job_id)

    def _piece(self, job: Job, seq: int, text: str) -> JobAudio:
        end = len(text) + 1 if self.fault == "out of text" else len(text)
        changed = self.fault == "forgets" and self._times_heard > 1
        data = SILENT if self.fault == "silent" or changed else LOUD
        return JobAudio(job.job_id, seq, data, 24_000, 0, 0, end)

    async def warmup(self, **asked: Any) -> dict[str, Any]:
        return {"warmup": {"status": "error" if self.fault == "cold" else "ready"}}

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        if self.fault == "takes anything" and "settings" in body:
            return {}
        raise ModelFailed("500") if self.fault == "500" else InvalidRequest("Wrong.")

    def _admit(self, open_fault: str) -> None:
        if self._stranger and self.fault != open_fault:
            raise Unauthorized("The key is wrong.")


async def failures(fault: str) -> list[str]:
    """The names of the checks that find something."""
    server, stranger = Server(fault), Server(fault, stranger=True)
    trial = Trial(cast("Sidecar", server), cast("Sidecar", stranger))
    found: list[str] = []
    for name, check in CHECKS:
        try:
            await check(trial)
        except SyrinxError:
            found.append(name)
    return found


async def test_a_sound_server_passes() -> None:
    assert await failures("") == []


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("no device", "health"),
        ("not loaded", "health"),
        ("no voices", "voices"),
        ("no built-in", "voices"),
        ("health open to all", "token"),
        ("socket open to all", "token"),
        ("no start", "stream"),
        ("one chunk", "stream"),
        ("gap", "stream"),
        ("out of text", "stream"),
        ("silent", "stream"),
        ("fails", "stream"),
        ("forgets", "late listener"),
        ("cancel ignored", "cancel"),
        ("cancels twice", "cancel"),
        ("nothing superseded", "superseded"),
        ("any voice", "unknown things"),
        ("wrong code", "unknown things"),
        ("wrong close", "unknown things"),
        ("empty is 500", "wrong fields"),
        ("takes anything", "wrong fields"),
        ("500", "wrong fields"),
        ("cold", "warm-up"),
    ],
)
async def test_a_broken_promise_is_found_by_its_check(fault: str, check: str) -> None:
    assert check in await failures(fault)


async def test_without_a_token_that_check_says_so() -> None:
    check = dict(CHECKS)["token"]
    assert "not checked" in await check(Trial(cast("Sidecar", Server()), None))


def test_the_text_that_is_spoken_has_what_shifts_places() -> None:
    assert TEXT.startswith("  ") and TEXT.count(".") == 2
