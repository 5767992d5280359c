"""The sidecar's requests: every field, its bounds, and what is said of wrong ones. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import EmptyText, InvalidRequest, SyrinxError
from syrinx.core.types import Delivery
from syrinx.protocols.voicereader import requests as wire
from syrinx.protocols.voicereader.errors import InvalidFields
from tests.e2e.hostile import BODIES, VALUES

VOICE = "6f1a7b1e-52b5-4a0c-9a6a-0f4b8c0c1d2e"
PARSERS: dict[str, Callable[[bytes], object]] = {
    "speak": lambda body: wire.parse_speak(body, 1000),
    "cancel": wire.parse_cancel,
    "playback": wire.parse_playback,
    "clone": wire.parse_clone,
    "patch": wire.parse_patch,
    "warmup": wire.parse_warmup,
    "activate": wire.parse_activate,
    "prefetch": wire.parse_prefetch,
}
WHOLE: dict[str, dict[str, Any]] = {
    "speak": {
        "voice_id": "0",
        "text": "Hi.",
        "language": "en",
        "settings": {"rate": 1.5, "pitch": 1.2, "volume": 0.5, "chunking": {"max_chars": 100}},
    },
    "cancel": {"job_id": "j"},
    "playback": {"rate": 2.0, "pitch": 1.0, "volume": 1.0},
    "clone": {
        "display_name": "Eve",
        "ref_audio": {"path": "/a.wav", "wav_base64": "UklGRg=="},
        "ref_text": "Hi.",
        "language": "en",
        "description": "d",
        "options": {"normalize_audio": False},
    },
    "patch": {"display_name": "Eve", "language": "de", "description": "d"},
    "warmup": {"wait": True, "force": True, "reason": "r"},
    "activate": {
        "synth_backend": "qwen",
        "active_model_id": "x",
        "qwen_model_name": "x",
        "qwen_device_map": "cpu",
        "qwen_dtype": "float32",
        "qwen_attn_implementation": "sdpa",
        "qwen_default_speaker": "Ryan",
        "kyutai_model_name": "x",
        "kyutai_voice_prompt": "alba",
        "kyutai_sample_rate": 24000,
        "warmup_wait": False,
        "warmup_force": False,
        "reason": "r",
    },
    "prefetch": {"mode": "all"},
}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def fields_of(value: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, inner in value.items():
        found.append((*path, name))
        if isinstance(inner, dict):
            found += fields_of(inner, (*path, name))
    return found


def with_value(value: dict[str, Any], path: tuple[str, ...], text: str) -> bytes:
    """The JSON of ``value`` with the raw ``text`` in place of one field."""
    copy: dict[str, Any] = json.loads(json.dumps(value))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = "@@here@@"
    return json.dumps(copy).replace('"@@here@@"', text).encode()


def test_speak() -> None:
    found = wire.parse_speak(as_json({**WHOLE["speak"], "voice_id": VOICE.upper(), "more": 1}), 1000)
    assert (found.voice_id, found.text, found.language) == (VOICE, "Hi.", "en")
    assert found.settings.delivery == Delivery(1.5, 1.2, 0.5)
    assert found.settings.chunking.max_chars == 100


def test_speak_by_default() -> None:
    found = wire.parse_speak(b'{"text":" Hi. "}', 1000)
    assert found == wire.Speak(" Hi. ")
    assert found.settings.delivery == Delivery()
    assert found.settings.chunking.max_chars == 400


@pytest.mark.parametrize("said", ["0", 0, None, ""])
def test_names_of_the_built_in_voice(said: Any) -> None:
    assert wire.parse_speak(as_json({"text": "a", "voice_id": said}), 10).voice_id == wire.BUILT_IN


@pytest.mark.parametrize("said", ["1", 1, True, False, 0.5, "x", "../x", [], {}, "a" * 5000, VOICE + "0"])
def test_malformed_voice_ids(said: Any) -> None:
    with pytest.raises(InvalidFields) as raised:
        wire.parse_speak(as_json({"text": "a", "voice_id": said}), 10)
    assert raised.value.errors[0].loc == ("body", "voice_id")


@pytest.mark.parametrize(("said", "found"), [("auto", ""), ("AUTO", ""), (None, ""), ("", ""), ("pt_BR", "pt-BR")])
def test_languages(said: Any, found: str) -> None:
    assert wire.parse_speak(as_json({"text": "a", "language": said}), 10).language == found


@pytest.mark.parametrize(
    ("settings", "loc"),
    [
        ({"rate": 0.24}, ("rate",)),
        ({"rate": 4.1}, ("rate",)),
        ({"pitch": 0.4}, ("pitch",)),
        ({"pitch": 2.1}, ("pitch",)),
        ({"volume": -0.1}, ("volume",)),
        ({"volume": 2.1}, ("volume",)),
        ({"chunking": {"max_chars": 99}}, ("chunking", "max_chars")),
        ({"chunking": {"max_chars": 2001}}, ("chunking", "max_chars")),
        ({"chunking": {"max_chars": 100.5}}, ("chunking", "max_chars")),
        ({"chunking": None}, ("chunking",)),
        ({"rate": True}, ("rate",)),
        ({"rate": "1"}, ("rate",)),
    ],
)
def test_out_of_range(settings: dict[str, Any], loc: tuple[str, ...]) -> None:
    with pytest.raises(InvalidFields) as raised:
        wire.parse_speak(as_json({"text": "a", "settings": settings}), 10)
    (error,) = raised.value.errors
    assert error.loc == ("body", "settings", *loc)
    assert error.type and error.msg


def test_text_too_long_and_blank() -> None:
    with pytest.raises(InvalidFields, match="at most 3"):
        wire.parse_speak(b'{"text":"four"}', 3)
    for blank in ("", "  ", "\n\t\u3000"):
        with pytest.raises(EmptyText):
            wire.parse_speak(as_json({"text": blank}), 10)


def test_every_wrong_field_is_told() -> None:
    with pytest.raises(InvalidFields) as raised:
        wire.parse_speak(b'{"settings":{"rate":9,"volume":"x"}}', 10)
    assert [error.loc[1:] for error in raised.value.errors] == [
        ("text",),
        ("settings", "rate"),
        ("settings", "volume"),
    ]


def test_clone() -> None:
    audio = base64.b64encode(b"RIFF").decode()
    found = wire.parse_clone(as_json({"display_name": " Eve ", "ref_audio": {"wav_base64": audio}, "ref_text": None}))
    assert found.display_name == "Eve"
    assert found.ref_audio.audio() == b"RIFF"
    assert (found.ref_text, found.language, found.description, found.options.normalize_audio) == ("", "", "", True)


@pytest.mark.parametrize("said", ["!!!", "abc", "é", "UklGR"])
def test_junk_base64(said: str) -> None:
    clone = wire.parse_clone(as_json({"display_name": "E", "ref_audio": {"wav_base64": said}}))
    with pytest.raises(InvalidRequest) as raised:
        clone.ref_audio.audio()
    assert raised.value.code == "bad_audio"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"display_name": "x"},
        {"display_name": "x", "ref_audio": {}},
        {"display_name": "x", "ref_audio": {"path": " ", "wav_base64": None}},
        {"display_name": " ", "ref_audio": {"path": "/a"}},
        {"display_name": "x" * 81, "ref_audio": {"path": "/a"}},
        {"display_name": "x", "ref_audio": {"path": "/a"}, "description": "d" * 241},
        {"display_name": "x", "ref_audio": {"path": "/a"}, "language": "no such thing"},
        {"display_name": "x", "ref_audio": {"path": "/a"}, "options": {"normalize_audio": 1}},
    ],
)
def test_wrong_clones(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidFields):
        wire.parse_clone(as_json(fields))


def test_changes_must_change_something() -> None:
    for parse in (wire.parse_patch, wire.parse_playback):
        for body in (b"{}", b'{"other":1}', b'{"language":null,"rate":null}'):
            with pytest.raises(InvalidFields):
                parse(body)
    assert wire.parse_patch(b'{"display_name":"New","language":null}') == wire.Patch("New")
    assert wire.parse_playback(b'{"rate":2}') == wire.Playback(2.0)


def test_empty_bodies() -> None:
    assert wire.parse_warmup(b"") == wire.WarmUp()
    assert wire.parse_activate(b" ") == wire.Activate()
    assert wire.parse_prefetch(b"") == wire.Prefetch("qwen_all")


def test_blanks_of_activate_keep_what_is() -> None:
    assert wire.parse_activate(b'{"synth_backend":null,"qwen_dtype":" ","kyutai_sample_rate":null}') == wire.Activate()
    with pytest.raises(InvalidFields):
        wire.parse_activate(b'{"synth_backend":"other"}')
    with pytest.raises(InvalidFields):
        wire.parse_prefetch(b'{"mode":"other"}')


@pytest.mark.parametrize("name", PARSERS)
def test_whole_requests_parse(name: str) -> None:
    PARSERS[name](as_json({**WHOLE[name], "unknown": {"a": [1]}}))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_hostile_bodies(body: bytes) -> None:
    for parse in PARSERS.values():
        try:
            parse(body)
        except InvalidFields as error:
            assert error.errors


@pytest.mark.parametrize("name", PARSERS)
def test_hostile_fields(name: str) -> None:
    """Every field with every odd value: refused with the field's name, or fine; nothing else."""
    for path in fields_of(WHOLE[name]):
        for value in VALUES.values():
            try:
                PARSERS[name](with_value(WHOLE[name], path, value))
            except InvalidFields as error:
                assert all(len(str(part)) <= 100 for item in error.errors for part in (item.input, *item.loc[:1]))
            except EmptyText:
                assert path == ("text",)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(name=st.sampled_from(sorted(PARSERS)), data=st.data())
def test_any_value_of_any_field(name: str, data: st.DataObject) -> None:
    fields = dict(WHOLE[name])
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(JSON)
    try:
        PARSERS[name](json.dumps(fields).encode())
    except SyrinxError:
        pass


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    for parse in PARSERS.values():
        try:
            parse(body)
        except SyrinxError:
            pass
