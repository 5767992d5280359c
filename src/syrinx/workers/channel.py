"""The worker's end of the connection: blocking, shared by the step thread and the heartbeat."""

from __future__ import annotations

import selectors
import socket
import sys
import threading
from collections.abc import Sequence

from .messages import FromWorker, Output, ToWorker
from .wire import Encoder, WireError, worker_side

READ_BYTES = 256 * 1024
LONGEST_WAIT_S = 3600.0
"""``select`` takes no infinity on every platform; waking once an hour for nothing is no polling."""


class ServerGone(Exception):
    """The server closed the connection or is dead."""


class Channel:
    """Sends from any thread; receives on one. The server always reads, so a send waits only for a short while."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ)
        self._decoder = worker_side()
        self._encoder = Encoder()
        self._sending = threading.Lock()

    def send(self, messages: Sequence[FromWorker]) -> None:
        """Send all in one write. Raises ``ServerGone``."""
        with self._sending:
            try:
                self._connection.sendall(self._encode(messages))
            except OSError as error:
                raise ServerGone(str(error)) from None

    def receive(self, wait_s: float) -> list[ToWorker]:
        """Return what has come, after waiting for at most ``wait_s`` (0: not at all). Raises ``ServerGone``."""
        if not self._selector.select(min(wait_s, LONGEST_WAIT_S)):
            return []
        try:
            data = self._connection.recv(READ_BYTES)
        except OSError as error:
            raise ServerGone(str(error)) from None
        if not data:
            raise ServerGone("The server closed the connection.")
        return self._decoder.feed(data)

    def close(self) -> None:
        self._selector.close()
        self._connection.close()

    def _encode(self, messages: Sequence[FromWorker]) -> bytearray:
        try:
            return self._encoder.encode(messages)
        except WireError as error:
            sys.stderr.write(f"{error}\n")
            return self._encoder.encode([_without_marks(message) for message in messages])


def _without_marks(message: FromWorker) -> FromWorker:
    """Marks are the one part of a message that comes from a model unchecked; audio without them is still right."""
    if not isinstance(message, Output):
        return message
    return Output(message.job_id, message.samples, message.sample_rate, (), message.done, message.fault)
