"""Pipecat's OpenAI Realtime service, unmodified: it understands every event, and its interruption stops the model."""

from __future__ import annotations

import asyncio

import pytest

from tests.clients.frameworks import run_framework
from tests.e2e.probe import ended, idle, until
from tests.fakes.server_process import ServerPool

WORDS = "Hello there. How are you, my friend?"


def test_pipecat_speaks_with_the_words_and_is_interrupted(servers: ServerPool) -> None:
    tone = servers.get(("tone",))
    before = ended(tone, "canceled")
    seen = run_framework("pipecat_realtime.py", tone.ws_url)
    assert seen["said"]["words"] == WORDS and seen["errors"] == []
    assert seen["said"]["audio_s"] == pytest.approx(len(WORDS) * 0.065, abs=0.3)
    asyncio.run(idle(tone))
    asyncio.run(until(lambda: ended(tone, "canceled") > before, "the record of the interruption"))
