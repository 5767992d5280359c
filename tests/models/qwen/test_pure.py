"""The parts of the Qwen model that need no torch: what a checkpoint is, who speaks, which options, how pieces grow."""

from __future__ import annotations

import json
import struct
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx.core.errors import ConfigError, EmptyText, InvalidRequest, ModelNotReady
from syrinx.models.options import parse_options
from syrinx.models.qwen import checkpoint, pace, request
from syrinx.models.qwen.clone import CODES, SPEAKER, TEXT, Clone, Shape, clone_in, tensors_of
from syrinx.models.qwen.languages import TAGS, language_of
from syrinx.models.qwen.options import QwenOptions
from syrinx.models.qwen.ramp import pieces
from syrinx.models.qwen.text import readable
from syrinx.models.qwen.voices import default_voice, voices_of
from syrinx.models.registry import find

SHAPE = Shape(hidden=4, groups=2, codes=64)
LANGUAGES = {name: number for number, name in enumerate((*TAGS, "beijing_dialect"))}


def safetensors(names: tuple[str, ...] = ("weight",)) -> bytes:
    header = {name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * n, 4 * n + 4]} for n, name in enumerate(names)}
    data = json.dumps(header).encode()
    return struct.pack("<Q", len(data)) + data + b"\0" * (4 * len(names))


def layout(folder: Path, kind: str = "custom_voice", size: str = "0b6", **talker: Any) -> Path:
    """A checkpoint as it is published, with nothing in its weights."""
    (folder / "speech_tokenizer").mkdir(parents=True)
    said = {"codec_language_id": LANGUAGES, "spk_id": {"vivian": 1, "ryan": 2, "zoe": 3}, **talker}
    config = {
        "model_type": "qwen3_tts",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_type": kind,
        "tts_model_size": size,
        "talker_config": said if kind == "custom_voice" else {**said, "spk_id": {}},
    }
    objects = {
        "config.json": config,
        "generation_config.json": {},
        "tokenizer_config.json": {},
        "tokenizer.json": {},
        "speech_tokenizer/config.json": {"model_type": "qwen3_tts_tokenizer_12hz"},
        "speech_tokenizer/preprocessor_config.json": {},
    }
    for name, content in objects.items():
        (folder / name).write_text(json.dumps(content))
    for name in ("model.safetensors", "speech_tokenizer/model.safetensors"):
        (folder / name).write_bytes(safetensors())
    return folder


# --- checkpoints ----------------------------------------------------------------------------------------------------


def test_a_whole_checkpoint_is_read(tmp_path: Path) -> None:
    found = checkpoint.read(str(layout(tmp_path / "a")))
    assert found.kind is checkpoint.Kind.CUSTOM and found.size == "0b6"
    assert found.speakers == ("vivian", "ryan", "zoe")
    assert found.languages == tuple(TAGS)
    assert found.tensors == {"weight"}


def test_weights_in_parts_are_found_by_their_index(tmp_path: Path) -> None:
    folder = layout(tmp_path / "a")
    (folder / "model.safetensors").unlink()
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    (folder / parts["a"]).write_bytes(safetensors(("a",)))
    with pytest.raises(ModelNotReady, match=parts["b"]):
        checkpoint.read(str(folder))
    (folder / parts["b"]).write_bytes(safetensors(("b",)))
    assert checkpoint.read(str(folder)).tensors == {"a", "b"}


@pytest.mark.parametrize(
    "name",
    [*checkpoint.NEEDED, "tokenizer.json", "model.safetensors", "speech_tokenizer/model.safetensors"],
)
def test_a_file_that_is_missing_is_named_with_the_remedy(tmp_path: Path, name: str) -> None:
    folder = layout(tmp_path / "a")
    (folder / name).unlink()
    with pytest.raises(ModelNotReady) as caught:
        checkpoint.read(str(folder))
    assert "syrinx models install qwen" in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["model.safetensors", "speech_tokenizer/model.safetensors"])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (safetensors()[:-2], "header says"),
        (safetensors() + b"x", "header says"),
        (b"\x80\x04}\x94.", "pickle"),
        (b"PK\x03\x04rest", "pickle"),
        (b"", "cut short"),
        (struct.pack("<Q", 1 << 60), "cut short"),
        (struct.pack("<Q", 4) + b"junk", "no safetensors"),
        (struct.pack("<Q", 2) + b"[]", "no safetensors"),
        (struct.pack("<Q", 128) + b" " * 128, "no safetensors"),
    ],
    ids=["short", "long", "pickle", "zipped pickle", "empty", "huge header", "junk", "list", "length as of a pickle"],
)
def test_weights_that_are_not_whole_safetensors_are_refused(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    folder = layout(tmp_path / "a")
    (folder / name).write_bytes(data)
    with pytest.raises(ModelNotReady, match=why) as caught:
        checkpoint.read(str(folder))
    assert name in str(caught.value)


def test_a_pickle_beside_missing_safetensors_is_not_read(tmp_path: Path) -> None:
    folder = layout(tmp_path / "a")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelNotReady, match=r"pytorch_model\.bin is a pickle"):
        checkpoint.read(str(folder))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_type", "llama"),
        ("tokenizer_type", "qwen3_tts_tokenizer_25hz"),
        ("tts_model_type", "singer"),
        ("talker_config", None),
    ],
)
def test_a_foreign_checkpoint_is_refused(tmp_path: Path, field: str, value: object) -> None:
    folder = layout(tmp_path / "a")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: value}))
    with pytest.raises(ModelNotReady, match=r"config\.json"):
        checkpoint.read(str(folder))


@pytest.mark.parametrize("speakers", [{}, None, ["ryan"]])
def test_weights_that_speak_as_their_speakers_and_list_none_are_refused(tmp_path: Path, speakers: object) -> None:
    folder = layout(tmp_path / "a", spk_id=speakers)
    with pytest.raises(ModelNotReady, match="spk_id") as caught:
        checkpoint.read(str(folder))
    assert str(folder / "config.json") in str(caught.value)
    assert "syrinx models install qwen" in str(caught.value)


@pytest.mark.parametrize("weights", ["", "Qwen/Qwen3-TTS-12Hz-0.6B-Base"])
def test_weights_that_are_not_here_are_refused_with_the_remedy(weights: str) -> None:
    with pytest.raises(ModelNotReady, match="syrinx models install qwen"):
        checkpoint.read(weights)


def test_the_digest_changes_with_configuration_and_weights(tmp_path: Path) -> None:
    folder = layout(tmp_path / "a")
    digests = {checkpoint.read(str(folder)).digest}
    (folder / "model.safetensors").write_bytes(safetensors()[:-1] + b"\1")
    digests.add(checkpoint.read(str(folder)).digest)
    (folder / "generation_config.json").write_text('{"top_k": 3}')
    digests.add(checkpoint.read(str(folder)).digest)
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("kind", "size", "follows"),
    [
        ("custom_voice", "0b6", False),
        ("custom_voice", "1b7", True),
        ("voice_design", "1b7", True),
        ("base", "0b6", False),
        ("base", "1b7", False),
    ],
)
def test_which_checkpoints_follow_instructions(tmp_path: Path, kind: str, size: str, follows: bool) -> None:
    found = checkpoint.read(str(layout(tmp_path / "a", kind, size)))
    assert found.instructions is follows
    assert ("instructions" in request.schema(found.instructions)["properties"]) is follows


# --- voices and languages -------------------------------------------------------------------------------------------


def test_speakers_are_voices_with_their_own_language_first(tmp_path: Path) -> None:
    voices = voices_of(checkpoint.read(str(layout(tmp_path / "a"))))
    assert [voice.id for voice in voices] == ["vivian", "ryan", "zoe"]
    assert [voice.languages[0] for voice in voices] == ["zh", "en", "en"]
    assert all(set(voice.languages) == set(TAGS.values()) for voice in voices)
    assert (voices[1].name, voices[1].gender) == ("Ryan", "male") and voices[2].name == "Zoe"
    assert default_voice(voices, "") == "ryan" and default_voice(voices[2:], "") == "zoe"
    assert default_voice(voices, "Vivian") == "vivian"  # as the sidecar's variable writes it
    with pytest.raises(ConfigError) as caught:
        default_voice(voices, "Uncle_Fu")
    assert caught.value.param == "speaker" and "vivian, ryan, zoe" in str(caught.value)


@pytest.mark.parametrize(("kind", "voice"), [("base", "any"), ("voice_design", "designed")])
def test_kinds_without_speakers_have_one_voice(tmp_path: Path, kind: str, voice: str) -> None:
    (only,) = voices_of(checkpoint.read(str(layout(tmp_path / "a", kind))))
    assert only.id == voice and only.languages[0] == "en"


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("en", "english"),
        ("en-US", "english"),
        ("ZH_cn", "chinese"),
        ("German", "german"),
        ("auto", "auto"),
        ("", "auto"),
    ],
)
def test_languages_by_their_tags(tag: str, name: str) -> None:
    assert language_of(tag, TAGS) == name


def test_a_language_it_does_not_speak_is_refused_with_those_it_does() -> None:
    with pytest.raises(InvalidRequest) as caught:
        language_of("hi", ("english", "chinese"))
    assert caught.value.param == "language"
    assert "auto, en, zh" in str(caught.value)


def test_the_entry_knows_the_languages() -> None:
    assert set(find("qwen").languages) == set(TAGS.values())


# --- options --------------------------------------------------------------------------------------------------------


def test_options_go_by_the_names_of_the_sidecars_variables() -> None:
    given = {"device": "cuda:0", "dtype": "bfloat16", "attention": "flash_attention_2", "speaker": "Ryan"}
    assert parse_options("qwen", QwenOptions, given).attention == "flash_attention_2"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("attention", "magic"),
        ("device", "tpu"),
        ("dtype", "int8"),
        ("max_seconds", 0),
        ("first_rows", 0),
        ("graphs", 1),
    ],
)
def test_options_out_of_their_schema_are_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options("qwen", QwenOptions, {option: value})
    assert caught.value.param == option


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("temperature", -0.1),
        ("temperature", "hot"),
        ("top_k", 1.5),
        ("top_p", 0),
        ("instructions", 3),
        ("instructions", "x" * 1001),
        ("pitch", 1),
    ],
)
def test_options_of_a_request_are_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request.read({option: value})
    assert caught.value.param == option


def test_a_request_says_only_what_it_wants() -> None:
    assert request.read({}) == request.Wishes()
    assert request.read({"temperature": 1, "instructions": "slowly"}) == request.Wishes("slowly", 1.0)


# --- clones ---------------------------------------------------------------------------------------------------------

TIMBRE = np.arange(4, dtype=np.float32)
ROWS = np.arange(6, dtype=np.int64).reshape(3, 2)


@pytest.mark.parametrize("clone", [Clone(TIMBRE), Clone(TIMBRE, ROWS, "Grüße, 世界")], ids=["timbre", "continued"])
def test_a_clone_survives_being_kept(clone: Clone) -> None:
    back = clone_in(tensors_of(clone), SHAPE)
    assert np.array_equal(back.speaker, clone.speaker) and back.text == clone.text
    assert (back.codes is None) == (clone.codes is None)
    assert back.codes is None or clone.codes is None or np.array_equal(back.codes, clone.codes)


KEPT = tensors_of(Clone(TIMBRE, ROWS, "text"))


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"x": TIMBRE},
        {CODES: ROWS, TEXT: KEPT[TEXT]},
        {SPEAKER: TIMBRE, CODES: ROWS},
        {SPEAKER: TIMBRE, TEXT: KEPT[TEXT]},
        {**KEPT, "more": TIMBRE},
        {SPEAKER: TIMBRE[:3]},
        {SPEAKER: TIMBRE.astype(np.float64)},
        {SPEAKER: np.full(4, np.nan, np.float32)},
        {**KEPT, CODES: ROWS[:, :1]},
        {**KEPT, CODES: ROWS + 60},
        {**KEPT, CODES: ROWS - 1},
        {**KEPT, CODES: ROWS[:0]},
        {**KEPT, CODES: ROWS.astype(np.int32)},
        {**KEPT, CODES: np.zeros((10_000, 2), np.int64)},
        {**KEPT, TEXT: np.array([0xFF], np.uint8)},
        {**KEPT, TEXT: np.zeros(0, np.uint8)},
        {**KEPT, TEXT: np.zeros(10_000, np.uint8)},
    ],
)
def test_a_prompt_of_another_shape_is_refused(tensors: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        clone_in(tensors, SHAPE)
    assert caught.value.code == "bad_prompt"


# --- pieces, pace, text ---------------------------------------------------------------------------------------------


def test_pieces_begin_small_and_grow_no_faster_than_a_slow_model_bears() -> None:
    sizes = list(islice(pieces(2, 24), 12))
    assert sizes[:3] == [2, 3, 4] and sizes[-1] == 24
    assert all(after <= max(before + 1, before * 1.5) for before, after in pairwise(sizes))
    assert list(islice(pieces(5, 3), 3)) == [3, 3, 3] and list(islice(pieces(1, 1), 3)) == [1, 1, 1]


def test_signs_take_longer_than_letters() -> None:
    assert pace.expected_s("Good morning.") == pytest.approx(13 * 0.065)
    assert pace.expected_s("日本語です") > 1


def test_what_cannot_be_read_is_left_out() -> None:
    assert readable(" a\x00b\n\nc\ud800 d\x9f") == "a b c d"
    with pytest.raises(EmptyText) as caught:
        readable("\x00\ud800 ")
    assert caught.value.param == "text"
