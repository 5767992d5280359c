"""``syrinx purge``."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from syrinx.core.errors import InvalidRequest

from .folder import settings_of
from .progress import StatusLine
from .table import print_table

KEPT = {
    "logs": ("logs",),
    "database": ("syrinx.db", "syrinx.db-wal", "syrinx.db-shm", "syrinx.db-journal"),
    "cache": ("cache",),
    "downloads": ("models", "hf-cache"),
    "environments": ("environments",),
    "voices": ("voices",),
}
"""What Syrinx keeps in a data folder, by the word for it. Nothing else there is ever touched."""
OTHERS_WORK = (".git", ".hg", ".svn", "pyproject.toml", "package.json")
"""Where one of these lies, the folder is somebody's project too, and ``models`` may be theirs."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file or folder to remove."""

    path: Path
    holds: str
    """A key of ``KEPT``."""
    size: int
    files: int


def purge(
    *,
    voices: Annotated[
        bool, Parameter(help="Cloned voices too, which cannot be made again without their clip.")
    ] = False,
    dry_run: Annotated[bool, Parameter(help="Only list what would be removed.")] = False,
    yes: Annotated[bool, Parameter(help="Do not ask.")] = False,
    data_dir: Annotated[Path | None, Parameter(help="The data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Remove what Syrinx keeps in its data folder: logs, database, cache, downloads. Lists it and asks first."""
    settings = settings_of(data_dir, config)
    folder = settings.data_dir
    if not folder.exists():
        print(f"There is no {folder.absolute()}: nothing to remove.")
        return 0
    check_folder(folder)
    items = list(what_is_there(folder, voices))
    if not items:
        print(f"There is nothing to remove in {folder.absolute()}.")
        return 0
    _show(items, folder)
    if settings.database_url:
        print("The database that database_url names is kept.")
    if dry_run:
        return 0
    if not yes and not _agreed():
        print("Nothing was removed.")
        return 1
    check_folder(folder)  # a server may have started while the question stood
    remove(items)
    print(f"Removed {_size(sum(item.size for item in items))}.")
    return 0


def check_folder(folder: Path) -> None:
    """Refuse what is not a folder of Syrinx's own, or is in use. Raises ``InvalidRequest`` with the reason."""
    from syrinx.server.run_file import MARK, State, find_servers

    where = folder.absolute()
    if folder.is_symlink() or not folder.is_dir():
        raise InvalidRequest(f"{where} is not a folder itself (links are not followed).")
    real = folder.resolve()
    if real == real.parent or real == Path.home().resolve():
        raise InvalidRequest(f"{where} is not a folder of Syrinx's own.")
    others = next((name for name in OTHERS_WORK if (folder / name).exists()), None)
    if others is not None:
        raise InvalidRequest(f"{where} holds somebody's project ({others}): remove what you want to by hand.")
    mark = folder / MARK
    if mark.is_symlink() or not mark.is_file():
        raise InvalidRequest(f"{where} is not a data folder of Syrinx: no server has used it (it has no {MARK}).")
    for found in find_servers(folder):
        if found.state is State.RUNNING:
            raise InvalidRequest(f"A server is using {where}: {found.server.url}. Stop it first: syrinx stop.")
        if found.state is State.ELSEWHERE:
            told = f"{found.server.url} on {found.server.machine}"
            raise InvalidRequest(f"A server is using {where}: {told}. If it is gone, remove {found.path.absolute()}.")


def what_is_there(folder: Path, voices: bool) -> Iterator[Item]:
    """What would be removed. A link at the top, and what only looks like ours, is left alone."""
    line = StatusLine()
    try:
        for holds, names in KEPT.items():
            for name in names if voices or holds != "voices" else ():
                path = folder / name
                if path.is_symlink():
                    print(f"{path} is a link and is left alone.", file=sys.stderr)
                elif path.is_file() if holds == "database" else path.is_dir():
                    size, files = _measure(path, line)
                    yield Item(path, holds, size, files)
    finally:
        line.clear()


def remove(items: list[Item]) -> None:
    """Remove them; links inside are removed, not followed. Raises ``OSError`` at the first that cannot be."""
    line = StatusLine()
    try:
        for item in items:
            line.show(f"Removing {item.path}")
            if item.path.is_dir() and not item.path.is_symlink():
                shutil.rmtree(item.path)
            else:
                item.path.unlink(missing_ok=True)
    finally:
        line.clear()


def _measure(path: Path, line: StatusLine) -> tuple[int, int]:
    """Bytes and number of files of ``path`` and below, links not followed."""
    if path.is_file():
        return path.lstat().st_size, 1
    size = files = 0
    for place, _, names in os.walk(path, followlinks=False):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a download that is tidied up meanwhile
                size, files = size + Path(place, name).lstat().st_size, files + 1
        line.show(f"Looked at {files} files")
    return size, files


def _show(items: list[Item], folder: Path) -> None:
    rows = [(item.holds, _size(item.size), str(item.files), str(item.path.absolute())) for item in items]
    print_table(("WHAT", "SIZE", "FILES", "PATH"), rows)
    if (folder / "voices").exists() and not any(item.holds == "voices" for item in items):
        print("Voices are kept; --voices removes them too.")


def _agreed() -> bool:
    """Ask. Raises ``InvalidRequest`` where nobody can answer."""
    if not sys.stdin.isatty():
        raise InvalidRequest("Nobody is there to ask: give --yes to remove this, or --dry-run to only list it.")
    try:
        return input("Remove all of this? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _size(size: int) -> str:
    for unit, bytes_in in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= bytes_in:
            return f"{size / bytes_in:.1f} {unit}"
    return f"{size} bytes"
