"""From written text to units: markup, alignment, cleaning, tags, languages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Span
from syrinx.models.kokoro.align import units_of, words_of
from syrinx.models.kokoro.languages import LANGUAGES, code_of
from syrinx.models.kokoro.markup import VERBATIM, parse
from syrinx.models.kokoro.tagger import tags
from syrinx.models.kokoro.units import Unit, cleaned, speakable, split_long
from syrinx.text.verbatim import REACH, Guard


def shown(phonemes: str, text: str) -> list[tuple[str, str | None]]:
    return [(u.phonemes, text[u.span.start : u.span.end] if u.span else None) for u in units_of(phonemes, text)]


# --- markup --------------------------------------------------------------------------------------------------------


def test_markup_gives_a_word_its_phonemes_and_keeps_places() -> None:
    source = "Say [tomato](/təmˈɑːtoʊ/), not [it](/ɪt/)!"
    plain = parse(source)
    assert plain.text == "Say tomato, not it!"
    assert [g.phonemes for g in plain.given] == ["təmˈɑːtoʊ", "ɪt"]
    for word in ("Say", "tomato", "not", "it"):
        at = plain.text.index(word) if word != "it" else plain.text.rindex(word)
        span = plain.source(Span(at, at + len(word)))
        assert source[span.start : span.end] == word


@pytest.mark.parametrize("text", ["[a](b)", "[a]()", "[a](/x/", "[](/x/)", "a](/x/)", f"[{'w' * 90}](/x/)"])
def test_what_is_no_markup_stays(text: str) -> None:
    assert parse(text).text == text


def test_markup_is_protected_whole() -> None:
    longest = f"[{'w' * 60}](/{'x' * 60}/)"
    assert len(longest) <= REACH
    text = f"one {longest} two"
    assert Guard(VERBATIM).span(text, 0, 30) == Span(4, 4 + len(longest))


# --- alignment -----------------------------------------------------------------------------------------------------


def test_as_many_groups_as_words_belong_in_order() -> None:
    assert shown("bɔ̃ʒˈuʁ, sa va?", "Bonjour, ça va ?") == [
        ("bɔ̃ʒˈuʁ", "Bonjour"),
        (",", None),
        ("sa", "ça"),
        ("va", "va"),
        ("?", None),
    ]


def test_a_number_of_many_groups_is_one_word() -> None:
    units = shown("non e vˈero, mˈille noveʧˈɛnto novˈantanˈɔve vˈɔlte.", "Non è vero, 1999 volte.")
    assert [word for _, word in units] == ["Non", "è", "vero", None, "1999", "1999", "1999", "volte", None]


def test_words_run_together_are_one_span() -> None:
    units = shown("fɚɹə lˈɔŋ wˈaɪl", "for a long while")
    assert units == [("fɚɹə", "for a"), ("lˈɔŋ", "long"), ("wˈaɪl", "while")]


def test_clauses_are_matched_with_clauses() -> None:
    text = "今天天气很好，我们去公园吧！我有25块。"
    said = "ʨi→ntʰjɛ→ntʰjɛ→nʨʰi↘ xə↓n xau↓, wo↓mən ʨʰy↘ kʊ→ŋɥɛ↗n pa! wo↓ jou↓ ɚ↘ʂɨ↗u↓ kʰwai↘."
    units = [word for _, word in shown(said, text) if word is not None]
    assert units == ["今天天气", "很", "好", "我们", "去", "公园", "吧", "我", "有", "25", "块"]


def test_scripts_without_spaces_have_a_word_a_sign() -> None:
    text = "我有25块。"
    assert [text[w.start : w.end] for w in words_of(text)] == ["我", "有", "25", "块"]


def test_combining_signs_belong_to_their_word() -> None:
    text = "नमस्ते, दुनिया"
    assert [text[w.start : w.end] for w in words_of(text)] == ["नमस्ते", "दुनिया"]


@given(st.text(max_size=60), st.text(alphabet="aˈb ,.“", max_size=60))
def test_spans_are_ordered_and_within_the_text(text: str, phonemes: str) -> None:
    spans = [unit.span for unit in units_of(phonemes, text) if unit.span is not None]
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a == b or a.end <= b.start for a, b in pairwise(spans))


# --- units ---------------------------------------------------------------------------------------------------------


def test_only_known_signs_are_kept_and_no_space_is_lost() -> None:
    units = [Unit("a?", spaced=False), Unit("§", spaced=True), Unit(" b  b ", spaced=True)]
    assert speakable(units, frozenset("ab ")) == [Unit("a", spaced=True), Unit("b b", spaced=True)]


def test_a_long_unit_is_broken_at_spaces_and_else_anywhere() -> None:
    span = Span(0, 4)
    broken = list(split_long([Unit("aaa bbb ccccccccc", span, spaced=True)], 7))
    assert [(u.phonemes, u.spaced) for u in broken] == [("aaa bbb", True), ("ccccccc", False), ("cc", True)]
    assert all(u.span == span for u in broken)


def test_cleaning_keeps_every_place() -> None:
    assert cleaned("a\x00b\ud800c\n d\u00a0e") == "a b c  d e"


# --- tags ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "word", "tag"),
    [
        ("He read the book", "read", "VBD"),
        ("I have read it", "read", "VBN"),
        ("to read it", "read", "VB"),
        ("the record is", "record", "NN"),
        ("we record it", "record", "VBP"),
        ("please record the song", "record", "VB"),
        ("they live here", "live", "VBP"),
        ("a live concert", "live", "NN"),
        ("people live in houses", "live", "VBP"),
        ("you can always use it", "use", "VB"),
        ("the use of", "use", "NN"),
        ("it is close", "close", "JJ"),
        ("Close the door", "Close", "VB"),
        ("it was used", "used", "VBN"),
        ("in NASA now", "NASA", "NNP"),
        ("like that .", "that", "DT"),
        ("know that he", "that", "IN"),
        ("know that dogs bark", "that", "IN"),
        ("read that book .", "that", "DT"),
        ("go to town", "to", "TO"),
        ("paid 3.50 for", "3.50", "CD"),
        ("an apple", "an", "DT"),
    ],
)
def test_words_that_sound_by_their_part_of_speech_are_told_apart(text: str, word: str, tag: str) -> None:
    words = text.split()
    assert tags(words, [True] * len(words))[words.index(word)] == tag


def test_hyphens_and_quotes_are_told_by_where_they_stand() -> None:
    assert tags(["well", "-", "known"], [False, False, False])[1] == "HYPH"
    assert tags(["so", "-", "now"], [True, True, False])[1] == ":"
    assert tags(['"', "hi", '"'], [False, False, False]) == ["``", "NN", "''"]


@given(st.lists(st.text(min_size=1, max_size=8), max_size=20))
def test_any_words_have_a_tag_each(words: list[str]) -> None:
    assert all(tags(words, [True] * len(words))) and len(tags(words, [True] * len(words))) == len(words)


# --- languages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "voice", "code"),
    [
        ("en-US", "a", "a"),
        ("en", "b", "b"),
        ("en-AU", "a", "a"),
        ("en_GB", "a", "b"),
        ("", "f", "f"),
        ("auto", "h", "h"),
        ("fr", "a", "f"),
        ("pt", "a", "p"),
        ("zh", "a", "z"),
        ("en", "f", "a"),
    ],
)
def test_a_tag_names_a_language(tag: str, voice: str, code: str) -> None:
    assert code_of(tag, voice) == code


@pytest.mark.parametrize("tag", ["de", "e", "english", "x" * 500])
def test_a_language_that_it_does_not_speak_is_refused(tag: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        code_of(tag, "a")
    assert caught.value.param == "language" and LANGUAGES["p"].tag in caught.value.message
