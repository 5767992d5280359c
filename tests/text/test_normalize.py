"""The normaliser: what is said for what is written, and properties that hold for any text."""

from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syrinx.core.types import Span
from syrinx.text.normalize import Normalizer
from syrinx.text.rules.clean import INVISIBLE
from syrinx.text.rules.locale import WORDS
from tests.text.examples import ENGLISH, OTHERS

DIRECTIVE = r"\{\{[^}]{0,99}\}\}"
NORMALIZERS = {language: Normalizer(language, DIRECTIVE) for language in (*WORDS, "en-GB", "xx", "")}
MIXED = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from([written for written, _ in ENGLISH]),
        st.sampled_from(
            ["{{stall 3}}", "{{", " ", "\n", "**", "[", "](", "`", "|", "\ud800", "\u202e", "\x00", "1", "$", "-"]
        ),
    ),
    max_size=10,
).map("".join)


def test_the_table_of_examples_is_large():
    assert len(ENGLISH) >= 120 and len(dict(ENGLISH)) == len(ENGLISH)


@pytest.mark.parametrize(("written", "spoken"), ENGLISH)
def test_english_is_said_so(written, spoken):
    assert NORMALIZERS["en"].normalize(written).text == spoken


@pytest.mark.parametrize(("written", "spoken"), ENGLISH)
def test_what_is_said_needs_no_more_saying(written, spoken):
    again = NORMALIZERS["en"].normalize(spoken).text
    assert again == spoken


@pytest.mark.parametrize(("language", "written", "spoken"), OTHERS)
def test_other_languages_are_said_so(language, written, spoken):
    assert Normalizer(language).normalize(written).text == spoken


@given(MIXED, st.sampled_from(sorted(NORMALIZERS)), st.booleans())
@example("\ud800\udc00", "en", False)
@example("\x00\u202e\ufeff", "en", False)
@settings(max_examples=500, deadline=None)
def test_any_text_gives_clean_words_and_a_monotone_map(text, language, in_code):
    spoken = NORMALIZERS[language].normalize(text, in_code=in_code)
    spoken.text.encode("utf-8")
    assert not INVISIBLE.pattern.search(spoken.text)
    place = source = 0
    for run in spoken.runs:
        assert run.start == place and run.end > run.start
        assert source <= run.source_start < run.source_end <= len(text) or run.source_start == source
        place, source = run.end, run.source_end if run.exact else run.source_start
        if run.exact:
            assert spoken.text[run.start : run.end] == text[run.source_start : run.source_end]
    assert place == len(spoken.text)
    starts = [spoken.source_span(Span(i, i + 1)) for i in range(len(spoken.text))]
    assert all(a.start <= b.start and a.end <= b.end for a, b in itertools.pairwise(starts))


@given(st.lists(st.one_of(st.text("ab 1$.*_", max_size=6), st.just("{{stall  3*_*}}")), max_size=8).map(" ".join))
@settings(deadline=None)
def test_verbatim_text_passes_untouched_and_maps_one_to_one(text):
    spoken = NORMALIZERS["en"].normalize(text)
    assert spoken.text.count("{{stall  3*_*}}") == text.count("{{stall  3*_*}}")
    place = spoken.text.find("{{stall")
    if place >= 0:
        found = spoken.source_span(Span(place, place + 15))
        assert text[found.start : found.end] == "{{stall  3*_*}}"


def test_plain_sentences_pass_as_they_are():
    plain = "The quick brown fox, however, didn't jump; it sat down: why? Nobody knows!"
    spoken = NORMALIZERS["en"].normalize(plain)
    assert spoken.text == plain and not spoken.is_rewritten


def test_words_point_back_at_what_was_written():
    text = "Pay **$3.50** to [Bob](http://b.com) now"
    spoken = NORMALIZERS["en"].normalize(text)
    assert spoken.text == "Pay three dollars and fifty cents to Bob now"
    for word, written in (("dollars", "$3.50"), ("Bob", "Bob"), ("now", "now"), ("Pay", "Pay")):
        start = spoken.text.index(word)
        span = spoken.source_span(Span(start, start + len(word)))
        assert text[span.start : span.end] == written


def test_code_is_announced_once_and_its_rest_is_silent():
    normalizer = NORMALIZERS["en"]
    assert normalizer.normalize("```py\nx = 1\n```\n", in_code=True).text == "Code block."
    assert normalizer.normalize("y = 2\n```\n", in_code=True).text == ""
    assert Normalizer("xx").normalize("```py\nx\n```", in_code=True).text == ""


SEEDS = [
    "a", "1", "1,", "1.", "1-", "1/", "1:", "$", "$1", "[", "[a](", "](", "<", "<a ", "<!--", "-", "- ", "*", "* ",
    "_", "`", "| ", "# ", "> ", "\\", "@", "a@", "a.", "a.b@", "http://", "/a", "+1 ", "1 ", "(1", "X ", "A.", "\n",
    " ", "\t", " \n", "\u200b", "😀", "~", "!?", "&", "^", "{{", '"', "½", "v1.", "e.g.", "Dr. ", "Chapter ", "3x",
    "1st", "5%", "1-2", ",", ", ", "\u0301", "中1",
]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_kilobytes_of_anything_are_finished(seed):
    """A quadratic pattern takes minutes here and meets the test's timeout; linear ones take well under a second."""
    text = ("x" + seed * 100_000)[:100_000]
    NORMALIZERS["en"].normalize(text).text.encode("utf-8")


def test_slow_texts_are_told():
    english, german = Normalizer("en"), Normalizer("de")
    assert english.is_slow("first")
    english.normalize("first")
    german.normalize("zuerst")
    assert not english.is_slow("It costs $5.") and english.is_slow("x" * 300)
    assert german.is_slow("Es kostet 5 Euro.") and not german.is_slow("Es kostet nichts.")


def test_a_failing_number_reader_leaves_the_digits(monkeypatch):
    class Fails:
        def __init__(self, lang: str, operator: str) -> None:
            assert (lang, operator) == ("zh", "tn")

        def normalize(self, text: str) -> str:
            if text == "50%":
                return "百分之五十"
            raise AssertionError(text)

    module = type(sys)("wetext")
    module.__spec__ = type("Spec", (), {"name": "wetext"})()  # type: ignore[assignment]
    module.Normalizer = Fails  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wetext", module)
    spoken = Normalizer("zh-CN").normalize("涨了50%，共500个。")
    assert spoken.text == "涨了百分之五十，共500个。"
    assert spoken.source_span(Span(2, 7)) == Span(2, 5)
