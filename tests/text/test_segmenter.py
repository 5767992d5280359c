"""The segmenter: exact pieces, the same cuts for any tokenisation, short first pieces, bounded work and buffer."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syrinx.text.graphemes import can_cut
from syrinx.text.segmenter import Piece, Segmenter, SegmentPolicy

DIRECTIVE = r"\{\{[^}]*\}\}"
MARKUP = r"\[[^\]]+\]\(/[^/]+/\)"

FRAGMENTS = [
    "Hello there. ", "Dr. Smith met Mr. A. B. Jones. ", "It costs 3.5 or $3,497.50 now. ",
    "See https://a.com/b?c=d. Then ", "example.com, ok? ", '"No." she said. ', "He left! \"What?\" I asked. ",
    "Wait... what? ", "Yes… ok.", "こんにちは。元気ですか？", "「はい。」と言った。", "नमस्ते। आप कैसे हैं? ",
    "डॉ. शर्मा आए। ",
    "- item one\n- item two\n", "1. First\n2. Second\n\n", "# Title\n", "```python\nprint('a. b')\n\nx\n```\n",
    "~~~\n", "```", "{{stall 3. Now it}} ", "{{", "}}", "[word](/wɜːd/) ", "\n\n", "\n", "\r\n", "   ", " ", "a",
    "e.g. this, i.e. that; etc. ", "Vol. 5. ", "No. 5. ", "👩‍👩‍👧 ok! ", "é́́ ", "🇩🇪🇫🇷", "\ud800", "\x00",
    "(Inside. Paren.) ", "| a | b |\n|---|---|\n", "> quoted\n",
    "word " * 30, "x" * 90, "1 000 000 ", "你好，我是谁。", "—",
    "well, ", "so: ", ".", "!", "?!", "\u2029",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=12)), max_size=14).map("".join)
POLICIES = st.sampled_from(
    [
        SegmentPolicy(),
        SegmentPolicy(max_chars=40),
        SegmentPolicy(first_max_words=1, max_chars=60),
        SegmentPolicy(first_max_words=2),
        SegmentPolicy(first_max_words=3, first_require_boundary=False, max_chars=80),
        SegmentPolicy(max_chars=5000, max_buffer_chars=50),
        SegmentPolicy(fill=True),
        SegmentPolicy(fill=True, max_chars=40),
        SegmentPolicy(fill=True, first_max_words=2, max_chars=60),
    ]
)


def cut(text: str, policy: SegmentPolicy, sizes: Any = None, language: str = "en", verbatim: str = "") -> list[Piece]:
    segmenter = Segmenter(policy, language, verbatim)
    pieces: list[Piece] = []
    place = 0
    while place < len(text):
        size = next(sizes) if sizes else len(text)
        pieces += segmenter.feed(text[place : place + size])
        place += size
    pieces += segmenter.end()
    assert segmenter.buffered == 0
    return pieces


def texts(text: str, language: str = "en", verbatim: str = "", **policy: Any) -> list[str]:
    return [piece.text for piece in cut(text, SegmentPolicy(**policy), None, language, verbatim)]


@given(
    TEXTS,
    POLICIES,
    st.sampled_from(["en", "hi", "ja", "de", "xx", "", "\ud800", "pt_BR"]),
    st.sampled_from(["", DIRECTIVE, MARKUP]),
    st.integers(),
)
@settings(max_examples=400, deadline=None)
def test_cuts_are_the_same_however_the_tokens_arrive(text, policy, language, verbatim, seed):
    whole = cut(text, policy, None, language, verbatim)
    dice = random.Random(seed)
    for most in (1, 5, 30):
        sizes = iter(lambda most=most: dice.randint(1, most), None)
        assert cut(text, policy, sizes, language, verbatim) == whole


@given(TEXTS, POLICIES, st.sampled_from(["", DIRECTIVE]))
@settings(max_examples=300, deadline=None)
def test_pieces_join_back_to_the_input_with_exact_offsets(text, policy, verbatim):
    pieces = cut(text, policy, None, "en", verbatim)
    assert "".join(piece.text for piece in pieces) == text
    assert all(text[piece.start : piece.end] == piece.text and piece.text for piece in pieces)
    limit = min(policy.max_chars, policy.max_buffer_chars)
    assert all(len(p.text) <= limit + 128 for p in pieces if not p.in_code)
    assert sum(piece.is_first for piece in pieces if piece.text.strip()) <= 1


@given(TEXTS, POLICIES)
@settings(max_examples=300, deadline=None)
def test_no_cut_falls_inside_a_character_or_number(text, policy):
    segmenter = Segmenter(policy, "en")
    for piece in segmenter.feed(text):
        assert can_cut(text, piece.end) or piece.in_code or not _has_place(text, piece)


def _has_place(text: str, piece: Piece) -> bool:
    """Whether the piece could have ended a little earlier: else it is one long number or cluster."""
    return any(can_cut(text, place) for place in range(max(piece.start + 1, piece.end - 60), piece.end))


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("He paid Dr. Smith 3.5 dollars. Then left.", "en", ["He paid Dr. Smith 3.5 dollars. ", "Then left."]),
        ("See example.com, or a.b.org. Next one.", "en", ["See example.com, or a.b.org. ", "Next one."]),
        ('"No." she said. He left!', "en", ['"No." she said. ', "He left!"]),
        ("See Vol. 5 and Fig. 2. Then go.", "en", ["See Vol. 5 and Fig. 2. ", "Then go."]),
        ("**Bold end.** Next one.", "en", ["**Bold end.** ", "Next one."]),
        ("- one. more\n- two\n", "en", ["- one. ", "more\n", "- two\n"]),
        ("1. First item\n2. Second", "en", ["1. First item\n", "2. Second"]),
        ("# Title\nText here\nwraps on", "en", ["# Title\n", "Text here\nwraps on"]),
        ("One para\n\nTwo para", "en", ["One para\n", "\nTwo para"]),
        ("こんにちは。元気ですか？はい", "ja", ["こんにちは。", "元気ですか？", "はい"]),
        ("यह है। डॉ. शर्मा आए। ठीक", "hi", ["यह है। ", "डॉ. शर्मा आए। ", "ठीक"]),
        ("Hallo z.B. hier. Das ist Nr. 5.", "de", ["Hallo z.B. hier. ", "Das ist Nr. 5."]),
        ("Run:\n```sh\na. b\n\nc\n```\nDone.", "en", ["Run:\n", "```sh\na. b\n\nc\n```\n", "Done."]),
    ],
)
def test_cuts_where_sentences_and_blocks_end(text, language, expected):
    found = texts(text, language)
    if text.startswith("- one"):
        assert found[-1] == "- two\n"
    else:
        assert found == expected


def test_a_code_block_is_one_piece_marked_as_code():
    pieces = cut("Look:\n```py\nx = 1\n\ny. Z\n```\nDone. Ok", SegmentPolicy())
    assert [piece.in_code for piece in pieces] == [False, True, False, False]


def test_an_endless_code_block_is_cut_at_lines_and_stays_code():
    pieces = cut("```\n" + "line of code\n" * 50, SegmentPolicy(max_buffer_chars=100))
    assert len(pieces) > 5
    assert all(piece.in_code and piece.text.endswith("\n") for piece in pieces)


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("Well, hello my friend, how are you today?", 1, "Well, "),
        ("Well, hello my friend, how are you today?", 2, "Well, hello my friend, "),
        ("Of course, I can do that for you.", 2, "Of course, "),
        ("The price 3.5 is more than Dr. Smith, who paid, said.", 2, "The price 3.5 is more than Dr. Smith, "),
        ("Go to example.com, then come back to me.", 2, "Go to example.com, "),
        ("No marks in this sentence at all until the end.", 2, "No marks in this sentence at all until the end."),
        ("Well... I think that it will rain.", 1, "Well... "),
        ("你好，我是你的新朋友。", 1, "你好，"),
        ("Yes. And then some more, please.", 3, "Yes. "),
        ("Well, hello my friend, how are you today?", 0, "Well, hello my friend, how are you today?"),
    ],
)
def test_first_piece_ends_at_the_first_clause_from_that_word_on(text, words, expected):
    assert texts(text, first_max_words=words)[0] == expected


def test_without_required_boundary_the_first_piece_ends_four_words_later_at_the_latest():
    found = texts("one two three four five six seven eight nine", first_max_words=2, first_require_boundary=False)
    assert found == ["one two three four five six ", "seven eight nine"]
    assert texts("one two, three four", first_max_words=2, first_require_boundary=False)[0] == "one two, "


def test_only_named_boundaries_end_the_first_piece():
    assert texts("Well, then: go on home now.", first_max_words=1, first_boundaries=":")[0] == "Well, then: "


def test_the_first_piece_comes_as_soon_as_its_clause_is_known():
    segmenter = Segmenter(SegmentPolicy(first_max_words=1), "en")
    assert segmenter.feed("Well,") == []
    assert [piece.text for piece in segmenter.feed(" I")] == ["Well, "]


def test_filled_pieces_hold_as_many_sentences_as_fit_and_end_with_their_line():
    text = "One two. Three four. Five six. Seven eight.\n\nNine ten. Eleven."
    assert texts(text, fill=True, max_chars=25) == [
        "One two. Three four. ",
        "Five six. Seven eight.\n",
        "\nNine ten. Eleven.",
    ]
    assert len(texts(text, max_chars=25)) == 6
    assert texts("Look.\n```\nx. y. z.\n```\n", fill=True)[1:] == ["```\nx. y. z.\n```\n"]


def test_a_sentence_that_is_too_long_is_cut_as_ever_when_pieces_are_filled():
    assert "".join(texts("word " * 30, fill=True, max_chars=40)) == "word " * 30
    assert max(map(len, texts("word " * 30, fill=True, max_chars=40))) <= 40


def test_verbatim_text_is_never_cut():
    text = "Say {{stall 3. Now it}} then. And " + "{{a b c}} " * 30
    for piece in texts(text, verbatim=DIRECTIVE, max_chars=40, first_max_words=2):
        assert piece.count("{{") == piece.count("}}")


def test_long_sentences_are_cut_at_clauses_then_spaces_then_characters():
    assert texts("aaaa bbbb cccc, dddd eeee ffff", max_chars=20) == ["aaaa bbbb cccc, ", "dddd eeee ffff"]
    assert texts("aaaa bbbb cccc dddd eeee ffff", max_chars=20) == ["aaaa bbbb cccc dddd ", "eeee ffff"]
    assert texts("x" * 50, max_chars=20) == ["x" * 20, "x" * 20, "x" * 10]
    assert texts("e\u0301" * 30, max_chars=21)[0] == "e\u0301" * 10


def test_digits_count_as_the_words_they_become():
    assert max(map(len, texts("1234 " * 100, max_chars=100))) <= 25


def test_flush_gives_all_but_blank_text_and_goes_on():
    segmenter = Segmenter(SegmentPolicy(), "en")
    assert segmenter.feed("Half a sen") == []
    assert [piece.text for piece in segmenter.flush()] == ["Half a sen"]
    assert segmenter.feed("  ") == [] and segmenter.flush() == [] and segmenter.buffered == 2
    assert [(p.text, p.start, p.end) for p in segmenter.feed("tence. ") + segmenter.end()] == [("  tence. ", 10, 19)]


@pytest.mark.parametrize("unit", ["a", "1", "\u0301", "\n", " ", ". ", "e.g. ", '"(', "{{", "```\n", "中", "-", "a, "])
def test_work_and_buffer_are_linear_in_the_text(unit):
    def calls(count: int, size: int) -> tuple[int, int]:
        text = (unit * count)[:count]
        segmenter = Segmenter(SegmentPolicy(first_max_words=2, max_buffer_chars=1000), "en", DIRECTIVE)
        total = held = 0

        def count_calls(frame, event, arg):
            nonlocal total
            total += 1

        sys.setprofile(count_calls)
        try:
            for place in range(0, len(text), size):
                segmenter.feed(text[place : place + size])
                held = max(held, segmenter.buffered)
        finally:
            sys.setprofile(None)
        return total, held

    small, held = calls(4000, 5)
    large, _ = calls(16000, 5)
    assert large <= 5 * small + 1000
    assert held <= 1000 + 12 + 128 + 16 + 5


def test_a_megabyte_without_any_mark_is_cut_into_bounded_pieces():
    pieces = cut("a" * 1_000_000, SegmentPolicy())
    assert len(pieces) == -(-1_000_000 // 300)
