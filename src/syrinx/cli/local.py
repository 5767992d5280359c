"""Speech without a server: the engine in this process, for one utterance."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import (
    Append,
    Audio,
    Cancel,
    End,
    Failed,
    Finished,
    Open,
    ServerEvent,
    SpeechRequest,
    Started,
)

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine
    from syrinx.engine.session import Session

UTTERANCE = "say"


async def speak_here(
    settings: Settings, text: AsyncIterator[str], request: SpeechRequest
) -> AsyncGenerator[Started | Audio, None]:
    """Yield what is chosen (``Started``), then the audio of ``text`` as it comes. The engine stops when this ends.

    Raises the ``SyrinxError`` that ended the utterance, or the one ``text`` raised.
    """
    from syrinx.wiring import build_engine

    engine = build_engine(settings)
    try:
        await engine.start()
        async with contextlib.aclosing(speak_with(engine, text, request)) as spoken:
            async for event in spoken:
                yield event
    finally:
        await engine.stop()


async def speak_with(
    engine: Engine, text: AsyncIterator[str], request: SpeechRequest
) -> AsyncGenerator[Started | Audio, None]:
    """As ``speak_here``, with an engine that runs."""
    from syrinx.engine.policy import SessionOptions

    session = engine.session(SessionOptions(protocol="cli"))
    session.send(Open(UTTERANCE, request))
    feeder = asyncio.create_task(_feed(session, text))
    try:
        async for event in _until_finished(session):
            yield event
        await feeder
    finally:
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)
        session.close()


async def _feed(session: Session, text: AsyncIterator[str]) -> None:
    try:
        async for piece in text:
            session.send(Append(UTTERANCE, piece))
        session.send(End(UTTERANCE))
    except BaseException:  # whatever ends the text, Ctrl-C too, must end the utterance, or its reader waits for ever
        with contextlib.suppress(InvalidRequest):  # the utterance has ended before its text
            session.send(Cancel(UTTERANCE))  # wakes the reader of events, which then learns the reason from this task
        raise


async def _until_finished(session: Session) -> AsyncIterator[Started | Audio]:
    event: ServerEvent | None
    while (event := await session.next()) is not None:
        if isinstance(event, Failed):
            raise event.error
        if isinstance(event, Finished):
            return
        if isinstance(event, Started | Audio):
            yield event


async def one_text(text: str) -> AsyncIterator[str]:
    """``text`` as a stream of one piece."""
    yield text
