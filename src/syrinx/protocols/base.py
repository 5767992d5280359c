"""What a protocol is: a pure codec between one client's wire and the engine's events. No I/O, no synthesis.

A socket codec lives as long as one connection. The pump in ``server`` feeds it messages and engine events and performs
what it returns, so a dialect is tested with plain values and fuzzed without a socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from syrinx.core.errors import SyrinxError
from syrinx.core.types import ClientEvent, ServerEvent


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client said by the address it connected to."""

    path: Mapping[str, str] = field(default_factory=dict)
    """The variable parts of the path by name, decoded."""
    query: Mapping[str, str] = field(default_factory=dict)
    """The query's parameters, decoded; the last of those that are repeated."""
    frame_s: float | None = None
    """Length that every audio message is to have, in seconds (``protocols.frames``); the session cuts them. None: as
    the dialect has it."""
    request_id: str = ""
    """What the server's log calls this connection."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this message to the client now, in order with engine events."""

    message: str | bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection after what was already sent."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drain:
    """Accept no more input; when all running and queued utterances have ended, close with 1000."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Have the server do what takes time. Each connection may ask for one thing at once: more is ``Overloaded``."""

    question: object
    """A value that the dialect's ``server.sockets.Dialect.answer`` understands."""
    then: Callable[[object], Sequence[Action]]
    """Called with the answer, or with the ``SyrinxError`` that there was instead; total, as the codec is. What it
    returns is done as if the client had asked for it; it may ask for the next thing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an utterance took, by the clock of who hands it to the client; codecs have none."""

    ttfa_s: float | None
    """From its acceptance to its first audio; None: it had none."""
    wall_s: float
    """From its acceptance to its end."""


Action = ClientEvent | Reply | Close | Drain | Ask
"""What a client's message asks for: engine events, direct replies, or the end."""


class SocketCodec(Protocol):
    """One connection's dialect. Total: any input gives actions or a ``SyrinxError``, nothing else.

    The pump performs a message's actions in order and stops at the first one that the session refuses, which it tells
    with ``refuse``. A ``Cancel`` that comes too late is not an error: the utterance's own end is on its way.
    """

    @property
    def ordered(self) -> bool:
        """True: utterances of this connection run one after the other; False: side by side."""
        ...

    def opened(self) -> list[Action]:
        """What to do right after the connection is accepted (a greeting, say)."""
        ...

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest`` (``Overloaded`` past a bound); the connection stays usable."""
        ...

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Say in this dialect that the last message was refused."""
        ...

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn one engine event into messages (possibly none)."""
        ...


class TimedCodec(SocketCodec, Protocol):
    """A dialect that tells how long utterances took; see ``server.stopwatch``."""

    def note_timing(self, utterance_id: str, timing: Timing) -> None:
        """Called just before the last event of an utterance is rendered."""
        ...


class TextIn(StrEnum):
    """How a text comes."""

    WHOLE = "whole"
    PIECES = "in pieces"


class Together(StrEnum):
    """How several utterances of one connection are spoken."""

    ONE = "one"
    """There is one on each connection or request."""
    IN_TURN = "in turn"
    SIDE_BY_SIDE = "side by side"


class Interruption(StrEnum):
    """How an utterance is stopped."""

    MESSAGE = "message"
    HANG_UP = "hanging up"
    """There is no word for it."""


class Times(StrEnum):
    """What is told of when a text is heard."""

    NONE = "none"
    BESIDE = "words, by coming with their audio"
    WORDS = "words"
    CHARACTERS = "characters"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a client can do at one address of a protocol. ``docs/protocols/index.md`` is made of these, and a test asks
    the codecs whether they hold."""

    name: str
    page: str
    """Of ``docs/protocols``, without ``.md``."""
    address: str
    """The method, ``WS`` or ``TCP``, and the path as it is routed."""
    formats: tuple[str, ...]
    """Containers (``audio.encode.CONTAINERS``)."""
    text: TextIn = TextIn.WHOLE
    together: Together = Together.ONE
    interruption: Interruption = Interruption.HANG_UP
    tells_heard: bool = False
    """Whether an interruption is answered with what was heard of the text, and what was not."""
    times: Times = Times.NONE
