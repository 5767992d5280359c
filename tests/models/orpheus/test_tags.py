"""Ids out of text, however it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syrinx.models.orpheus.tags import LONGEST, TagReader, tag

BASE = 128256
ids = st.lists(st.integers(BASE, BASE + 28_681), max_size=30)
junk = st.sampled_from(
    ["", " ", "<", "<custom_", "<custom_token_", "<custom_token_>", "<custom_token_12", "text", "<|eot|>"]
)


def cut(text: str, data: st.DataObject) -> list[str]:
    pieces = []
    while text:
        size = data.draw(st.integers(1, 30))
        pieces.append(text[:size])
        text = text[size:]
    return pieces


@given(ids, st.lists(junk, min_size=31, max_size=31), st.data())
def test_4_09_split_tags_are_put_together_and_other_text_is_passed_over(
    wanted: list[int], between: list[str], data: st.DataObject
) -> None:
    text = between[-1].join(f"{junk}{tag(token, BASE)}" for junk, token in zip(between, wanted, strict=False))
    reader, got = TagReader(BASE), []
    for piece in cut(text, data):
        got += reader.feed(piece)
    assert got == wanted


@given(st.lists(st.text("<custom_token_0123>", max_size=40), max_size=20))
def test_what_is_held_back_is_bounded(pieces: list[str]) -> None:
    reader = TagReader(BASE)
    for piece in pieces:
        reader.feed(piece)
        assert len(reader._held) <= LONGEST


def test_a_tag_that_no_vocabulary_has_is_no_tag() -> None:
    assert TagReader(BASE).feed("<custom_token_1234567890><custom_token_١><custom_token_10>") == [BASE + 10]
