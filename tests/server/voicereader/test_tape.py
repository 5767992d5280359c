"""One job heard by many, each at its own pace."""

from __future__ import annotations

import asyncio

import pytest

from syrinx.core.types import Span
from syrinx.protocols.voicereader.answers import AudioPiece
from syrinx.server.voicereader.tape import FellBehind, Kept, Tape

LAST = b'{"type":"JOB_DONE"}'


def piece(seq: int) -> AudioPiece:
    return AudioPiece(seq, b"\x01\x00" * seq, 24000, 0, Span(0, 1))


def filled(count: int) -> tuple[Tape, Kept]:
    kept = Kept()
    tape = Tape(kept)
    for seq in range(1, count + 1):
        tape.add(piece(seq))
    return tape, kept


async def heard(tape: Tape) -> list[int | bytes]:
    return [said if isinstance(said, bytes) else said.seq async for said in tape.listen()]


async def test_late_and_early_listeners_hear_the_same() -> None:
    tape, kept = filled(1)
    early = asyncio.create_task(heard(tape))
    await asyncio.sleep(0)
    tape.add(piece(2))
    await asyncio.sleep(0)
    tape.end(LAST)
    assert await early == await heard(tape) == [1, 2, LAST]
    assert kept.size == tape.size == 6


async def test_what_was_dropped_is_not_heard_by_the_late() -> None:
    tape, kept = filled(3)
    tape.drop_oldest()
    tape.end(LAST)
    assert await heard(tape) == [2, 3, LAST]
    assert kept.size == 10 and tape.count == 3


async def test_who_fell_behind_is_told() -> None:
    tape, _ = filled(3)
    listener = tape.listen()
    first = await anext(listener)
    assert isinstance(first, AudioPiece) and first.seq == 1
    tape.drop_oldest()
    tape.drop_oldest()
    with pytest.raises(FellBehind):
        await anext(listener)


async def test_who_heard_all_of_a_wiped_tape_hears_its_end() -> None:
    tape, kept = filled(1)
    listener = tape.listen()
    await anext(listener)
    tape.end(LAST)
    tape.wipe()
    assert await anext(listener) == LAST
    assert kept.size == tape.size == 0


async def test_nothing_is_heard_after_a_stop() -> None:
    tape, kept = filled(5)
    listener = tape.listen()
    await anext(listener)
    tape.stop(LAST)
    assert await anext(listener) == LAST
    assert await heard(tape) == [LAST]
    assert kept.size == 0


async def test_what_waits_for_a_slow_listener_is_not_told_after_a_stop() -> None:
    tape, _ = filled(1)
    room, told = asyncio.Event(), list[int]()

    async def tell() -> None:
        await room.wait()
        told.append(1)

    telling = asyncio.create_task(tape.unless_stopped(tell()))
    await asyncio.sleep(0)
    tape.stop(LAST)
    room.set()
    await telling
    assert told == []


async def test_a_listener_that_leaves_is_no_stop() -> None:
    tape, _ = filled(1)
    telling = asyncio.create_task(tape.unless_stopped(asyncio.sleep(3600)))
    await asyncio.sleep(0)
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling
