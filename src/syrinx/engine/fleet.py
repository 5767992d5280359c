"""The models that run: those served, one that is being loaded to take the default's place, those that end.

A switch loads the new model beside the old. Only when it can speak does it become the default, in one turn of the event
loop; whoever speaks with the old one does so to the end. On failure nothing has changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from syrinx.core.errors import ModelNotFound, ModelNotReady
from syrinx.engine.catalog import Catalog
from syrinx.engine.gate import Gate
from syrinx.workers.host import HostState, ModelHost

_log = logging.getLogger("syrinx.engine")

MAX_LEAVING = 4
"""Replaced models that may still be speaking; each holds its memory until its last utterance ends."""

Options = Mapping[str, Any]


def _no_other(name: str, options: Options) -> ModelHost:
    raise ModelNotFound(f"There is no model {name!r} to switch to.", param="model")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where models come from."""

    make: Callable[[str, Options], ModelHost] = _no_other
    """From a name and the options it is loaded with; starts nothing. Raises ``ModelNotFound``, ``ConfigError``."""
    options: Mapping[str, Options] = field(default_factory=dict)
    """What the settings say for each name."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why each model that is served from the start is."""
    load_timeout_s: float = 630.0
    """Longest wait for a model to load; its host's own limit should come first."""


@dataclass(frozen=True, slots=True)
class SwitchRequest:
    """``Engine.switch``'s arguments."""

    name: str
    options: Options | None
    reason: str
    force: bool = False


class Fleet:
    """Owns hosts and their waiting lines. For one event loop."""

    def __init__(
        self,
        catalog: Catalog,
        source: ModelSource,
        gate: Callable[[ModelHost], Gate],
        background: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        """``gate`` makes the waiting line of a model; ``background`` runs the end of a model that was replaced."""
        self._catalog = catalog
        self._source = source
        self._make_gate = gate
        self._background = background
        self._gates = {host: gate(host) for host in catalog.hosts}
        self._options = {host.name: dict(source.options.get(host.name, {})) for host in catalog.hosts}
        self._kept = frozenset(self._options)
        """The settings name these: they stay when they are the default no more."""
        self._trial: ModelHost | None = None
        self._leaving: set[ModelHost] = set()
        self._closed = False

    @property
    def hosts(self) -> list[ModelHost]:
        """Every model that has processes or may get some."""
        trial = [] if self._trial is None else [self._trial]
        return [*self._catalog.hosts, *trial, *self._leaving]

    def close(self) -> None:
        """Take no other model from now on, also where it is being loaded; ``hosts`` are the caller's to stop."""
        self._closed = True

    def gate(self, host: ModelHost) -> Gate:
        """The waiting line of a model that is served or ending."""
        return self._gates[host]

    def using(self, host: ModelHost) -> AbstractContextManager[None]:
        """See ``Leases.using``."""
        return self._catalog.leases.using(host)

    async def switch(self, request: SwitchRequest) -> bool:
        """Make a model the default; False: it was, as asked. Raises ``ModelNotFound``, ``ConfigError``, and
        ``ModelNotReady`` where it cannot be loaded, or another switch is not over."""
        name = request.name
        self._check_open()
        if self._trial is not None:
            raise ModelNotReady(f"The model {self._trial.name} is being loaded to take over; ask again when it has.")
        if len(self._leaving) >= MAX_LEAVING:
            raise ModelNotReady(f"{MAX_LEAVING} models that were replaced are still speaking; ask again when they end.")
        options = dict(self._source.options.get(name, {}) if request.options is None else request.options)
        host = self._loaded(name, options) if not request.force else None
        if host is not None and host is self._catalog.default:
            return False
        if host is None:
            host = await self._load(name, options)
        self._lead(host, options, request.reason)
        return True

    def _loaded(self, name: str, options: Options) -> ModelHost | None:
        """The served model of that name if it was loaded with those options and need not be loaded anew."""
        host = self._catalog.served(name)
        if host is None or self._options[name] != options:
            return None
        if host.status.state in (HostState.STARTING, HostState.RESTARTING) and host is not self._catalog.default:
            raise ModelNotReady(f"The model {name} is still loading.")
        return None if host.status.state in (HostState.STOPPED, HostState.FAILED) else host

    async def _load(self, name: str, options: Options) -> ModelHost:
        self._trial = host = self._source.make(name, options)
        loaded = False
        try:
            async with asyncio.timeout(self._source.load_timeout_s):
                await host.start()
            self._check_open()
            loaded = True
        except TimeoutError:
            limit_s = self._source.load_timeout_s
            raise ModelNotReady(f"The model {name} was not loaded within {limit_s:g} s.") from None
        finally:
            try:
                if not loaded:
                    await host.stop()
            finally:
                self._trial = None
        return host

    def _lead(self, host: ModelHost, options: Options, reason: str) -> None:
        """Put the model in the default's place. No ``await`` here: nobody sees half of it."""
        before, namesake = self._catalog.default, self._catalog.served(host.name)
        self._gates.setdefault(host, self._make_gate(host))
        self._options[host.name] = dict(options)
        self._catalog.lead(host, reason)
        _log.info("The model %s is the default now (%s)", host.name, reason)
        if namesake is not None and namesake is not host:
            self._let_go(namesake)
        if before.name != host.name and before.name not in self._kept:
            self._catalog.drop(before.name)
            del self._options[before.name]
            self._let_go(before)

    def _check_open(self) -> None:
        if self._closed:
            raise ModelNotReady("The server is shutting down.")

    def _let_go(self, host: ModelHost) -> None:
        self._leaving.add(host)
        self._background(self._end(host))

    async def _end(self, host: ModelHost) -> None:
        try:
            await self._catalog.leases.unused(host)
            await host.stop()
            _log.info("The model %s that was replaced has ended", host.name)
        finally:
            self._leaving.discard(host)
            del self._gates[host]
