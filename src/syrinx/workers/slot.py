"""A place where one worker process after another lives: started, loaded, watched, ended, and started again."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from syrinx.models.base import ModelInfo

from . import blackbox
from .faults import OUT_OF_MEMORY_STATUS
from .launch.process import WorkerProcess, launch
from .link import Door, Link
from .messages import FromWorker, Heartbeat, Load, LoadFailed, Measured, Message, Ready, Shutdown
from .policy import BackendSpec, SupervisorPolicy
from .recovery import Restarts
from .stream import Stream
from .wire import WireError

DEADMAN_S = 120.0
"""See ``Load.deadman_s``."""
LAST_WORDS_S = 1.0
"""Time to read what a dead worker had sent."""
MAX_SAID_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended."""

    cause: str
    """A full sentence."""
    suspects: Sequence[str] = ()
    """Jobs that the model was at work on."""
    ready_at: float | None = None
    """When it had become ready; None: never."""
    refused: bool = False
    """It said itself that it cannot load."""


class SlotOwner(Protocol):
    """Whom a slot tells of its workers (the supervisor)."""

    def slot_ready(self, slot: Slot, info: ModelInfo) -> None: ...

    def slot_heard(self, slot: Slot, message: FromWorker) -> None: ...

    def slot_died(self, slot: Slot, death: Death) -> None:
        """``slot.failed`` says whether another worker will come."""
        ...

    def slot_printed(self, slot: Slot, line: str) -> None: ...


class Slot:
    """Runs until ``stop``, or until its workers die too often while loading (then ``failed``)."""

    def __init__(self, index: int, spec: BackendSpec, policy: SupervisorPolicy, owner: SlotOwner) -> None:
        loop = asyncio.get_running_loop()
        self.index = index
        self.streams: dict[str, Stream] = {}
        """Jobs that its worker has."""
        self.preparing: set[str] = set()
        """Voices that it was asked for (``errands``)."""
        self.ready = False
        self.failed = False
        self.deaths = 0
        self.measured: Measured | None = None
        """The last that a worker told; the next one will be as fast."""
        self.first_outcome: asyncio.Future[ModelInfo | Death] = loop.create_future()
        """How the first start went."""
        self._loop = loop
        self._spec = spec
        self._policy = policy
        self._owner = owner
        self._process: WorkerProcess | None = None
        self._link: Link | None = None
        self._loaded: asyncio.Future[Ready | LoadFailed] = loop.create_future()
        self._killed_for = ""
        self._heard_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._task = loop.create_task(self._run())

    @property
    def pid(self) -> int | None:
        """Process id of the worker that lives now."""
        return self._process.pid if self._process is not None else None

    def send(self, message: Message) -> None:
        """Send to the worker; it is lost if that one is dying, which the owner is told of."""
        if self._link is not None:
            self._link.send(message)

    async def stop(self) -> None:
        """End the worker, politely first, and wait until it is gone."""
        self._stopping.set()
        grace_s = self._policy.stop_grace_s if self.ready else 0.0  # one that is loading would not hear us
        self.ready = False
        self.send(Shutdown())
        killing = self._loop.call_later(grace_s, self._kill_stopped)
        try:
            await self._task
        finally:
            killing.cancel()

    # --- lives ------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        restarts = Restarts(self._policy.restart)
        try:
            while not self._stopping.is_set() and not self.failed:
                await self._live_once(restarts)
        finally:
            self.first_outcome.cancel()

    async def _live_once(self, restarts: Restarts) -> None:
        death = await self._live()
        if self._stopping.is_set():
            return
        self.deaths += 1
        delay_s = restarts.died(self._loop.time(), death.ready_at)
        self.failed = delay_s is None or not self.first_outcome.done()
        self._owner.slot_died(self, death)
        if not self.first_outcome.done():
            self.first_outcome.set_result(death)
        elif delay_s:
            await self._rest(delay_s)

    async def _rest(self, delay_s: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), delay_s)
        except TimeoutError:
            pass  # nobody stopped us: the next life

    async def _live(self) -> Death:
        """One worker from start to end. Leaves no process, folder or connection behind."""
        folder = Path(tempfile.mkdtemp(prefix="syrinx-worker-"))  # made for this user alone (0700)
        self._loaded = self._loop.create_future()
        self._killed_for = ""
        try:
            blackbox.create(folder / "blackbox")
            return await self._live_in(folder)
        except (OSError, WireError) as error:
            return Death(f"The worker process could not be started: {error}.")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _live_in(self, folder: Path) -> Death:
        door = Door(secrets.token_hex(16), self._heard)
        try:
            address = await door.open(folder)
            spec = replace(self._policy.process, processes=self._policy.workers)
            self._process = await launch(spec, address, folder, door.secret, self._printed)
            if self._stopping.is_set():
                self._process.kill()
            refusal, ready_at = await self._load(self._process, door), None
            if refusal is None:
                ready_at = self._loop.time()
                await self._serve(self._process)
            return await self._bury(self._process, folder, refusal, ready_at)
        finally:
            self.ready = False
            door.close()
            if self._process is not None:
                await self._process.end()
            if self._link is not None:
                self._link.cut("The worker ended.")
            self._process = self._link = None

    async def _load(self, process: WorkerProcess, door: Door) -> Death | None:
        """Wait until the worker has connected and loaded; return why it did not."""
        until = self._loop.time() + self._policy.load_timeout_s
        await self._first_of(door.link, process.exited, until=until)
        if not door.link.done():
            return self._not_loaded(process)
        self._link = door.link.result()
        self._link.send(self._order())
        await self._first_of(self._loaded, process.exited, self._link.closed, until=until)
        if not self._loaded.done():
            return self._not_loaded(process)
        outcome = self._loaded.result()
        if isinstance(outcome, LoadFailed):
            return Death(outcome.fault.message, refused=True)
        return None

    def _order(self) -> Load:
        policy = self._policy
        deadman_s = max(
            DEADMAN_S, 2 * policy.step_timeout_s, 2 * policy.prepare_timeout_s
        )  # a step may hold on to the interpreter throughout
        return Load(
            self._spec.backend, self._spec.options, policy.schedule, policy.runaway, policy.head_start, deadman_s
        )

    def _not_loaded(self, process: WorkerProcess) -> Death:
        lost = process.exited.done() or (self._link is not None and self._link.closed.done())
        if not lost:
            self._kill(f"It was not loaded within {self._policy.load_timeout_s:g} s.")
        return Death("")  # of what, its burial tells

    async def _serve(self, process: WorkerProcess) -> None:
        """Let the worker work until it ends, is ended, or the connection breaks."""
        ready = self._loaded.result()
        assert isinstance(ready, Ready) and self._link is not None
        self.ready = True
        self._heard_at = self._loop.time()
        self._watch_silence()
        self._owner.slot_ready(self, ready.info)
        if not self.first_outcome.done():
            self.first_outcome.set_result(ready.info)
        try:
            await asyncio.wait([process.exited, self._link.closed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._watch is not None:
                self._watch.cancel()

    async def _bury(self, process: WorkerProcess, folder: Path, refusal: Death | None, ready_at: float | None) -> Death:
        """End what is left of the worker, hear its last words, and find out what it died of."""
        if not process.exited.done():
            await asyncio.wait([process.exited], timeout=0.0 if self._killed_for else LAST_WORDS_S)
        await process.end()
        if self._link is not None and not self._link.closed.done():
            await asyncio.wait([self._link.closed], timeout=LAST_WORDS_S)
        if refusal is not None and refusal.refused:
            return refusal
        cause = self._cause(process)
        if refusal is not None and process.tail:
            cause = f"{cause} It said:\n{process.said()[-MAX_SAID_CHARS:]}"
        return Death(cause, blackbox.read(folder / "blackbox"), ready_at)

    def _cause(self, process: WorkerProcess) -> str:
        if self._killed_for:
            return self._killed_for
        if self._link is not None and self._link.broken:
            return f"The worker broke the protocol: {self._link.broken}"
        status = process.exited.result() if process.exited.done() else None
        return describe_exit(status)

    async def _first_of(self, *futures: asyncio.Future[Any], until: float) -> None:
        await asyncio.wait(futures, timeout=max(0.0, until - self._loop.time()), return_when=asyncio.FIRST_COMPLETED)

    # --- what the worker says ---------------------------------------------------------------------------------------

    def _heard(self, message: FromWorker) -> None:
        self._heard_at = self._loop.time()
        match message:
            case Heartbeat(step_s, preparing):
                self._check_step(step_s or 0.0, preparing)
            case Ready() | LoadFailed():
                if not self._loaded.done():
                    self._loaded.set_result(message)
            case Measured():
                self.measured = message
            case _:
                self._owner.slot_heard(self, message)

    def _check_step(self, step_s: float, preparing: bool) -> None:
        limit_s = self._policy.prepare_timeout_s if preparing else self._policy.step_timeout_s
        if step_s > limit_s:
            what = "Preparing a voice" if preparing else "A step of the model"
            self._kill(f"{what} took longer than {limit_s:g} s.")

    def _watch_silence(self, warned: bool = False) -> None:
        """Kill a worker that is not heard of. Looks twice: it may be this process that was held up."""
        policy = self._policy
        held_s = max(policy.step_timeout_s, policy.prepare_timeout_s if self.preparing else 0.0)
        limit_s = held_s + policy.silence_margin_s
        quiet_s = self._loop.time() - self._heard_at
        if quiet_s < limit_s:
            self._watch = self._loop.call_later(limit_s - quiet_s, self._watch_silence)
        elif not warned:
            self._watch = self._loop.call_later(LAST_WORDS_S, self._watch_silence, True)
        else:
            self._kill(f"The worker process was silent for {quiet_s:.0f} s.")

    def _printed(self, line: str) -> None:
        self._owner.slot_printed(self, line)

    def _kill(self, reason: str) -> None:
        self._killed_for = self._killed_for or reason
        if self._process is not None:
            self._process.kill()

    def _kill_stopped(self) -> None:
        self._kill("It was stopped.")


def describe_exit(status: int | None) -> str:
    """Say in a sentence how a process ended."""
    if status is None:
        return "The worker process could not be ended."
    if status == OUT_OF_MEMORY_STATUS:
        return "The model ran out of memory, and its worker process ended to begin anew."
    if status >= 0:
        return f"The worker process ended with status {status}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    return f"The worker process was ended by signal {-status} ({name})."
