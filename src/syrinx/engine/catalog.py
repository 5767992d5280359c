"""Which model and voice a request means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syrinx.core.errors import ModelNotFound, ModelNotReady, VoiceNotFound
from syrinx.models.base import ModelInfo
from syrinx.voices.aliases import VoiceDefaults, VoiceNames
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
    language: str = "en"
    """The voice's first, a BCP 47 tag."""

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
    queued: int = 0
    """Utterances that wait for admission."""


class Catalog:
    """The served models, the first being the default."""

    def __init__(self, hosts: Sequence[ModelHost], defaults: VoiceDefaults, reasons: Mapping[str, str]) -> None:
        if not hosts:
            raise ModelNotFound("No model is configured.")
        self._hosts = {host.name: host for host in hosts}
        self._default = hosts[0]
        self._voices = defaults
        self._reasons = reasons
        self._names: dict[str, VoiceNames] = {}

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
        if model is not None and (host := self._hosts.get(model)) is not None:
            return self._on(host, voice)
        if model is None or model in GENERIC_MODELS or model.startswith(OPENAI_MODELS):
            return self._by_voice(voice)
        raise ModelNotFound(f"There is no model {model[:SHOWN]!r}; served: {', '.join(self._hosts)}.", param="model")

    def _by_voice(self, voice: str | None) -> Choice:
        """On the default model if it is there and knows the voice, else on the first one that has it by its own id."""
        if self._default.info is not None and (choice := self._on_or_none(self._default, voice)) is not None:
            return choice
        for host in self._hosts.values():
            if voice and host.info is not None and host.info.voice(voice) is not None:
                return self._on(host, voice)
        return self._on(self._default, voice)

    def _on_or_none(self, host: ModelHost, voice: str | None) -> Choice | None:
        info = _info(host)
        names = self._names.get(host.name)
        if names is None or names.info is not info:
            names = self._names[host.name] = VoiceNames(info, self._voices)
        found = names.find(voice)
        return None if found is None else Choice(host, info, found.id, found.languages[0])

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
