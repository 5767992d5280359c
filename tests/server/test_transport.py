"""What leaves in one write."""

from __future__ import annotations

import asyncio

from syrinx.server.transport import HeadWithBody

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__({"peername": "a client"})
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed


async def test_a_head_leaves_with_the_beginning_of_its_body() -> None:
    wire = Wire()
    one = HeadWithBody(wire)
    one.write(HEAD)
    assert wire.writes == []
    one.write(b"one")
    one.write(b"two")
    await asyncio.sleep(0)
    assert wire.writes == [HEAD + b"one", b"two"]
    one.write(HEAD)
    one.write(b"")
    assert wire.writes[2:] == [HEAD]


async def test_a_head_whose_body_comes_later_leaves_in_the_next_turn() -> None:
    wire = Wire()
    one = HeadWithBody(wire)
    one.write(HEAD)
    await asyncio.sleep(0)
    assert wire.writes == [HEAD]
    one.write(b"body")
    assert wire.writes == [HEAD, b"body"]


async def test_leave_to_send_the_body_is_given_at_once() -> None:
    wire = Wire()
    HeadWithBody(wire).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert len(wire.writes) == 1


async def test_heads_keep_their_order_and_leave_before_the_end() -> None:
    wire = Wire()
    one = HeadWithBody(wire)
    one.write(HEAD)
    one.write(HEAD)
    assert wire.writes == [HEAD + HEAD]
    one.write(HEAD)
    one.close()
    assert wire.writes[1:] == [HEAD] and wire.closed


async def test_of_a_connection_that_was_dropped_nothing_is_written() -> None:
    wire = Wire()
    one = HeadWithBody(wire)
    one.write(HEAD)
    one.abort()
    await asyncio.sleep(0)
    assert wire.writes == [] and one.get_extra_info("peername") == "a client"
