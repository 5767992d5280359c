"""Text from standard input as it is written, so that the output of another program is spoken while it is made."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterator

from syrinx.core.errors import InvalidRequest

READ_BYTES = 65_536


async def stdin_text(descriptor: int = 0) -> AsyncIterator[str]:
    """Yield UTF-8 text as it arrives, to the end. Raises ``InvalidRequest`` where it is not UTF-8.

    A daemon thread reads, because an interrupted command must not wait for a terminal that sends nothing.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    wanted = threading.Semaphore(1)

    def read() -> None:
        data: bytes | OSError = b"-"
        while data and not isinstance(data, OSError):
            wanted.acquire()  # one piece at a time: a fast writer waits in its own pipe
            try:
                data = os.read(descriptor, READ_BYTES)
            except OSError as error:
                data = error
            try:
                loop.call_soon_threadsafe(pieces.put_nowait, data)
            except RuntimeError:  # the command has ended and its loop is closed
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := await pieces.get():
            if isinstance(piece, OSError):
                raise piece
            if text := decoder.decode(piece):
                yield text
            wanted.release()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"Standard input is not UTF-8: {error}.", code="bad_text") from None
