"""``syrinx voices clone``, ``export``, ``import`` and ``delete``: cloned voices in a data folder, without a server.

A server that runs on the same folder sees what they did within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from syrinx.core.errors import InvalidRequest, VoiceNotFound

from .progress import EVERY_S, StatusLine
from .table import print_json

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.voices.store import StoredVoice, VoiceDraft, VoiceStore

Folder = Annotated[Path | None, Parameter(name="--data-dir", help="The data folder (.data).")]
SHOWN_CHARS = 60


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class CloneOptions:
    """What is said of the voice, and how it is made."""

    name: Annotated[str, Parameter(help="What the voice is called.")]
    consent: Annotated[str, Parameter(help="Who allowed it to be cloned, and how; kept with the voice.")]
    alias: Annotated[str, Parameter(help="An id for programs: letters, digits, - and _.")] = ""
    language: Annotated[str, Parameter(help="BCP 47 tag, e.g. en or pt-BR; else the model's.")] = ""
    description: Annotated[str, Parameter(help="A sentence about it.")] = ""
    text: Annotated[str, Parameter(help="What is said in the recording, where the model wants to know.")] = ""
    model: Annotated[str | None, Parameter(help="The model to clone with; else the first served one that can.")] = None
    normalize: Annotated[bool, Parameter(negative="--no-normalize", help="Bring the recording to a usual level.")] = (
        True
    )

    def draft(self) -> VoiceDraft:
        """Raises ``InvalidRequest``."""
        from syrinx.voices.voice import VoiceDraft, check_draft

        return check_draft(VoiceDraft(self.name, self.alias, self.language, self.description, self.consent, self.text))


def clone_voice(
    recording: Annotated[Path, Parameter(help="3 to 30 s of speech: wav, mp3, flac, ogg, m4a, ...")],
    /,
    *,
    options: CloneOptions,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: Folder = None,
) -> int:
    """Make a voice of a recording."""
    from syrinx.config import read_settings
    from syrinx.voices.clip import MAX_SECONDS
    from syrinx.voices.reference import check_reference

    settings = read_settings(os.environ, _flags(data_dir, options.model))
    draft = options.draft()
    audio = _read(recording, settings.max_reference_bytes)
    seconds = check_reference(audio).seconds  # before a model is loaded for nothing
    if seconds > MAX_SECONDS:
        print(f"The recording has {seconds:.0f} s of speech; the first {MAX_SECONDS:g} s are used.", file=sys.stderr)
    voice = asyncio.run(_clone(settings, audio, draft, options.normalize))
    if json:
        print_json(_told(voice))
    else:
        print(f"{voice.draft.name} is the voice {voice.draft.alias or voice.voice_id} of the model {voice.model}.")
    return 0


def export_voice(
    voice: Annotated[str, Parameter(help="Its id, alias or name.")],
    /,
    *,
    output: Annotated[
        Path | None, Parameter(name=("--output", "-o"), help="The zip file; else named as it is.")
    ] = None,
    data_dir: Folder = None,
) -> int:
    """Write a cloned voice to a zip file, its recording included."""
    store = _store(data_dir)
    stored = _find(store, voice)
    path = output or Path(f"{stored.draft.alias or stored.voice_id}.zip")
    data = store.export(stored.voice_id)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    print(path)
    return 0


def import_voice(
    archive: Annotated[Path, Parameter(help="A zip file of export.")],
    /,
    *,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: Folder = None,
) -> int:
    """Keep an exported voice, under a new id."""
    from syrinx.voices.archive import MAX_ARCHIVE_BYTES

    stored = _store(data_dir).take_in(_read(archive, MAX_ARCHIVE_BYTES))
    if json:
        print_json(_told(stored))
    else:
        print(f"{stored.draft.name} is the voice {stored.draft.alias or stored.voice_id} of the model {stored.model}.")
    return 0


def delete_voice(
    voice: Annotated[str, Parameter(help="Its id, alias or name.")],
    /,
    *,
    yes: Annotated[bool, Parameter(help="Do not ask.")] = False,
    data_dir: Folder = None,
) -> int:
    """Remove a cloned voice with its recording, for good. Says which and asks first."""
    store = _store(data_dir)
    stored = _find(store, voice)
    print(f"{stored.draft.name}: {stored.reference.parent}")
    if not yes and not agreed():
        print("Nothing was removed.")
        return 1
    store.delete(stored.voice_id)
    print("Removed.")
    return 0


def agreed() -> bool:
    """Nobody at a terminal is a no."""
    if not sys.stdin.isatty():
        print("Nobody can be asked here: add --yes.", file=sys.stderr)
        return False
    return input("Remove it? [y/N] ").strip().lower() in ("y", "yes")


async def _clone(settings: Settings, audio: bytes, draft: VoiceDraft, normalize: bool) -> StoredVoice:
    from syrinx.wiring import build_engine

    engine = build_engine(settings)
    try:
        async with _shown("Loading"):
            await engine.start()
        async with _shown("Cloning"):
            return await engine.voices.clone(audio, draft, normalize=normalize)
    finally:
        await engine.stop()


@contextlib.asynccontextmanager
async def _shown(what: str) -> AsyncGenerator[None, None]:
    """Tell how long it lasts, once that is more than a second."""
    line = StatusLine()

    async def tell() -> None:
        while True:
            line.show(what)
            await asyncio.sleep(EVERY_S)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        line.clear()


def _store(data_dir: Path | None) -> VoiceStore:
    from syrinx.voices.store import VoiceStore

    from .folder import settings_of

    settings = settings_of(data_dir, None)
    return VoiceStore(settings.data_dir / "voices", settings.max_voices, settings.max_reference_bytes)


def _find(store: VoiceStore, name: str) -> StoredVoice:
    found = store.find(name)
    if found is None:
        raise VoiceNotFound(f"There is no cloned voice {name[:SHOWN_CHARS]!r}.")
    return found


def _flags(data_dir: Path | None, model: str | None) -> dict[str, object]:
    """The settings of an engine that is to clone and nothing else."""
    return {"data_dir": data_dir, "models": (model,) if model else None, "warmup_on_startup": False}


def _read(path: Path, most_bytes: int) -> bytes:
    """All of a file. Raises ``InvalidRequest`` where it has more than that, ``OSError``."""
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise InvalidRequest(f"{path} has more than {most_bytes} bytes.")
    return data


def _told(voice: StoredVoice) -> dict[str, object]:
    return {
        "id": voice.voice_id,
        "alias": voice.draft.alias,
        "name": voice.draft.name,
        "model": voice.model,
        "created_at": voice.created_at,
        "folder": str(voice.reference.parent),
    }
