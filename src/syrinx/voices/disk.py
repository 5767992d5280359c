"""What the voice store does to files: private, whole or not at all, and never through a link."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Generator
from pathlib import Path

from syrinx.core.errors import Overloaded
from syrinx.core.locks import try_lock

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""``O_NONBLOCK``: opening a named pipe must not wait for its writer."""
_BINARY = getattr(os, "O_BINARY", 0)
LOCK_WAIT_S = 10.0
"""Longest wait for another process to finish writing a voice."""
LOCK_EVERY_S = 0.01


class Disk:
    """Every change, each told to ``before`` by name just before it is made (tests end the process there)."""

    def __init__(self, before: Callable[[str], None] | None = None) -> None:
        self._before = before or (lambda step: None)

    def make_folder(self, path: Path) -> None:
        """Make a folder for this user alone, and those above it. Nothing happens where it is there."""
        self._before(f"mkdir {path.name}")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Make a new file for this user alone, and wait until it is safe. Raises ``FileExistsError``."""
        self._before(f"open {path.name}")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS | _BINARY, 0o600)
        try:
            view = memoryview(data)
            while view:
                self._before(f"write {path.name}")
                view = view[os.write(file, view[: 1 << 20]) :]
            self._before(f"fsync {path.name}")
            os.fsync(file)
        finally:
            os.close(file)

    def rename(self, old: Path, new: Path) -> None:
        """Rename at once; what was a file of the new name is gone."""
        self._before(f"rename {old.name} {new.name}")
        os.replace(old, new)

    def sync_folder(self, path: Path) -> None:
        """Wait until the folder's names are safe (where the system can)."""
        self._before(f"fsync {path.name}")
        if hasattr(os, "O_DIRECTORY"):
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def touch(self, path: Path) -> None:
        """Let the folder look changed to other processes."""
        self._before(f"utime {path.name}")
        os.utime(path)

    def remove(self, path: Path) -> None:
        """Remove a folder with all in it, or a file or a link itself; what cannot be removed stays."""
        self._before(f"remove {path.name}")
        with contextlib.suppress(OSError):
            if path.is_symlink() or not path.is_dir():
                path.unlink()
                return
            for entry in list(os.scandir(path)):
                self._before(f"unlink {entry.name}")
                os.unlink(entry.path)
            self._before(f"rmdir {path.name}")
            path.rmdir()
        if path.is_dir():  # folders in it, which are not ours
            shutil.rmtree(path, ignore_errors=True)


def read_file(path: Path, most_bytes: int) -> bytes:
    """Return all of a plain file. Raises ``OSError``: it is not there, is a link or no file, or has more than that."""
    file = os.open(path, os.O_RDONLY | _NO_LINKS | _BINARY)
    with os.fdopen(file, "rb") as stream:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most_bytes:
            raise OSError(f"{path.name} is no plain file of at most {most_bytes} bytes")
        return stream.read(most_bytes)


@contextlib.contextmanager
def locked(path: Path, wait_s: float = LOCK_WAIT_S) -> Generator[None, None, None]:
    """Hold a lock against every thread and process; a process that ends lets go of it.

    Raises ``Overloaded`` where it is not to be had in ``wait_s``.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINKS | _BINARY, 0o600)
    try:
        until = time.monotonic() + wait_s
        while not try_lock(file):
            if time.monotonic() > until:
                raise Overloaded("Another process is writing voices.", LOCK_WAIT_S)
            time.sleep(LOCK_EVERY_S)
        yield
    finally:
        os.close(file)  # lets go of the lock
