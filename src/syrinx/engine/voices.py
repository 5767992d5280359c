"""Every voice that can be asked for, and the making of new ones: what protocols call for voices."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from dataclasses import replace as updated
from weakref import WeakKeyDictionary

from syrinx.core.errors import InvalidRequest, ModelNotReady, Overloaded, SyrinxError
from syrinx.engine.catalog import DEFAULT_VOICES, Catalog, language_of
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.models.registry import MODELS
from syrinx.voices.aside import check_aside
from syrinx.voices.clip import read_clip, wav_bytes
from syrinx.voices.store import StoredVoice, VoiceDraft, VoiceStore
from syrinx.voices.transcript import Transcriber
from syrinx.voices.voice import check_draft
from syrinx.workers.host import ModelHost

_log = logging.getLogger("syrinx.voices")

LOOK_EVERY_S = 1.0
"""How often the folder is looked at for what other processes changed."""
MAX_WAITING = 8
"""Voices of one model that may wait to be cloned while one is."""
MAX_WAIT_S = 60.0
"""Longest wait of one of them."""
RETRY_AFTER_S = 5.0
MAX_RENEWALS = 3
"""So often is a voice made anew for one model where the model fails: another's job may have taken its process down."""


@dataclass(frozen=True, slots=True)
class ListedVoice:
    """A voice and the model that speaks it."""

    model: str
    info: VoiceInfo
    stored: StoredVoice | None = None
    """Set for cloned voices."""
    is_default: bool = False
    """The default voice of the default model."""


@dataclass(slots=True)
class _Line:
    """Who waits to clone with a model: one at a time."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class VoiceBook:
    """The models' own voices and the store's. Files are read and written in threads."""

    def __init__(self, catalog: Catalog, store: VoiceStore | None) -> None:
        self.on_prompts: Callable[[frozenset[str]], None] = lambda prompts: None
        """Told the digests of all prompts, at the first look and whenever they have changed."""
        self.transcriber = Transcriber()
        """Asked where a model makes more of a recording whose words are known, and nobody said them."""
        self._prompts: frozenset[str] | None = None
        self._catalog = catalog
        self._store = store
        self._lines: dict[str, _Line] = {}
        self._failures: WeakKeyDictionary[ModelHost, Counter[str]] = WeakKeyDictionary()
        """Of making voices anew, by model and voice."""
        self._watching: asyncio.Task[None] | None = None

    # --- what there is ----------------------------------------------------------------------------------------------

    def listed(self, model: str | None = None) -> list[ListedVoice]:
        """Every voice of every loaded model (or of one), cloned ones after the model's own; the default model first.

        Raises ``ModelNotFound``.
        """
        only = self._catalog.named(model)
        found: list[ListedVoice] = []
        for status in sorted(self._catalog.statuses(), key=lambda status: not status.is_default):
            info = status.info
            if info is None or (only is not None and only.name != status.name):
                continue
            for voice in info.voices:
                first = status.is_default and voice.id == info.default_voice
                found.append(ListedVoice(status.name, voice, is_default=first))
            mine = [stored for stored in self.stored() if stored.model == status.name]
            found += [ListedVoice(status.name, _info_of(stored, info), stored) for stored in mine]
        return found

    def stored(self) -> list[StoredVoice]:
        """The cloned voices, the oldest first; also those of models that are not served now."""
        return self._store.all() if self._store is not None else []

    def find(self, name: str) -> StoredVoice | None:
        """The cloned voice of that id, alias or name."""
        return self._store.find(name) if self._store is not None else None

    # --- making and changing ----------------------------------------------------------------------------------------

    async def clone(
        self,
        audio: bytes,
        draft: VoiceDraft,
        model: str | None = None,
        *,
        normalize: bool = True,
        replace: bool = False,
    ) -> StoredVoice:
        """Check a recording (any container), have the model derive a prompt, and keep both.

        ``normalize``: bring the recording to a usual level first. ``replace``: keep it in place of the voice of that
        alias, if there is one, which stays where anything is raised. ``model`` None: the default model if it can clone,
        else the first served one that can.

        Raises ``InvalidRequest``: ``code`` ``"cannot_clone"`` for a model that cannot, ``"bad_audio"``,
        ``"audio_too_short"``, ``"audio_too_long"``, ``"audio_too_quiet"``, ``"audio_clipped"``, ``"audio_noisy"`` for
        recordings, ``"transcript_required"`` where whisper finds no words in one, ``"alias_taken"``,
        ``"too_many_voices"``; ``ModelNotFound``, ``ModelNotReady``, ``ModelFailed``,
        ``Overloaded`` where too many wait.
        """
        store = self._there()
        draft = check_draft(draft)
        self._check_alias(draft.alias)
        if not (replace and store.has_alias(draft.alias)):
            store.check_room(draft.alias)
        if len(audio) > store.max_reference_bytes:
            raise InvalidRequest(
                f"The recording has {len(audio)} bytes; the limit is {store.max_reference_bytes}.",
                code="audio_too_long",
            )
        host = self._cloner(model)
        async with self._turn(host.name):
            checked = await check_aside(audio, normalize=normalize)
            clip = checked.clip(draft.reference_text, draft.language)
            if host.info is not None and host.info.uses_transcript and not clip.text:
                draft = updated(draft, reference_text=await self.transcriber.transcribe(clip))
                clip = checked.clip(draft.reference_text, draft.language)
            with self._catalog.leases.using(host):
                prompt = await host.prepare_voice(clip)
            return await asyncio.to_thread(lambda: store.create(draft, prompt, wav_bytes(clip), replace=replace))

    async def update(
        self, voice_id: str, *, name: str | None = None, language: str | None = None, description: str | None = None
    ) -> StoredVoice:
        """Change what is said of a cloned voice. Raises ``VoiceNotFound``, ``InvalidRequest``."""
        return await asyncio.to_thread(
            self._there().update, voice_id, name=name, language=language, description=description
        )

    async def delete(self, voice_id: str) -> None:
        """Remove a cloned voice. Raises ``VoiceNotFound``."""
        store = self._there()
        await asyncio.to_thread(store.delete, voice_id)
        self._tell_prompts(store)

    async def export(self, voice_id: str) -> bytes:
        """A cloned voice as a zip archive. Raises ``VoiceNotFound``."""
        return await asyncio.to_thread(self._there().export, voice_id)

    async def take_in(self, archive: bytes) -> StoredVoice:
        """Keep an exported voice. Raises ``InvalidRequest``."""
        return await asyncio.to_thread(self._there().take_in, archive)

    # --- keeping up -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Look from now on, every ``LOOK_EVERY_S``, for what other processes did."""
        if self._store is not None and self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="syrinx-voices")

    async def stop(self) -> None:
        """End the looking."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])

    async def look(self) -> None:
        """See what other processes did, and make voices anew whose model is of another revision now."""
        store = self._there()
        await asyncio.to_thread(store.refresh)
        self._tell_prompts(store)
        for stored in store.all():
            host = next((host for host in self._catalog.hosts if host.name == stored.model), None)
            if host is not None and self._catalog.can_renew(stored):
                await self._renew(store, host, stored)

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except RuntimeError as error:
                if "after shutdown" in str(error):
                    return  # the program ends without having stopped its engine: there are no threads any more
                _log.exception("The voices could not be looked at")
            except Exception:  # noqa: BLE001  whatever went wrong once, the next look may go well
                _log.exception("The voices could not be looked at")
            await asyncio.sleep(LOOK_EVERY_S)

    def _tell_prompts(self, store: VoiceStore) -> None:
        prompts = frozenset(stored.prompt.digest for stored in store.all())
        if prompts != self._prompts:
            self._prompts = prompts
            self.on_prompts(prompts)

    async def _renew(self, store: VoiceStore, host: ModelHost, stored: StoredVoice) -> None:
        draft, info = stored.draft, host.info
        try:
            async with self._turn(host.name):
                data = await asyncio.to_thread(store.clip, stored.voice_id)
                clip = await asyncio.to_thread(read_clip, data, draft.reference_text, draft.language)
                with self._catalog.leases.using(host):
                    prompt = await host.prepare_voice(clip)
                await asyncio.to_thread(store.replace_prompt, stored.voice_id, prompt)
            _log.info("The voice %s was made anew for the model %s", stored.voice_id, host.name)
        except (ModelNotReady, Overloaded):
            return  # at another look
        except SyrinxError as error:
            failures = self._failures.setdefault(host, Counter())
            failures[stored.voice_id] += 1
            if info is not None and (isinstance(error, InvalidRequest) or failures[stored.voice_id] >= MAX_RENEWALS):
                self._catalog.give_up(stored, info, str(error))
            _log.error("The voice %s cannot be made anew for the model %s: %s", stored.voice_id, host.name, error)

    # --- which and when ---------------------------------------------------------------------------------------------

    def _there(self) -> VoiceStore:
        if self._store is None:
            raise InvalidRequest("No cloned voices are kept here.", code="cannot_clone")
        return self._store

    def _check_alias(self, alias: str) -> None:
        owner = self._catalog.owner_of(alias) if alias else None
        if owner is not None or (alias and alias in DEFAULT_VOICES):
            whose = f"The model {owner.name!r} has a voice" if owner is not None else "There is a voice"
            raise InvalidRequest(f"{whose} {alias!r} already.", code="alias_taken", param="alias")

    def _cloner(self, model: str | None) -> ModelHost:
        """The model to clone with. Raises ``ModelNotFound``, ``ModelNotReady``, ``InvalidRequest`` (cannot_clone)."""
        asked = self._catalog.named(model)
        statuses = sorted(self._catalog.statuses(), key=lambda status: not status.is_default)
        able = [status.name for status in statuses if status.info is not None and status.info.clones]
        chosen = asked.name if asked is not None else (able or [statuses[0].name])[0]
        host = next(host for host in self._catalog.hosts if host.name == chosen)
        if host.info is None:
            raise ModelNotReady(f"The model {chosen!r} is still loading.")
        if not host.info.clones:
            others = ", ".join(entry.name for entry in MODELS.values() if entry.clones)
            those = f"these models can: {', '.join(able)}" if able else f"serve one that can: {others}"
            raise InvalidRequest(f"The model {chosen!r} cannot clone voices; {those}.", code="cannot_clone")
        return host

    @asynccontextmanager
    async def _turn(self, model: str) -> AsyncGenerator[None, None]:
        line = self._lines.setdefault(model, _Line())
        if line.waiting >= MAX_WAITING:
            raise Overloaded("Too many voices wait to be cloned.", RETRY_AFTER_S)
        line.waiting += 1
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                await line.turn.acquire()
        except TimeoutError:
            raise Overloaded("Other voices are being cloned.", RETRY_AFTER_S) from None
        finally:
            line.waiting -= 1
        try:
            yield
        finally:
            line.turn.release()


def _info_of(stored: StoredVoice, info: ModelInfo) -> VoiceInfo:
    """A cloned voice as lists show it."""
    draft = stored.draft
    return VoiceInfo(stored.voice_id, draft.name, (language_of(stored, info),), description=draft.description)
