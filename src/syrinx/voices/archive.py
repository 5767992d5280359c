"""A voice as a zip archive: its three files, nothing else. Reading is bounded and trusts nothing. Pure."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping

from syrinx.core.errors import InvalidRequest
from syrinx.models.prompt import MAX_PROMPT_BYTES

from .clip import MAX_CLIP_BYTES
from .voice import CLIP, META, PROMPT

MAX_META_BYTES = 64_000
LIMITS: Mapping[str, int] = {META: MAX_META_BYTES, PROMPT: MAX_PROMPT_BYTES, CLIP: MAX_CLIP_BYTES}
"""Bytes of each file, unpacked."""
MAX_ARCHIVE_BYTES = sum(LIMITS.values()) + 10_000
MAX_DIRECTORY_BYTES = 4096
"""Of the archive's list of files: three entries take some 300; a list of millions would fill the memory."""
_END = struct.Struct("<4s4H2LH")
_END_SIGN, _ZIP64_SIGN = b"PK\5\6", b"PK\6\7"
_ZIP64_LOCATOR_BYTES = 20
_PACKING = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of a voice's files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in LIMITS:
            archive.writestr(name, files[name])
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the files of a voice's archive by name.

    Raises ``InvalidRequest`` (``bad_archive``) for anything else than a zip archive of just these files, each within
    its limit.
    """
    _check_end(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sorted(entry.filename for entry in entries) != sorted(LIMITS):
                raise _bad(f"it must hold {', '.join(LIMITS)} and nothing else")
            return {entry.filename: _read(archive, entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        EOFError,
        struct.error,
    ) as error:
        raise _bad(str(error)[:200] or type(error).__name__) from None


def _check_end(data: bytes) -> None:
    """Look at the archive's last record before ``zipfile`` believes it."""
    if len(data) > MAX_ARCHIVE_BYTES:
        raise _bad(f"it has {len(data)} bytes; the limit is {MAX_ARCHIVE_BYTES}")
    end = len(data) - _END.size
    if end < 0 or data[end : end + 4] != _END_SIGN:
        raise _bad("it is no zip archive, or has a comment at its end")
    size = _END.unpack_from(data, end)[5]
    locator = max(0, end - _ZIP64_LOCATOR_BYTES)
    if size > MAX_DIRECTORY_BYTES or data[locator : locator + 4] == _ZIP64_SIGN:
        raise _bad("it holds too many files")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.compress_type not in _PACKING or entry.flag_bits & 1:
        raise _bad(f"{entry.filename} is no plain file")
    most = LIMITS[entry.filename]
    with archive.open(entry) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _bad(f"{entry.filename} has more than {most} bytes")
    return content


def _bad(why: str) -> InvalidRequest:
    return InvalidRequest(f"The archive is not that of a voice: {why}.", code="bad_archive")
