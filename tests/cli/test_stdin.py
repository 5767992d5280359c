"""Text from standard input as it is written."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from syrinx.cli.stdin import stdin_text
from syrinx.core.errors import InvalidRequest


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)


async def test_text_is_given_before_the_writer_has_finished(pipe: tuple[int, int]) -> None:
    text = stdin_text(pipe[0])
    os.write(pipe[1], b"Hello ")
    assert await anext(text) == "Hello "
    os.write(pipe[1], b"there.")
    assert await anext(text) == "there."
    os.close(pipe[1])
    assert [piece async for piece in text] == []


async def test_a_character_cut_in_two_is_put_together(pipe: tuple[int, int]) -> None:
    text = stdin_text(pipe[0])
    euro = "€".encode()
    os.write(pipe[1], b"5" + euro[:1])
    assert await anext(text) == "5"
    os.write(pipe[1], euro[1:])
    os.close(pipe[1])
    assert [piece async for piece in text] == ["€"]


@pytest.mark.parametrize("data", [b"\xff\xfe", "€".encode()[:2]])
async def test_bytes_that_are_no_text_are_refused(pipe: tuple[int, int], data: bytes) -> None:
    os.write(pipe[1], data)
    os.close(pipe[1])
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        async for _ in stdin_text(pipe[0]):
            pass
