"""The door that only the worker with the secret passes, over both kinds of socket."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from syrinx.workers import link
from syrinx.workers.address import Address, connect
from syrinx.workers.link import MAX_STRANGERS, Door
from syrinx.workers.messages import Cancel, FromWorker, Heartbeat, Hello, Message
from syrinx.workers.wire import Encoder, worker_side


class Entrance:
    def __init__(self, door: Door, address: Address, heard: list[FromWorker]) -> None:
        self.door, self.address, self.heard = door, address, heard

    async def knock(self, *messages: Message | bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = await asyncio.to_thread(connect, self.address)
        connection.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=connection)
        for message in messages:
            writer.write(message if isinstance(message, bytes) else Encoder().encode([message]))
        return reader, writer


@pytest.fixture(params=["unix", "tcp"])
async def entrance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Entrance]:
    if request.param == "tcp":
        monkeypatch.setattr(link, "unix_path", lambda folder: None)
    heard: list[FromWorker] = []
    door = Door("s3cret", heard.append)
    with tempfile.TemporaryDirectory(prefix="sx") as folder:
        address = await door.open(Path(folder))
        assert str(address).startswith(request.param)
        async with asyncio.timeout(10):
            yield Entrance(door, address, heard)
        door.close()


async def test_the_worker_enters_and_both_sides_hear_each_other(entrance: Entrance):
    reader, writer = await entrance.knock(Hello("s3cret", 1), Heartbeat(0.5))
    inside = await entrance.door.link
    while not entrance.heard:
        await asyncio.sleep(0)
    assert entrance.heard == [Heartbeat(0.5)]
    inside.send(Cancel("j"))
    assert worker_side().feed(await reader.read(1000)) == [Cancel("j")]
    writer.close()
    await inside.closed
    inside.send(Cancel("after the end"))


@pytest.mark.parametrize("said", [Hello("wrong", 1), Heartbeat(None), b"\xff" * 50, b"GET / HTTP/1.1\r\n\r\n"])
async def test_strangers_are_sent_away_and_the_worker_still_enters(entrance: Entrance, said: Message | bytes):
    reader, writer = await entrance.knock(said)
    try:
        assert await reader.read() == b""
    except ConnectionResetError:
        pass  # an abort may say so
    assert entrance.heard == [] and not entrance.door.link.done()
    writer.close()
    _, worker = await entrance.knock(Hello("s3cret", 1))
    inside = await entrance.door.link
    worker.close()
    await inside.closed


async def test_silent_strangers_cannot_fill_the_house(entrance: Entrance):
    crowd = [await entrance.knock() for _ in range(MAX_STRANGERS + 1)]
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await crowd[-1][0].readexactly(1)
    entrance.door.close()
    for reader, writer in crowd:
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            pass
        writer.close()
