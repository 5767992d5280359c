"""What a running engine does for the Python API. All of it happens on the engine's own event loop."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syrinx.config import Settings
from syrinx.core.errors import EmptyText, InvalidRequest, SyrinxError, TextTooLong, VoiceNotFound
from syrinx.core.types import AudioFormat, Samples, SpeechRequest
from syrinx.engine.engine import Engine
from syrinx.engine.policy import SessionOptions
from syrinx.voices.store import VoiceDraft
from syrinx.workers.host import HostState

from .chunks import Cutter
from .config import TTSConfig
from .plan import in_own_words, reference_of
from .speech import Ask, Speech

DEFAULT = "default"
"""The first speaker: the recording's voice where there is one, else the model's default."""
PCM16, FLOAT32 = "pcm_s16le", "pcm_f32le"
PCM16_BYTES = 2
AT_ONCE = 8
"""Texts of a batch that are spoken side by side; the rest waits here and not in the engine's line."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One text of a batch: its samples (float32, shape (n,)), or why there are none."""

    samples: Samples | None = None
    error: SyrinxError | None = None


class Service:
    """Speaks, lists and reports. ``prepare`` first."""

    def __init__(self, engine: Engine, config: TTSConfig, settings: Settings) -> None:
        self._engine = engine
        self._config = config
        self._settings = settings
        self._voice: str | None = None
        """Of the recording."""

    async def prepare(self) -> None:
        """Load the model and clone the voice. Raises ``ModelNotReady``, and ``InvalidRequest`` about the recording."""
        recording = await asyncio.to_thread(reference_of, self._config, self._settings.max_reference_bytes)
        await self._engine.start()
        if self._settings.warmup_on_startup:
            await self._engine.warmup.trigger(wait=True, reason="initialize")
        if recording is not None:
            try:
                self._voice = await self._clone(recording)
            except InvalidRequest as error:
                error.param = "reference_audio"
                raise

    # --- speaking ---------------------------------------------------------------------------------------------------

    def stream(self, ask: Ask) -> Speech:
        """An utterance in chunks of 16-bit samples, as configured. May be called anywhere."""
        samples = self._config.chunk_samples
        size = None if samples is None else samples * PCM16_BYTES
        return Speech(ask, Cutter(size), self._config.pad_length * PCM16_BYTES)

    async def begin(self, speech: Speech, text: str | None, container: str = PCM16) -> None:
        """Start to speak; ``text`` None: it comes by ``Speech.say``. Raises ``SyrinxError``."""
        if text is not None:
            self._check(text)
        request = SpeechRequest(
            voice=self._voice_of(speech.ask.speaker),
            delivery=speech.ask.delivery,
            audio=AudioFormat(container, self._config.sample_rate),
            service_class=speech.ask.service_class,
        )
        idle_flush_s = self._settings.flush_idle_ms / 1000 or None
        options = SessionOptions("python", ordered=False, max_pending=1, idle_flush_s=idle_flush_s)
        speech.begin(self._engine.session(options), request)
        if text is not None:
            speech.say(text)
            speech.end()

    async def batch(self, items: Sequence[tuple[str, Ask]]) -> list[Spoken]:
        """Speak every text; what fails is told in its place."""
        turn = asyncio.Semaphore(AT_ONCE)
        return await asyncio.gather(*(self._whole(text, ask, turn) for text, ask in items))

    async def _whole(self, text: str, ask: Ask, turn: asyncio.Semaphore) -> Spoken:
        speech = Speech(ask, Cutter(None), self._config.pad_length * np.dtype(np.float32).itemsize)
        async with turn:
            try:
                self._check(text)  # None would mean that it comes later
                await self.begin(speech, text, FLOAT32)
                data = await speech.next()
                await speech.next()  # raises where it broke off in the middle
            except SyrinxError as error:
                return Spoken(error=in_own_words(error))
            finally:
                speech.close()
        return Spoken(np.frombuffer(data or b"", "<f4").astype(np.float32))

    def _check(self, text: object) -> None:
        if not isinstance(text, str):
            raise InvalidRequest(f"The text must be str, not {type(text).__name__}.", param="text")
        if not text.strip():
            raise EmptyText("The text is empty: there is nothing to speak.", param="text")
        if len(text) > self._settings.max_text_chars:
            raise TextTooLong(self._settings.max_text_chars, len(text), param="text")

    # --- voices -----------------------------------------------------------------------------------------------------

    def speakers(self) -> list[str]:
        """``default``, then the model's voices, then the cloned ones."""
        names = [
            listed.stored.draft.alias or listed.info.id if listed.stored else listed.info.id
            for listed in self._engine.voices.listed()
        ]
        return [DEFAULT, *names]

    def _voice_of(self, speaker: object) -> str | None:
        """The engine's name for a speaker. Raises ``VoiceNotFound``, ``InvalidRequest``."""
        if isinstance(speaker, bool) or not isinstance(speaker, int | str | None):
            raise InvalidRequest(f"A speaker is a number or a name, not {speaker!r:.100}.", param="speaker_id")
        if isinstance(speaker, int):
            names = self.speakers()
            if not 0 <= speaker < len(names):
                raise VoiceNotFound(
                    f"There is no speaker {speaker}; there are {len(names)}, 0 to {len(names) - 1}.", param="speaker_id"
                )
            speaker = names[speaker]
        if speaker is None or speaker == DEFAULT:
            return self._voice
        try:
            self._engine.resolve(None, speaker)
        except SyrinxError as error:
            raise in_own_words(error) from None
        return speaker

    async def _clone(self, recording: bytes) -> str:
        """The id of the recording's voice, made at the first time only."""
        voices = self._engine.voices
        model = self._engine.models()[0].name
        alias = f"reference-{model}-{hashlib.sha256(recording).hexdigest()[:16]}"[:64]
        await voices.look()  # another process may have made it, or an older version of the model
        stored = voices.find(alias)
        if stored is None:
            draft = VoiceDraft("Reference recording", alias, description="Made of reference_audio by the Python API.")
            try:
                stored = await voices.clone(recording, draft, model)
            except InvalidRequest as error:
                if error.code != "alias_taken":
                    raise
                await voices.look()  # somebody made it just now
                stored = voices.find(alias)
                if stored is None:
                    raise
        self._engine.resolve(None, stored.voice_id)  # raises where it could not be made anew
        return stored.voice_id

    # --- state ------------------------------------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        """Whether it can speak now, which model does, and why not."""
        model = self._engine.models()[0]
        running = model.status.state is HostState.READY
        return {
            "status": "healthy" if running else "unhealthy",
            "model": model.name,
            "detail": ""
            if running
            else model.status.detail or f"The model {model.name} is {model.status.state.value}.",
            "reason": model.reason,
            "running": model.status.running_jobs,
            "restarts": model.status.restarts,
        }
