"""What OpenAI's Realtime API asks of the server: to listen, which takes time."""

from __future__ import annotations

import asyncio

from syrinx.ears.ear import Ear
from syrinx.ears.silero import installed
from syrinx.protocols.openai_realtime.listening import Hear, MakeEar


def make_ear() -> MakeEar | None:
    """What makes ears; None where the extra ``ears`` is not installed."""
    return Ear if installed() else None


async def judge(question: object) -> object:
    """Listen in a thread: about 2 % of a core for each who talks, in pieces as long as what came meanwhile."""
    assert isinstance(question, Hear), "the dialect asks nothing else"
    return await asyncio.to_thread(question.judge)
