"""Where the response cache keeps its files: an interface small enough for a bucket, and a folder of this user's own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from obstore.store import LocalStore


T = TypeVar("T")


class Blobs(Protocol):
    """Files by name, written whole or not at all. Every method may raise ``OSError``."""

    async def sizes(self) -> dict[str, int]:
        """Bytes of every file by name; what an interrupted write left is removed."""
        ...

    async def put(self, name: str, data: bytes) -> None: ...

    async def read(self, name: str, decode: Callable[[bytes], T]) -> T:
        """What ``decode`` makes of the file, in the thread that reads it: each change of threads costs a tenth of a
        millisecond. Raises ``FileNotFoundError``, and what ``decode`` raises."""
        ...

    def glance(self, name: str, size: int) -> bytes | None:
        """The file of that many bytes where it can be had at once; None where it is another, or the disk is slow."""
        ...

    async def delete(self, name: str) -> None:
        """A file that is not there is no error."""
        ...


class FolderBlobs:
    """Files in a folder that only this user may enter, readable by this user alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: LocalStore | None = None

    async def sizes(self) -> dict[str, int]:
        return await asyncio.to_thread(self._sweep)

    async def put(self, name: str, data: bytes) -> None:
        import obstore

        with _as_os_error():
            await obstore.put_async(self._store(), name, data)
        await asyncio.to_thread(os.chmod, self._folder / name, 0o600)  # till then the folder keeps others out

    async def read(self, name: str, decode: Callable[[bytes], T]) -> T:
        return await asyncio.to_thread(self._read, name, decode)

    def glance(self, name: str, size: int) -> bytes | None:
        """What the system has in memory anyway (Linux, where the file system can tell: preadv2(2))."""
        if sys.platform != "linux":
            return None
        try:
            with (self._folder / name).open("rb", buffering=0) as file:
                content = bytearray(size + 1)
                read = os.preadv(file.fileno(), [content], 0, os.RWF_NOWAIT)
        except OSError:
            return None
        return bytes(content[:size]) if read == size else None

    async def delete(self, name: str) -> None:
        import obstore

        try:
            with _as_os_error():
                await obstore.delete_async(self._store(), name)
        except FileNotFoundError:
            pass  # gone is what was asked for

    def _read(self, name: str, decode: Callable[[bytes], T]) -> T:
        return decode((self._folder / name).read_bytes())  # obstore takes six times as long

    def _store(self) -> LocalStore:
        if self._opened is None:
            from obstore.store import LocalStore

            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            with _as_os_error():
                self._opened = LocalStore(self._folder)
        return self._opened

    def _sweep(self) -> dict[str, int]:
        self._store()
        sizes: dict[str, int] = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if "#" in entry.name:  # obstore's staging file: NAME#NUMBER
                    os.unlink(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
        return sizes


@contextmanager
def _as_os_error() -> Generator[None, None, None]:
    """Turn obstore's own errors (a full disk, a folder that is gone) into ``OSError``."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise OSError(str(error).split("\n", 1)[0]) from None
