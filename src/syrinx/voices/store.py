"""Cloned voices on disk: ``<data>/voices/<uuid>/`` with ``meta.json``, ``prompt.safetensors`` and the clip.

A voice is made in a hidden folder and appears by one rename; it goes by another. So a process that is killed at any
moment leaves no half voice, and what it was at is swept away by the next that writes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from syrinx.core.errors import InvalidRequest, SyrinxError, VoiceNotFound
from syrinx.core.types import VoicePrompt
from syrinx.models.prompt import decode_prompt

from . import archive
from .clip import MAX_CLIP_BYTES, read_clip
from .disk import Disk, locked, read_file
from .voice import CLIP, META, PROMPT, StoredVoice, VoiceDraft, check_draft, decode_draft, decode_meta, encode_meta

__all__ = ["StoredVoice", "VoiceDraft", "VoiceStore"]

_log = logging.getLogger("syrinx.voices")

NEW, GONE = ".new-", ".gone-"
"""How the names of folders begin that are being made, or removed."""
LOCK = ".lock"
RACY_NS = 100_000_000
"""A folder changed so shortly before it was read may change again without its time showing it: clocks of file systems
tick every few milliseconds."""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """All that is known of the folder, never changed: readers take it as it is."""

    voices: tuple[StoredVoice, ...] = ()
    by_id: Mapping[str, StoredVoice] = field(default_factory=dict)
    by_alias: Mapping[str, StoredVoice] = field(default_factory=dict)
    by_name: Mapping[str, StoredVoice] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()
    """Ids of voices that others were made in place of, and whose folders are still there."""
    seen: Mapping[str, tuple[tuple[int, ...], StoredVoice | None]] = field(default_factory=dict)
    """By folder, as its ``meta.json`` was; None: unreadable."""
    stamp: int = -1
    """The folder's time, in nanoseconds; -1: look anew."""


class VoiceStore:
    """Keeps what is in the folder in memory, so that finding a voice costs nothing. All else blocks: call it in a
    thread. Any number of threads and processes may use one folder."""

    def __init__(
        self,
        folder: Path,
        max_voices: int = 1000,
        max_reference_bytes: int = 16_000_000,
        disk: Disk | None = None,
    ) -> None:
        """``max_reference_bytes``: of a recording to clone, as a file. Reads the folder, which need not be there."""
        self.max_reference_bytes = max_reference_bytes
        self._folder = folder.absolute()
        self._max_voices = max_voices
        self._disk = disk or Disk()
        self._reading = threading.Lock()
        self._shelf = _Shelf()
        self.refresh()

    # --- from memory ------------------------------------------------------------------------------------------------

    def all(self) -> list[StoredVoice]:
        """Every voice, the oldest first; unreadable ones are left out and logged."""
        return list(self._shelf.voices)

    def find(self, name: str) -> StoredVoice | None:
        """The voice of that id, else of that alias, else the oldest of that name."""
        shelf = self._shelf
        return shelf.by_id.get(name) or shelf.by_alias.get(name) or shelf.by_name.get(name)

    def has_alias(self, alias: str) -> bool:
        """Whether a voice has that alias."""
        return alias in self._shelf.by_alias

    # --- from the disk ----------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """See what other processes changed; return whether anything did. Costs one look at the folder where not."""
        with self._reading:
            try:
                stamp = os.stat(self._folder).st_mtime_ns
            except OSError:
                stamp = 0  # not there: nothing was ever kept
            if stamp == self._shelf.stamp:
                return False
            before, self._shelf = self._shelf, self._read(stamp)
            return before.voices != self._shelf.voices

    def create(self, draft: VoiceDraft, prompt: bytes, clip: bytes, *, replace: bool = False) -> StoredVoice:
        """Keep a new voice: all of it or nothing. ``clip`` is a WAV file; model and revision are in ``prompt``.

        ``replace``: in place of the voice of that alias, if there is one; it goes as the new one comes.

        Raises ``InvalidRequest`` for a draft out of bounds, no prompt (``bad_prompt``), an alias that is taken
        (``alias_taken``), or a full store (``too_many_voices``); ``SyrinxError`` where the disk does not take it.
        """
        draft = check_draft(draft)
        made = decode_prompt(prompt)
        if len(clip) > MAX_CLIP_BYTES:
            raise InvalidRequest(f"The clip has {len(clip)} bytes; the limit is {MAX_CLIP_BYTES}.", code="bad_audio")
        with self._writing():
            old = self._shelf.by_alias.get(draft.alias) if replace else None
            if old is None:
                self.check_room(draft.alias)
            voice_id = str(uuid.uuid4())
            folder = self._folder / voice_id
            voice = StoredVoice(
                voice_id,
                draft,
                datetime.now(UTC).isoformat(),
                made.model,
                made.revision,
                VoicePrompt(hashlib.sha256(prompt).hexdigest(), str(folder / PROMPT)),
                folder / CLIP,
                replaces=old.voice_id if old is not None else "",
            )
            self._make(voice, {PROMPT: prompt, CLIP: clip, META: encode_meta(voice)})
            if old is not None:
                self._discard(old.voice_id)
        return voice

    def check_room(self, alias: str = "") -> None:
        """Raise what ``create`` would raise for one more voice of that alias."""
        if len(self._shelf.voices) >= self._max_voices:
            raise InvalidRequest(
                f"There are {len(self._shelf.voices)} cloned voices; the limit is {self._max_voices}.",
                code="too_many_voices",
            )
        if alias and alias in self._shelf.by_alias:
            raise InvalidRequest(f"There is a voice with the alias {alias!r}.", code="alias_taken", param="alias")

    def update(
        self, voice_id: str, *, name: str | None = None, language: str | None = None, description: str | None = None
    ) -> StoredVoice:
        """Change what is said of a voice. Raises ``VoiceNotFound``, ``InvalidRequest``."""
        given = {"name": name, "language": language, "description": description}
        with self._writing():
            voice = self._get(voice_id)
            draft = check_draft(replace(voice.draft, **{key: v for key, v in given.items() if v is not None}))
            voice = replace(voice, draft=draft)
            self._overwrite(voice, META, encode_meta(voice))
        return voice

    def replace_prompt(self, voice_id: str, prompt: bytes) -> StoredVoice:
        """Keep another prompt of a voice, made anew. Raises ``VoiceNotFound``, ``InvalidRequest``.

        Killed between the two renames, it leaves the new prompt with the digest of the old: the voice is then made anew
        again, for its ``revision`` still says the old one.
        """
        made = decode_prompt(prompt)
        with self._writing():
            voice = self._get(voice_id)
            digest = hashlib.sha256(prompt).hexdigest()
            voice = replace(
                voice, model=made.model, revision=made.revision, prompt=replace(voice.prompt, digest=digest)
            )
            self._overwrite(voice, PROMPT, prompt)
            self._overwrite(voice, META, encode_meta(voice))
        return voice

    def delete(self, voice_id: str) -> None:
        """Remove a voice with all its files. Raises ``VoiceNotFound``."""
        with self._writing():
            self._get(voice_id)
            self._discard(voice_id)

    def clip(self, voice_id: str) -> bytes:
        """The reference clip, a WAV file. Raises ``VoiceNotFound``."""
        return self._file(self._get(voice_id), CLIP, MAX_CLIP_BYTES)

    def export(self, voice_id: str) -> bytes:
        """The voice as a zip archive. Raises ``VoiceNotFound``."""
        voice = self._get(voice_id)
        return archive.pack({name: self._file(voice, name, most) for name, most in archive.LIMITS.items()})

    def take_in(self, data: bytes) -> StoredVoice:
        """Keep an exported voice under a new id.

        Raises ``InvalidRequest`` for what is no such archive (``bad_archive``, ``bad_prompt``, ``bad_meta``,
        ``bad_audio``), and as ``create`` does.
        """
        files = archive.unpack(data)
        draft = decode_draft(files[META])
        read_clip(files[CLIP])
        return self.create(draft, files[PROMPT], files[CLIP])

    # --- how --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Generator[None, None, None]:
        """Hold the folder against all others, with all they did in sight, and show what was done."""
        try:
            self._disk.make_folder(self._folder)
            with locked(self._folder / LOCK):
                self.refresh()
                self._sweep()
                try:
                    yield
                finally:
                    self.refresh()
        except OSError as error:
            raise SyrinxError(f"The voices cannot be written: {error.strerror or error}.") from None

    def _sweep(self) -> None:
        """Remove what killed processes left. Nobody else writes now, so all of it is theirs."""
        for voice_id in self._shelf.replaced:
            self._discard(voice_id)
        for entry in list(os.scandir(self._folder)):
            if entry.name.startswith((NEW, GONE)):
                self._disk.remove(Path(entry.path))

    def _discard(self, voice_id: str) -> None:
        gone = self._folder / (GONE + voice_id)
        self._disk.rename(self._folder / voice_id, gone)
        self._disk.sync_folder(self._folder)
        self._disk.remove(gone)

    def _make(self, voice: StoredVoice, files: Mapping[str, bytes]) -> None:
        new = self._folder / (NEW + voice.voice_id)
        try:
            self._disk.make_folder(new)
            for name, content in files.items():
                self._disk.write(new / name, content)
            self._disk.sync_folder(new)
            self._disk.rename(new, self._folder / voice.voice_id)
        except OSError:
            self._disk.remove(new)
            raise
        self._disk.sync_folder(self._folder)

    def _overwrite(self, voice: StoredVoice, name: str, content: bytes) -> None:
        folder = self._folder / voice.voice_id
        new = folder / (NEW + name)
        self._disk.remove(new)
        try:
            self._disk.write(new, content)
            self._disk.rename(new, folder / name)
        except OSError:
            self._disk.remove(new)
            raise
        self._disk.sync_folder(folder)
        self._disk.touch(self._folder)

    def _get(self, voice_id: str) -> StoredVoice:
        voice = self._shelf.by_id.get(voice_id)
        if voice is None:
            raise VoiceNotFound(f"There is no cloned voice {voice_id[:100]!r}.", param="voice_id")
        return voice

    def _file(self, voice: StoredVoice, name: str, most: int) -> bytes:
        try:
            return read_file(self._folder / voice.voice_id / name, most)
        except OSError:
            raise VoiceNotFound(f"The voice {voice.draft.name!r} has no readable {name}.", param="voice_id") from None

    def _read(self, stamp: int) -> _Shelf:
        racy = time.time_ns() - stamp < RACY_NS
        seen: dict[str, tuple[tuple[int, ...], StoredVoice | None]] = {}
        for name in self._folders():
            mark = self._mark(name)
            known = self._shelf.seen.get(name)
            seen[name] = known if known is not None and known[0] == mark else (mark, self._read_voice(name))
        readable = [voice for _, voice in seen.values() if voice is not None]
        replaced = frozenset(voice.replaces for voice in readable) & frozenset(seen)
        voices = sorted((voice for voice in readable if voice.voice_id not in replaced), key=_age)
        oldest_last = voices[::-1]
        return _Shelf(
            voices=tuple(voices),
            by_id={voice.voice_id: voice for voice in voices},
            by_alias={voice.draft.alias: voice for voice in oldest_last if voice.draft.alias},
            by_name={voice.draft.name: voice for voice in oldest_last},
            replaced=replaced,
            seen=seen,
            stamp=-1 if racy else stamp,
        )

    def _folders(self) -> list[str]:
        """Names of all folders (no links) that are ids."""
        try:
            with os.scandir(self._folder) as entries:
                return [e.name for e in entries if _is_id(e.name) and e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        except OSError as error:
            _log.error("The voices cannot be read: %s", error)
            return []

    def _mark(self, name: str) -> tuple[int, ...]:
        try:
            found = os.stat(self._folder / name / META, follow_symlinks=False)
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read_voice(self, name: str) -> StoredVoice | None:
        try:
            return decode_meta(read_file(self._folder / name / META, archive.MAX_META_BYTES), self._folder / name)
        except (OSError, InvalidRequest) as error:
            _log.warning("The voice %s is left out: %s", name, error)
            return None


def _is_id(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def _age(voice: StoredVoice) -> tuple[float, str]:
    return datetime.fromisoformat(voice.created_at).timestamp(), voice.voice_id
