from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import ModelNotReady
from syrinx.models.upstream.key import Key, read_key
from syrinx.models.upstream.options import UpstreamOptions
from syrinx.models.upstream.voices import default_of, listed_models, listed_voices, named_voices

PLAIN = UpstreamOptions(languages=("de",))


def ids(found: Any, model: str = "") -> list[str]:
    return [voice.id for voice in listed_voices(json.dumps(found).encode(), model, PLAIN)]


def test_lists_of_every_form_are_read() -> None:
    assert ids(["a", "b", "a"]) == ["a", "b"]
    assert ids({"voices": ["a"], "uploaded_voices": [{"name": "c"}]}) == ["a", "c"]
    assert ids({"data": [{"voice_id": "x", "name": "Ex"}]}) == ["x"]


def test_of_several_models_voices_only_those_of_ours_count() -> None:
    both = {"voices": [{"id": "a", "model": "one"}, {"id": "b", "model": "two"}]}
    assert ids(both, "two") == ["b"] and ids(both, "unknown") == ["a", "b"]


def test_languages_and_genders_are_taken_where_they_are_some() -> None:
    told = [
        {"id": "a", "name": "Ann", "languages": ["en-GB", "no tag", 5], "gender": "female"},
        {"id": "b", "language": "fr", "gender": "robot"},
        "c",
    ]
    one, two, three = listed_voices(json.dumps(told).encode(), "", PLAIN)
    assert (one.name, one.languages, one.gender) == ("Ann", ("en-GB",), "female")
    assert (two.languages, two.gender) == (("fr",), "") and three.languages == ("de",)


@pytest.mark.parametrize(
    "body", [None, b"", b"[]", b"{}", b"<html>", b'{"voices": 5}', b"[[], 3, null]", b"[" * 99_999]
)
def test_no_voices_is_told_with_the_remedy(body: bytes | None) -> None:
    with pytest.raises(ModelNotReady, match="option voices"):
        listed_voices(body, "", PLAIN)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_list_is_voices_or_an_error(found: Any) -> None:
    try:
        assert ids(found)
    except ModelNotReady:
        pass


def test_the_default_is_the_first_or_the_one_that_was_named() -> None:
    voices = named_voices(UpstreamOptions(voices=("a", "b", "a")))
    assert [voice.id for voice in voices] == ["a", "b"] and default_of(voices, PLAIN) == "a"
    assert default_of(voices, UpstreamOptions(default_voice="b")) == "b"
    with pytest.raises(ModelNotReady, match="default_voice"):
        default_of(voices, UpstreamOptions(default_voice="z"))


def test_models_are_listed_or_none_are() -> None:
    assert listed_models(b'{"data": [{"id": "m"}]}') == ["m"]
    assert listed_models(b"") == listed_models(b"[1]") == listed_models(b'{"data": 3}') == []


# --- the key -------------------------------------------------------------------------------------------------------


def test_the_key_is_a_files_first_line_and_is_not_shown(tmp_path: Any) -> None:
    (tmp_path / "key").write_text(" sk-secret \nsecond line\n")
    key = read_key(str(tmp_path / "key"))
    assert key.headers == {"Authorization": "Bearer sk-secret"}
    assert "secret" not in repr(key) and key.hide("not sk-secret!") == "not (the key)!"
    assert read_key("").headers == {} and Key().hide("text") == "text"


@pytest.mark.parametrize("content", [None, b"", b"\nkey", b"\xff\xfe", b"a\x00b", b"x" * 5000])
def test_a_file_without_a_key_is_named(tmp_path: Any, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelNotReady, match=str(path)):
        read_key(str(path))
