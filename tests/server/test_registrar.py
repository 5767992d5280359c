"""Registering a voice again over the Chatterbox dialect: the old one speaks until the new one is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from syrinx.core.errors import ModelFailed
from syrinx.engine.catalog import Catalog
from syrinx.engine.voices import VoiceBook
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.chatterbox.voice import Registration
from syrinx.server.chatterbox import Registrar
from syrinx.voices.aliases import VoiceDefaults
from syrinx.voices.store import VoiceStore
from tests.fakes.host import FakeHost
from tests.fakes.speech import recording, tone

INFO = ModelInfo("able", "Able", 24_000, (VoiceInfo("zoe", "Zoe", ("en",), "female"),), "zoe", "MIT", "1", clones=True)
ANNA = Registration("anna", recording(tone(), 24_000))


class Desk:
    """A model that clones, and who registers voices with it."""

    def __init__(self, folder: Path) -> None:
        self.host = FakeHost(info=INFO)
        store = VoiceStore(folder)
        self.catalog = Catalog([self.host], VoiceDefaults(), {}, store)
        self.book = VoiceBook(self.catalog, store)
        self.registrar = Registrar(self.book)

    async def until_preparing(self, voices: int) -> None:
        async with asyncio.timeout(10):
            while len(self.host.clips) < voices:
                await asyncio.sleep(0.005)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "voices")


async def test_a_voice_speaks_on_while_it_is_registered_again(desk: Desk) -> None:
    await desk.registrar(ANNA)
    before = desk.catalog.resolve(None, "anna")
    desk.host.preparing.clear()
    again = asyncio.create_task(desk.registrar(ANNA))
    await desk.until_preparing(2)
    assert desk.catalog.resolve(None, "anna") == before
    desk.host.preparing.set()
    await again
    assert desk.catalog.resolve(None, "anna").voice != before.voice and len(desk.book.stored()) == 1


@pytest.mark.parametrize("leaves", [True, False])
async def test_the_old_voice_stays_where_the_client_leaves_or_the_model_fails(desk: Desk, leaves: bool) -> None:
    await desk.registrar(ANNA)
    before = desk.book.stored()
    desk.host.preparing.clear()
    again = asyncio.create_task(desk.registrar(ANNA))
    await desk.until_preparing(2)
    if leaves:
        again.cancel()
    desk.host.prepare_error = ModelFailed("no")
    desk.host.preparing.set()
    with pytest.raises(asyncio.CancelledError if leaves else ModelFailed):
        await again
    assert desk.book.stored() == before


async def test_two_clients_may_register_one_voice_at_once(desk: Desk) -> None:
    await desk.registrar(ANNA)
    await asyncio.gather(desk.registrar(ANNA), desk.registrar(ANNA))
    assert [voice.draft.alias for voice in desk.book.stored()] == ["anna"]
