"""The sidecar's voices: "0" and the cloned ones, and the recordings that new ones are made of."""

from __future__ import annotations

import asyncio
import os
import stat
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, VoiceNotFound
from syrinx.protocols.voicereader.answers import VoiceSummary, built_in_voice
from syrinx.protocols.voicereader.errors import bad_audio, clone_failed, forbidden, status_and_code
from syrinx.protocols.voicereader.requests import BUILT_IN, Clone, Patch, Speak
from syrinx.voices.voice import StoredVoice, VoiceDraft

if TYPE_CHECKING:
    from syrinx.engine.catalog import Choice
    from syrinx.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Voices:
    """What the routes need of the engine's."""

    engine: Engine
    folders: Sequence[Path]
    """Whose recordings may be named by path."""
    max_reference_bytes: int

    def all(self) -> list[VoiceSummary]:
        """The built-in one, then the cloned ones, the oldest first."""
        built_in = built_in_voice(self.engine.models()[0].name)
        return [built_in, *map(summary, self.engine.voices.stored())]

    def choose(self, speak: Speak) -> Choice:
        """Model and voice of a request for speech; for "0", one of the default model's voices that speaks the language
        asked for.

        Raises ``VoiceNotFound``, ``ModelNotReady``, ``InvalidRequest`` for a language that the model has no voice for.
        """
        if speak.voice_id == BUILT_IN:
            return self._built_in(speak.language)
        try:
            return self.engine.resolve(None, speak.voice_id)
        except VoiceNotFound as error:
            if self.engine.voices.find(speak.voice_id) is None:
                raise VoiceNotFound(f"There is no voice {speak.voice_id!r}.", param="voice_id") from None
            raise ModelNotReady(error.message) from None  # it is there, and what it speaks with is not

    def _built_in(self, language: str) -> Choice:
        choice = self.engine.resolve(None, None)
        default = choice.info.voice(choice.voice)
        if not language or (default is not None and _speaks(default.languages, language)):
            return choice
        for exactly in (True, False):
            for voice in choice.info.voices:
                if _speaks(voice.languages, language, exactly=exactly):
                    return self.engine.resolve(choice.model, voice.id)
        raise InvalidRequest(f"The model {choice.model!r} has no voice that speaks {language!r}.", param="language")

    async def clone(self, wanted: Clone) -> VoiceSummary:
        """Make a voice. Raises ``InvalidRequest`` with the codes of ``voicereader.errors``, ``ModelNotReady``."""

        reference = wanted.ref_audio
        if reference.path:
            audio = await asyncio.to_thread(read_reference, reference.path, self.folders, self.max_reference_bytes)
        else:
            audio = await asyncio.to_thread(reference.audio)
        draft = VoiceDraft(
            wanted.display_name,
            language=wanted.language,
            description=wanted.description,
            consent=wanted.consent,
            reference_text=wanted.ref_text,
        )
        model = self.engine.models()[0].name
        try:
            made = await self.engine.voices.clone(audio, draft, model, normalize=wanted.options.normalize_audio)
        except ModelFailed as error:
            raise clone_failed(error.message) from None
        except InvalidRequest as error:
            if error.param is None and status_and_code(error)[1] == "INVALID_REQUEST":
                raise clone_failed(error.message) from None  # a reason of the model's own
            raise
        return summary(made)

    async def change(self, voice_id: str, wanted: Patch) -> VoiceSummary:
        """Change what is said of a voice. Raises ``VoiceNotFound``, ``InvalidRequest`` (``forbidden``)."""
        voice_id = _cloned(voice_id)
        changed = await self.engine.voices.update(
            voice_id, name=wanted.display_name, language=wanted.language, description=wanted.description
        )
        return summary(changed)

    async def delete(self, voice_id: str) -> None:
        """Remove a voice. Raises ``VoiceNotFound``, ``InvalidRequest`` (``forbidden``)."""
        await self.engine.voices.delete(_cloned(voice_id))


def summary(voice: StoredVoice) -> VoiceSummary:
    """A cloned voice as the sidecar lists it."""
    draft = voice.draft
    return VoiceSummary(voice.voice_id, draft.name, voice.created_at, voice.model, draft.language, draft.description)


def read_reference(path: str, folders: Sequence[Path], max_bytes: int) -> bytes:
    """A recording on this machine, if it lies under one of ``folders`` once every link is followed.

    Raises ``InvalidRequest`` (``bad_audio``): in the same words for all that lies elsewhere, whether it exists or not.
    """
    found = _under(path, folders)
    try:
        # Not followed again, and not waited for: a link or a pipe may have been put in its place.
        descriptor = os.open(found, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise bad_audio("'path' names no file.")
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise bad_audio(f"'path' cannot be read: {error.strerror or error}.") from None
    if len(data) > max_bytes:
        raise bad_audio(f"The recording is longer than {max_bytes} bytes.")
    if not data:
        raise bad_audio("The recording is empty.")
    return data


def _under(path: str, folders: Sequence[Path]) -> Path:
    refusal = bad_audio("'path' may only name files in the folders of the setting reference_folders.")
    try:
        given = Path(path)
        found = given.resolve() if given.is_absolute() else None
        allowed = [folder.resolve() for folder in folders]
    except (OSError, ValueError, RuntimeError):
        raise refusal from None
    if found is None or not any(found.is_relative_to(folder) for folder in allowed):
        raise refusal
    return found


def _cloned(voice_id: str) -> str:
    if voice_id == BUILT_IN:
        raise forbidden("The built-in voice cannot be changed or removed.")
    try:
        return str(uuid.UUID(voice_id[:100]))
    except ValueError:
        raise VoiceNotFound(f"There is no voice {voice_id[:100]!r}.", param="voice_id") from None


def _speaks(languages: Sequence[str], wanted: str, *, exactly: bool = False) -> bool:
    """Whether one of the tags is the wanted one, or (unless ``exactly``) of the same language."""
    wanted = wanted.lower()
    tags = [tag.lower() for tag in languages]
    return wanted in tags or (not exactly and wanted.partition("-")[0] in (tag.partition("-")[0] for tag in tags))
