"""Which model and voice a request means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from syrinx.core.errors import ModelNotFound, ModelNotReady, VoiceNotFound
from syrinx.core.types import VoicePrompt
from syrinx.engine.leases import Leases
from syrinx.models.base import ModelInfo
from syrinx.voices.aliases import VoiceDefaults, VoiceNames
from syrinx.voices.voice import StoredVoice
from syrinx.workers.host import HostState, HostStatus, ModelHost

GENERIC_MODELS = ("", "default", "auto", "syrinx")
"""Model names that mean the default model, whatever it is."""
OPENAI_MODELS = ("tts-1", "gpt-4o-mini-tts")
"""Beginnings of OpenAI's speech model names (API reference, audio/createSpeech); clients send them unasked."""

DEFAULT_VOICES = (None, "", "default")
"""Voice names that mean the model's default, whatever is cloned."""

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
    prompt: VoicePrompt | None = None
    """Of a cloned voice."""

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


class VoiceFinder(Protocol):
    """Knows the cloned voices (``voices.store.VoiceStore``)."""

    def find(self, name: str) -> StoredVoice | None: ...


class Catalog:
    """The served models, the first being the default, and the names of their voices.

    A name means, in this order: a voice of a model's own, a cloned voice (its id, alias or name), a name that clients
    use whatever the model (``voices.aliases``).
    """

    def __init__(
        self,
        hosts: Sequence[ModelHost],
        defaults: VoiceDefaults,
        reasons: Mapping[str, str],
        cloned: VoiceFinder | None = None,
    ) -> None:
        if not hosts:
            raise ModelNotFound("No model is configured.")
        self._cloned = cloned
        self._given_up: dict[tuple[str, str], str] = {}
        """Cloned voices that could not be made anew for a model's revision, and why."""
        self._hosts = {host.name: host for host in hosts}
        self._default = hosts[0]
        self._voices = defaults
        self._reasons = dict(reasons)
        self._names: dict[str, VoiceNames] = {}
        self.leases = Leases()
        """Who uses which model; a model that was replaced runs on until nobody does."""

    @property
    def hosts(self) -> list[ModelHost]:
        """The served models, the default first."""
        return list(self._hosts.values())

    @property
    def default(self) -> ModelHost:
        return self._default

    def served(self, name: str) -> ModelHost | None:
        """The served model of exactly that name."""
        return self._hosts.get(name)

    def lead(self, host: ModelHost, reason: str) -> None:
        """Make a model the default, in place of the one of its name if there is one."""
        others = {name: other for name, other in self._hosts.items() if name != host.name}
        self._hosts = {host.name: host, **others}
        self._default = host
        self._reasons[host.name] = reason

    def drop(self, name: str) -> None:
        """Serve a model no more; not the default."""
        self._hosts = {other: host for other, host in self._hosts.items() if other != name}

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

        Raises ``ModelNotFound``, ``VoiceNotFound``, or ``ModelNotReady`` where the model was never loaded or a cloned
        voice has yet to be made anew for it.
        """
        host = self.named(model)
        if host is not None:
            return self._on(host, voice)
        return self._by_voice(voice)

    def named(self, model: str | None) -> ModelHost | None:
        """The model of that name; None for the names that leave the choice to us. Raises ``ModelNotFound``."""
        if model is not None and (host := self._hosts.get(model)) is not None:
            return host
        if model is None or model in GENERIC_MODELS or model.startswith(OPENAI_MODELS):
            return None
        raise ModelNotFound(f"There is no model {model[:SHOWN]!r}; served: {', '.join(self._hosts)}.", param="model")

    def owner_of(self, voice: str) -> ModelHost | None:
        """The first loaded model that has a voice of that id of its own."""
        for host in self._hosts.values():
            if host.info is not None and host.info.voice(voice) is not None:
                return host
        return None

    def can_renew(self, stored: StoredVoice) -> bool:
        """Whether the voice has to be made anew for its model as loaded, and that was not tried in vain."""
        host = self._hosts.get(stored.model)
        info = host.info if host is not None else None
        return info is not None and is_outdated(stored, info) and (stored.voice_id, info.revision) not in self._given_up

    def give_up(self, stored: StoredVoice, info: ModelInfo, why: str) -> None:
        """Remember that the voice cannot be made anew for that model, which may be another one by now."""
        self._given_up[stored.voice_id, info.revision] = why

    def _by_voice(self, voice: str | None) -> Choice:
        """On the default model if it is there and knows the voice, else on the first one that has it by its own id."""
        stored = self._cloned_as(voice)
        if stored is not None and self.owner_of(stored_name := voice or "") is None:
            return self._on_its_own(stored, stored_name)
        if self._default.info is not None and (choice := self._on_or_none(self._default, voice)) is not None:
            return choice
        owner = self.owner_of(voice) if voice else None
        return self._on(owner or self._default, voice)

    def _on(self, host: ModelHost, voice: str | None) -> Choice:
        stored = self._cloned_as(voice)
        if stored is not None and stored.model == host.name and _info(host).voice(voice or "") is None:
            return self._with_prompt(host, stored)
        choice = self._on_or_none(host, voice)
        if choice is None and stored is not None:
            raise VoiceNotFound(
                f"The voice {stored.draft.name!r} was cloned with the model {stored.model!r} and speaks on that only, "
                f"not on {host.name!r}.",
                param="voice",
            )
        if choice is None:
            raise VoiceNotFound(f"The model {host.name!r} has no voice {(voice or '')[:SHOWN]!r}.", param="voice")
        return choice

    def _on_or_none(self, host: ModelHost, voice: str | None) -> Choice | None:
        """By a name that needs no store."""
        info = _info(host)
        names = self._names.get(host.name)
        if names is None or names.info is not info:
            names = self._names[host.name] = VoiceNames(info, self._voices)
        found = names.find(voice)
        return None if found is None else Choice(host, info, found.id, found.languages[0])

    def _on_its_own(self, stored: StoredVoice, name: str) -> Choice:
        host = self._hosts.get(stored.model)
        if host is None:
            raise VoiceNotFound(
                f"The voice {name[:SHOWN]!r} was cloned with the model {stored.model!r}, which is not served here; "
                f"served: {', '.join(self._hosts)}.",
                param="voice",
            )
        return self._with_prompt(host, stored)

    def _with_prompt(self, host: ModelHost, stored: StoredVoice) -> Choice:
        info = _info(host)
        why = self._given_up.get((stored.voice_id, info.revision))
        if why is not None:
            raise VoiceNotFound(
                f"The voice {stored.draft.name!r} could not be made anew for this version of the model: {why}",
                param="voice",
            )
        if is_outdated(stored, info):
            raise ModelNotReady(
                f"The voice {stored.draft.name!r} was made for another version of the model {host.name!r} and is being "
                "made anew from its recording."
            )
        return Choice(host, info, stored.voice_id, language_of(stored, info), stored.prompt)

    def _cloned_as(self, voice: str | None) -> StoredVoice | None:
        if self._cloned is None or voice in DEFAULT_VOICES:
            return None
        return self._cloned.find(voice)


def is_outdated(stored: StoredVoice, info: ModelInfo) -> bool:
    """Whether the model as loaded did not make the voice's prompt."""
    return stored.revision != info.revision or not stored.prompt.digest


def language_of(stored: StoredVoice, info: ModelInfo) -> str:
    """The language that a cloned voice speaks where a request names none."""
    if stored.draft.language not in ("", "auto"):
        return stored.draft.language
    default = info.voice(info.default_voice)
    return default.languages[0] if default is not None else "en"


def _info(host: ModelHost) -> ModelInfo:
    if host.status.state is HostState.FAILED:
        raise ModelNotReady(f"The model {host.name!r} cannot be used: {host.status.detail}")
    if host.info is None:
        raise ModelNotReady(f"The model {host.name!r} is still loading.")
    return host.info
