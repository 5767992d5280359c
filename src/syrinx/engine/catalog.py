"""Which model and voice a request means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syrinx.core.errors import ModelNotFound, ModelNotReady, VoiceNotFound
from syrinx.models.base import ModelInfo
from syrinx.voices.aliases import VoiceDefaults, voice_for
from syrinx.workers.host import HostState, HostStatus, ModelHost

GENERIC_MODELS = ("", "default", "auto", "syrinx")
"""Model names that mean the default model, whatever it is."""
OPENAI_MODELS = ("tts-1", "gpt-4o-mini-tts")
"""Beginnings of OpenAI's speech model names (API reference, audio/createSpeech); clients send them unasked."""

SHOWN = 100
"""Characters of a wrong name that an error repeats."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request resolved to."""

    host: ModelHost
    info: ModelInfo
    voice: str

    @property
    def model(self) -> str:
        return self.info.name


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One served model, for lists and health."""

    name: str
    status: HostStatus
    info: ModelInfo | None
    is_default: bool
    reason: str
    """Why this model is served: as asked, or what ``auto`` found."""


class Catalog:
    """The served models, the first being the default."""

    def __init__(self, hosts: Sequence[ModelHost], defaults: VoiceDefaults, reasons: Mapping[str, str]) -> None:
        if not hosts:
            raise ModelNotFound("No model is configured.")
        self._hosts = {host.name: host for host in hosts}
        self._default = hosts[0]
        self._voices = defaults
        self._reasons = reasons

    @property
    def hosts(self) -> list[ModelHost]:
        return list(self._hosts.values())

    @property
    def ready(self) -> bool:
        """True while the default model can speak."""
        return self._default.status.state is HostState.READY

    def statuses(self) -> list[ModelStatus]:
        return [
            ModelStatus(h.name, h.status, h.info, h is self._default, self._reasons.get(h.name, "as asked"))
            for h in self._hosts.values()
        ]

    def resolve(self, model: str | None, voice: str | None) -> Choice:
        """Find the model and voice. A voice alone may name the model that has it.

        Raises ``ModelNotFound``, ``VoiceNotFound``, or ``ModelNotReady`` where the model was never loaded.
        """
        if model is None or model in GENERIC_MODELS or model.startswith(OPENAI_MODELS):
            return self._by_voice(voice)
        host = self._hosts.get(model)
        if host is None:
            raise ModelNotFound(f"There is no model {model[:SHOWN]!r}; served: {', '.join(self._hosts)}.", param="model")
        return self._on(host, voice)

    def _by_voice(self, voice: str | None) -> Choice:
        default = self._on_or_none(self._default, voice)
        if default is not None:
            return default
        for host in self._hosts.values():
            if host.info is not None and voice and host.info.voice(voice) is not None:
                return Choice(host, host.info, voice)
        return self._on(self._default, voice)

    def _on_or_none(self, host: ModelHost, voice: str | None) -> Choice | None:
        info = _info(host)
        found = voice_for(voice, info, self._voices)
        return Choice(host, info, found) if found is not None else None

    def _on(self, host: ModelHost, voice: str | None) -> Choice:
        choice = self._on_or_none(host, voice)
        if choice is None:
            raise VoiceNotFound(f"The model {host.name!r} has no voice {(voice or '')[:SHOWN]!r}.", param="voice")
        return choice


def _info(host: ModelHost) -> ModelInfo:
    if host.status.state is HostState.FAILED:
        raise ModelNotReady(f"The model {host.name!r} cannot be used: {host.status.detail}")
    if host.info is None:
        raise ModelNotReady(f"The model {host.name!r} is still loading.")
    return host.info
