"""The sidecar's model: what it is (``/v1/health``), warming it up, changing it, and fetching others."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from syrinx.protocols.voicereader.answers import Runtime
from syrinx.protocols.voicereader.errors import job_in_progress
from syrinx.protocols.voicereader.requests import Activate
from syrinx.server.voicereader.backends import active_id, device_of, known, named_by, options_in, what_auto_tried
from syrinx.server.voicereader.jobs import Jobs
from syrinx.wiring import AS_ASKED, installed_here
from syrinx.workers.host import HostState

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.catalog import ModelStatus
    from syrinx.engine.engine import Engine

REASON = "model_activate"
"""Of the warm-up after a change, where the client names none."""


class Models:
    """The default model, which is the one that the sidecar speaks with."""

    def __init__(self, engine: Engine, jobs: Jobs, settings: Settings) -> None:
        self._engine = engine
        self._jobs = jobs
        self._options: dict[str, dict[str, Any]] = {name: dict(given) for name, given in settings.model_options.items()}
        self._installed = installed_here(settings)
        self._changing = asyncio.Lock()

    @property
    def active(self) -> ModelStatus:
        return self._engine.models()[0]

    def runtime(self) -> Runtime:
        """What speaks now."""
        model = self.active
        options = self._options.get(model.name, {})
        entry = known(model.name)
        by_auto = model.reason != AS_ASKED
        tried = what_auto_tried(self._installed) if by_auto else ""
        about = [tried, model.reason if by_auto else "", model.status.detail]
        return Runtime(
            backend=entry.backend,
            model_id=active_id(model.name, options, self._installed),
            device=device_of(options),
            loaded=model.status.state is HostState.READY,
            clones=model.info is not None and model.info.clones,
            languages=_languages(model),
            fallback=by_auto and not entry.title,
            detail=" ".join(part for part in about if part),
            warmup=asdict(self._engine.warmup.state),
        )

    async def activate(self, wanted: Activate) -> bool:
        """Make another model the default, or this one with other options, and warm it up; return whether the warm-up
        was accepted. Until it is loaded, and if that fails, the old one speaks.

        Raises ``InvalidRequest`` (``job_in_progress``) while a job runs; ``ModelNotFound``, ``ModelNotReady``,
        ``ConfigError``.
        """
        async with self._changing:
            if self._jobs.running:
                raise job_in_progress()
            name, reason = named_by(wanted, self.active.name), AS_ASKED
            if name == "auto":
                name, reason = self._installed.choose_auto(self._options)
            options = {model: {**self._options.get(model, {}), **given} for model, given in options_in(wanted).items()}
            chosen = options.get(name, self._options.get(name, {}))
            await self._engine.switch(name, chosen, reason, force=True, warm_up=False)
            self._options.update(options)
        return await self._engine.warmup.trigger(wanted.warmup_wait, wanted.warmup_force, wanted.reason or REASON)


def _languages(model: ModelStatus) -> tuple[str, ...]:
    """Every language of every voice, the default voice's first."""
    info = model.info
    if info is None:
        return ()
    default = info.voice(info.default_voice)
    voices = [default, *info.voices] if default is not None else list(info.voices)
    return tuple(dict.fromkeys(tag for voice in voices for tag in voice.languages))
