"""A worker process: connects back, proves itself, loads a backend, warms it up, and steps jobs until told to stop.

It never outlives the server: when the connection breaks it ends at once, with all processes it started.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from syrinx.core.clock import SystemClock
from syrinx.core.errors import ModelNotReady
from syrinx.core.types import SynthesisJob
from syrinx.models import registry
from syrinx.models.base import Backend, ModelInfo

from .address import SECRET_VARIABLE, connect, parse_address
from .blackbox import BlackBox
from .channel import Channel, ServerGone
from .faults import OUT_OF_MEMORY_STATUS, Fault, fault_of
from .loop import LoopPolicy, StepLoop
from .messages import Heartbeat, Hello, Load, LoadFailed, Ready, Shutdown
from .runaway import RunawayPolicy, budget_s, usual_s

HEARTBEAT_S = 0.5
WARM_UP_TEXT = "Warm-up."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker; returns the exit status. Started by ``launch``, not by people."""
    parser = argparse.ArgumentParser(prog="python -m syrinx.workers", description="A model process of a Syrinx server.")
    parser.add_argument("address", type=parse_address, help="where the server listens: unix:PATH or tcp:PORT")
    parser.add_argument("folder", type=Path, help="private folder of this worker, with its black box")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which drains first
    secret = os.environ.pop(SECRET_VARIABLE, "")
    try:
        channel = Channel(connect(options.address))
    except OSError:
        _end_with_server(options.folder)
    try:
        channel.send([Hello(secret, os.getpid())])
        status = _Worker(channel, options.folder).run()
    except ServerGone:
        _end_with_server(options.folder)
    channel.close()
    return status


class _Worker:
    """One life: load, serve, unload."""

    def __init__(self, channel: Channel, folder: Path) -> None:
        self._channel = channel
        self._folder = folder
        self._clock = SystemClock()
        self._loop: StepLoop | None = None
        self._over = threading.Event()

    def run(self) -> int:
        """Returns the exit status. Raises ``ServerGone``."""
        load = self._first_message()
        if load is None:
            return 0
        beats = threading.Thread(target=self._beat, args=(load.deadman_s,), name="heartbeat", daemon=True)
        beats.start()
        try:
            return self._live(load)
        finally:
            self._over.set()
            beats.join(HEARTBEAT_S)

    def _first_message(self) -> Load | None:
        while True:
            for message in self._channel.receive(float("inf")):
                return message if isinstance(message, Load) else None

    def _live(self, load: Load) -> int:
        began = self._clock.now()
        backend, recorder = None, BlackBox(self._folder / "blackbox")
        try:
            backend = make_backend(load.backend, load.options)
            info = backend.load()
            warm_up(backend, info, load.runaway)
        except Exception as error:  # noqa: BLE001 - whatever a model raises here is the reason why it is not ready
            self._channel.send([LoadFailed(_load_fault(error))])
            return 0
        gc.collect()
        gc.freeze()  # what a model loaded stays; collections then look only at what jobs leave behind
        loop = self._loop = StepLoop(
            backend, info, LoopPolicy(load.schedule, load.runaway, load.head_start), self._clock, recorder
        )
        self._channel.send([Ready(info, self._clock.now() - began)])
        serve(loop, self._channel, self._clock.now)
        self._loop = None
        if loop.spent:  # the end of the process frees more than its model could
            return OUT_OF_MEMORY_STATUS
        backend.unload()
        return 0

    def _beat(self, deadman_s: float) -> None:
        """Show that the process lives, and end it when there is nobody to show it to."""
        try:
            while not self._over.wait(HEARTBEAT_S):
                _arm_deadman(deadman_s)
                loop = self._loop
                preparing = loop is not None and loop.preparing
                since = loop.working_since if loop is not None else None
                step_s = None if since is None else self._clock.now() - since
                self._channel.send([Heartbeat(step_s, preparing)])
        except ServerGone:
            _end_with_server(self._folder)


def serve(loop: StepLoop, channel: Channel, now: Callable[[], float]) -> None:
    """Take messages, step, send, until ``Shutdown`` or until the loop is spent. Raises ``ServerGone``."""
    wait_s = 0.0
    while not loop.spent:
        for message in channel.receive(wait_s):
            if isinstance(message, Shutdown):
                return
            if not isinstance(message, Load) and (replies := loop.receive(message)):
                channel.send(replies)
        turn = loop.turn()
        if turn.messages:
            channel.send(turn.messages)
        wait_s = 0.0 if turn.idle_until is None else max(0.0, turn.idle_until - now())


def make_backend(name: str, options: Mapping[str, Any]) -> Backend:
    """Return the backend of a model's name, or of ``"module:callable"`` called with the options."""
    module, colon, attribute = name.partition(":")
    if colon:
        return getattr(importlib.import_module(module), attribute)(options)
    return registry.create(name, options)


def warm_up(backend: Backend, info: ModelInfo, policy: RunawayPolicy) -> None:
    """Speak a word to nobody, so that the first listener does not pay for lazy work. Raises what the model raises.

    Raises ``ModelNotReady`` where it makes no sound, or no end.
    """
    voice = info.voice(info.default_voice)
    if voice is None:
        raise ModelNotReady(f"The model has no voice {info.default_voice!r}, which it calls its default.")
    job = SynthesisJob("warm-up", WARM_UP_TEXT, voice.id, voice.languages[0])
    budget = budget_s(usual_s(job, backend.expected_s(job), info.seconds_per_char), policy)
    steps, made_s, silent_since = backend.stepped(), 0.0, time.monotonic()
    steps.open(job)
    try:
        done = False
        while not done:
            for result in steps.step([job.job_id]):
                if result.error is not None:
                    raise result.error
                if result.chunk is not None:
                    made_s += len(result.chunk.samples) / result.chunk.sample_rate
                done = done or result.done
            if made_s > budget or (not made_s and time.monotonic() - silent_since > policy.max_silent_s):
                raise ModelNotReady(f"The warm-up did not end: {made_s:.1f} s of audio for {WARM_UP_TEXT!r}.")
    finally:
        steps.close(job.job_id)
    if not made_s:
        raise ModelNotReady("The warm-up made no sound.")


def _load_fault(error: Exception) -> Fault:
    import traceback

    traceback.print_exception(error)
    return fault_of(error)


def _arm_deadman(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _end_with_server(folder: Path) -> NoReturn:
    """End now, without the clean-up of C libraries, which may hang, and take every child process along."""
    shutil.rmtree(folder, ignore_errors=True)
    sys.stderr.flush()
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
