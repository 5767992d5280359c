"""Wyoming's framing: a JSON line, then as many bytes of JSON data and of payload as it says. Pure and bounded.

Source: README of the ``wyoming`` package 1.10 and its ``event.py``. An event of ours is written in one piece; one that
comes in is a message of the line and its data: no event to a voice has a payload of use, so payloads are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from syrinx.core.errors import InvalidRequest
from syrinx.protocols.jsonwire import Fields, kind, read_object

VERSION = "1.10.2"
"""Of the package whose events these are; each event names it."""
MAX_HEADER_BYTES = 65_536
"""The package itself reads no longer line (the default limit of ``asyncio.StreamReader``)."""
MAX_TYPE_CHARS = 100

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of an event."""

    type: str
    data: Fields
    """What stands in the line itself; the data behind it wins."""
    data_length: int
    payload_length: int


def write_event(kind_of_event: str, data: Mapping[str, Any] | None = None, payload: bytes = b"") -> bytes:
    """Render one event. ``data`` goes behind the line, as the package puts it: a long one fits no line."""
    body = _encode(data) if data else b""
    header: dict[str, Any] = {"type": kind_of_event, "version": VERSION}
    if body:
        header["data_length"] = len(body)
    if payload:
        header["payload_length"] = len(payload)
    return _encode(header) + b"\n" + body + payload


def read_header(line: bytes, max_bytes: int) -> Header:
    """Parse an event's line. Raises ``InvalidRequest`` where it is none, or announces more than ``max_bytes``."""
    if len(line) > MAX_HEADER_BYTES:
        raise InvalidRequest(f"An event's first line has at most {MAX_HEADER_BYTES} bytes.", code="event_too_large")
    fields = read_object(line)
    name = fields.get("type")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_TYPE_CHARS:
        raise InvalidRequest(f"An event needs a 'type' of 1 to {MAX_TYPE_CHARS} characters.", param="type")
    data = fields.get("data")
    if data is not None and not isinstance(data, dict):
        raise InvalidRequest(f"'data' must be an object, not {kind(data)}.", param="data")
    lengths = [_length(fields, field, max_bytes) for field in ("data_length", "payload_length")]
    return Header(name, data or {}, *lengths)


def read_event(message: bytes, max_bytes: int) -> tuple[str, Fields]:
    """Return type and data of a message that ``EventReader`` gave. Raises ``InvalidRequest``."""
    line, _, body = message.partition(b"\n")
    header = read_header(line, max_bytes)
    return header.type, {**header.data, **read_object(body)} if header.data_length else header.data


class EventReader:
    """Cuts a stream of bytes into messages for ``read_event``; total.

    Holds at most a line and ``max_bytes`` of data. After a line that it cannot read, which is given as a message for
    ``read_event`` to say why, nothing can be understood any more and all else is dropped.
    """

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes``: longest data, and longest payload, of an event."""
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._scanned = 0
        self._whole = 0
        """Length of the event at the buffer's start without its payload; 0: its line is not complete."""
        self._payload = 0
        """Bytes of payload to pass over: behind the event whose data is awaited, or else the next ones."""
        self._lost = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came in; return the messages that are complete now."""
        messages: list[bytes] = []
        if not self._lost:
            self._buffer += data
            while (message := self._next()) is not None:
                messages.append(message)
        return messages

    def _next(self) -> bytes | None:
        if not self._whole:
            self._pass_over()
            if self._payload:
                return None
            line = self._line()
            if line is None:
                return None
            try:
                header = read_header(line, self._max_bytes)
            except InvalidRequest:
                return self._lose(line)
            self._whole, self._payload = len(line) + 1 + header.data_length, header.payload_length
        if len(self._buffer) < self._whole:
            return None
        message = self._take(self._whole)
        self._whole = 0
        return message

    def _pass_over(self) -> None:
        passed = min(self._payload, len(self._buffer))
        del self._buffer[:passed]
        self._payload -= passed

    def _line(self) -> bytes | None:
        """The line that the buffer begins with, or as much of it as is too much; None: its end has not come."""
        end = self._buffer.find(b"\n", self._scanned)
        self._scanned = len(self._buffer) if end < 0 else 0
        if end >= 0 or len(self._buffer) > MAX_HEADER_BYTES:
            return bytes(self._buffer[: MAX_HEADER_BYTES + 1 if end < 0 else end])
        return None

    def _lose(self, line: bytes) -> bytes:
        self._lost = True
        self._buffer.clear()
        return line

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def _length(fields: Fields, name: str, most: int) -> int:
    value = fields.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidRequest(f"{name!r} must be a whole number of bytes.", param=name)
    if value > most:
        raise InvalidRequest(f"{name!r} is over the bound of {most} bytes.", code="event_too_large", param=name)
    return value
