"""Checks a recording in a process of its own: what opens anybody's files may crash, grow or hang, and only it may.

The process reads the recording on stdin and writes one line of JSON on stdout, then float32 samples.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence

import numpy as np

from syrinx.core.errors import InvalidRequest

from .reference import Reference, check_reference

TIMEOUT_S = 30.0
"""A minute of audio takes a second."""
MAX_MEMORY_BYTES = 2 << 30
"""Of its address space: some 400 MB are libraries; a minute at 192 kHz in eight channels takes 400 more."""


async def check_aside(data: bytes, *, normalize: bool = True, timeout_s: float = TIMEOUT_S) -> Reference:
    """``check_reference``, elsewhere. A recording on which the process dies or is not done in time is ``bad_audio``."""
    process = await asyncio.create_subprocess_exec(
        *command(normalize), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(timeout_s):
            said, _ = await process.communicate(data)
    except TimeoutError:
        raise InvalidRequest(f"The recording could not be read in {timeout_s:g} s.", code="bad_audio") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _read(said)


def command(normalize: bool) -> tuple[str, ...]:
    """What is started."""
    return (sys.executable, "-P", "-m", "syrinx.voices.aside", *([] if normalize else ["--as-it-is"]))


def _read(said: bytes) -> Reference:
    head, newline, samples = said.partition(b"\n")
    if not newline:
        raise InvalidRequest("The recording cannot be read: what reads it crashed.", code="bad_audio")
    told = json.loads(head)
    if "error" in told:
        raise InvalidRequest(told["error"], code=told["code"])
    return Reference(np.frombuffer(samples, np.float32).copy(), told["sample_rate"], told["seconds"])


def main(arguments: Sequence[str]) -> int:
    """The process."""
    _limit_memory()
    try:
        found = check_reference(sys.stdin.buffer.read(), normalize="--as-it-is" not in arguments)
    except InvalidRequest as error:
        told, samples = {"error": error.message, "code": error.code}, b""
    else:
        told, samples = {"sample_rate": found.sample_rate, "seconds": found.seconds}, found.samples.tobytes()
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + samples)
    return 0


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # there is no such thing on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
