"""``?frame_ms=``: audio in messages of equal length, as telephony wants it, on any socket and streamed answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from syrinx.core.errors import InvalidRequest, SyrinxError
from syrinx.core.types import ServerEvent
from syrinx.protocols.base import Action, Close, Reply, SocketCodec

PARAM = "frame_ms"
FRAME_MS = (5, 1000)
"""Shortest and longest. RTP's usual packets of speech are 10 to 60 ms long (RFC 3551, 4.2: 20 ms where nothing else is
said)."""
POLICY_VIOLATION = 1008
"""Close code (RFC 6455, section 7.4.1)."""


def frame_s(query: Mapping[str, str]) -> float | None:
    """Return the asked length of an audio message in seconds; None where none was asked for.

    Raises ``InvalidRequest`` for anything but whole milliseconds within ``FRAME_MS``."""
    asked = query.get(PARAM)
    if asked is None:
        return None
    low, high = FRAME_MS
    if not re.fullmatch(r"[0-9]{1,4}", asked) or not low <= int(asked) <= high:
        raise InvalidRequest(
            f"{PARAM!r} must be a whole number of milliseconds from {low} to {high}, such as 20, not {asked[:40]!r}.",
            param=PARAM,
        )
    return int(asked) / 1000


class RefusedAddress:
    """A codec that only says, in its dialect's words, why its address cannot be spoken to, and closes."""

    def __init__(self, codec: SocketCodec, error: SyrinxError) -> None:
        self._codec = codec
        self._error = error

    @property
    def ordered(self) -> bool:
        return self._codec.ordered

    def opened(self) -> list[Action]:
        """Why, and the end."""
        return [*self._codec.refuse(self._error), Close(POLICY_VIOLATION, self._error.message[:100])]

    def receive(self, message: str | bytes) -> list[Action]:
        """Nothing more is heard."""
        return []

    def refuse(self, error: SyrinxError) -> list[Action]:
        return []

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        return []
