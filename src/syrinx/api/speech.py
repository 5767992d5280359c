"""One utterance as chunks of bytes. All of it happens on the engine's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syrinx.core.errors import InvalidRequest, ModelNotReady, SyrinxError
from syrinx.core.types import (
    Append,
    Audio,
    Cancel,
    Delivery,
    End,
    Failed,
    Finished,
    FinishReason,
    Interrupted,
    Open,
    ServiceClass,
    SpeechRequest,
)

from .chunks import Cutter
from .plan import in_own_words

if TYPE_CHECKING:
    from syrinx.engine.session import Session

UTTERANCE = "speech"
AS_IT_IS = Delivery()
HOLD_S = 0.05
"""How long part of a chunk is held back for more audio, while more text may come."""

Speaker = int | str | None
"""An index into the list of speakers, or a name; None: the default."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How something is to be spoken."""

    speaker: Speaker = None
    delivery: Delivery = AS_IT_IS
    service_class: ServiceClass = ServiceClass.INTERACTIVE


class Speech:
    """``begin``, ``say`` text until ``end``, and take ``next`` until that gives None; ``close`` at any time."""

    def __init__(self, ask: Ask, cutter: Cutter, padding: int) -> None:
        """``padding``: bytes of silence at the end. Made anywhere; used on the engine's loop."""
        self.ask = ask
        self.spoken_until = 0
        """How far the listener has heard the text, an offset into it; known once it is over."""
        self.text = ""
        """All that came to be spoken; likewise."""
        self._cutter = cutter
        self._padding = padding
        self._session: Session | None = None
        self._turn = asyncio.Lock()
        self._text_ended = False
        self._over = False
        self._closed = False
        self._error: SyrinxError | None = None

    def begin(self, session: Session, request: SpeechRequest) -> None:
        """Take the session as its own. Raises as ``Session.send``."""
        if self._closed:  # its reader has gone while it was about to begin
            session.close()
            return
        self._session = session
        session.send(Open(UTTERANCE, request))

    def say(self, text: object) -> bool:
        """Take text; False: it is over, no more is wanted. Raises ``InvalidRequest``, ``TextTooLong``."""
        if not isinstance(text, str):
            raise InvalidRequest(f"The text must be str, not {type(text).__name__}.", param="text")
        if self._session is None or self._over or self._closed or self._session.over:
            return False  # where the engine was shut down, its reader is told
        try:
            self._session.send(Append(UTTERANCE, text))
        except InvalidRequest as error:
            error.param = "text"
            raise
        return True

    def end(self) -> None:
        """All of the text was said."""
        self._text_ended = True
        if self._session is not None and not (self._over or self._closed or self._session.over):
            self._session.send(End(UTTERANCE))

    async def next(self) -> bytes | None:
        """Wait for the next chunk; None: that was all. Raises the ``SyrinxError`` that ended it, after its audio."""
        async with self._turn:
            while (chunk := self._cutter.take()) is None:
                if self._error is not None:
                    raise in_own_words(self._error)
                if self._over or self._closed or self._session is None:
                    return None
                await self._hear(self._session)
        return chunk

    def close(self, played_s: float | None = None) -> None:
        """Stop the model and drop what was not taken. Idempotent. ``played_s``: seconds that were played, which tell
        also of what was made and taken long ago how far it was heard; None: see ``SpeechStream.spoken_until``."""
        if self._closed:
            return
        self._closed = True
        session = self._session
        if session is None:
            return
        if not session.over and (not self._over or played_s is not None):
            with contextlib.suppress(InvalidRequest):  # it failed, and there is nothing to stop
                session.send(Cancel(UTTERANCE, played_s))
            while (event := session.take()) is not None:
                if isinstance(event, Finished | Interrupted):
                    self.spoken_until, self.text = event.spoken_until, event.text
        session.close()

    async def _hear(self, session: Session) -> None:
        patience_s = HOLD_S if self._cutter.waiting and not self._text_ended else None
        try:
            async with asyncio.timeout(patience_s):
                event = await session.next()
        except TimeoutError:
            self._cutter.flush()
            return
        if isinstance(event, Audio):
            self._cutter.push(event.audio.data)
        elif isinstance(event, Finished):
            self.text = event.text
            self._end_with(event, self._padding if event.reason is FinishReason.COMPLETED else 0)
        elif isinstance(event, Failed):
            self._error = event.error
            self._end_with(event, 0)
        elif event is None and not self._closed:
            self._error = ModelNotReady("The engine was shut down while it spoke.")
            self._over = True

    def _end_with(self, event: Finished | Failed, padding: int) -> None:
        """The session stays until ``close``: it knows when which word is heard."""
        self.spoken_until = event.spoken_until
        self._cutter.finish(padding)
        self._over = True
