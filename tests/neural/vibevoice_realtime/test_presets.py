"""Published presets become voices; what is none of this model's is refused, and what it would do is not done."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from syrinx.core.errors import InvalidRequest
from syrinx.models.presets import convert as convert_file
from syrinx.models.vibevoice_realtime.convert import convert

from .case import make, tiny
from .pickles import NOWHERE, pickled, replaced, touching
from .rig import job, speak, whole
from .weights import build, config_of, tensors_of, voice_of

PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def preset() -> bytes:
    return pickled(voice_of(config_of(False), 5))


def test_a_converted_voice_has_the_tensors_of_the_pickle(preset: bytes) -> None:
    from safetensors.torch import load

    made = load(convert(preset, tiny(), PYTHON))
    wanted = tensors_of(voice_of(config_of(False), 5))
    assert made.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert made[name].dtype == torch.bfloat16 and torch.equal(made[name], tensor), name


def test_a_converted_voice_is_listed_and_speaks(tmp_path: Path, preset: bytes) -> None:
    import numpy as np

    folder = build(tmp_path / "weights")
    (tmp_path / "en-Davis_man.pt").write_bytes(preset)
    place = convert_file(tmp_path / "en-Davis_man.pt", folder, PYTHON, convert)
    assert place == folder / "presets" / "en-Davis_man.safetensors"
    backend = make(weights=str(folder))
    info = backend.load()
    assert info.voices[0].id == info.default_voice == "en-Carter_man" and info.voice("en-Davis_man") is not None
    few = {"max_frames": 3}
    davis, carter = (
        whole(speak(backend, job(voice=name, seed=1, options=few))) for name in ("en-Davis_man", "en-Carter_man")
    )
    assert not np.array_equal(davis, carter)
    backend.unload()


def test_a_pickle_that_would_run_something_runs_nothing(tmp_path: Path, preset: bytes) -> None:
    left = tmp_path / "left-behind"
    harmful = touching(left)
    files = {what: replaced(preset, pickled) for what, pickled in harmful.items()}
    for what, data in {**files, "no archive": harmful["os.system"]}.items():
        with pytest.raises(InvalidRequest, match="no preset of this model") as caught:
            convert(data, tiny(), PYTHON)
        assert not left.exists(), what
        assert "weights_only" not in str(caught.value), "nobody is told how to run it"
        assert what != "os.system" or "it asks for os.system, which no voice needs" in str(caught.value)


def test_those_pickles_do_what_they_say_where_they_are_unpickled(tmp_path: Path) -> None:
    """Or the test above would show nothing."""
    left = tmp_path / "left-behind"
    for what, harmful in touching(left).items():
        if what in NOWHERE:
            continue
        pickle.loads(harmful)
        assert left.exists(), what
        left.unlink()


def _without(part: str) -> dict[str, Any]:
    return {name: value for name, value in voice_of(config_of(False), 5).items() if name != part}


def _changed(part: str, kind: str, change: Any) -> dict[str, Any]:
    voice = voice_of(config_of(False), 5)
    voice[part][kind] = change(voice[part][kind])
    return voice


def _spoiled(layers: list[Any]) -> list[Any]:
    layers[0][0, 0, 0, 0] = float("nan")
    return layers


STRANGE: dict[str, tuple[dict[str, Any], str]] = {
    "of a larger model": (voice_of(config_of(True), 5), "lm.key_cache has not 1 layers"),
    "a part is missing": (_without("neg_tts_lm"), "no neg_tts_lm.past_key_values"),
    "too few layers": (_changed("tts_lm", "keys", lambda layers: layers[:1]), "tts_lm.key_cache has not 2 layers"),
    "other heads": (
        _changed("lm", "values", lambda layers: [torch.cat([one, one], 1) for one in layers]),
        "lm.value_cache",
    ),
    "other lengths": (_changed("lm", "values", lambda layers: [one[:, :, 1:] for one in layers]), "keys as values"),
    "no number": (_changed("tts_lm", "values", _spoiled), "speech.values holds what is no number"),
    "other states": (_changed("neg_tts_lm", "hidden", lambda hidden: hidden[..., 1:]), "neg_tts_lm has states"),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_a_preset_of_another_make_is_refused_saying_why(strange: str) -> None:
    voice, said = STRANGE[strange]
    with pytest.raises(InvalidRequest) as caught:
        convert(pickled(voice), tiny(), PYTHON)
    assert said in str(caught.value)


def test_bytes_that_are_no_preset_are_refused(preset: bytes) -> None:
    import io

    other = io.BytesIO()
    torch.save({"weight": torch.ones(2)}, other)
    for data in (b"", b"junk", preset[: len(preset) // 2], other.getvalue()):
        with pytest.raises(InvalidRequest, match="no preset of this model"):
            convert(data, tiny(), PYTHON)


def test_a_voice_fits_the_weights_that_it_was_made_for_and_no_others(tmp_path: Path, preset: bytes) -> None:
    from syrinx.core.errors import ModelNotReady

    folder = build(tmp_path / "weights")
    config = json.loads((folder / "config.json").read_text())
    config["decoder_config"]["rope_theta"] = 10_000.0
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        ModelNotReady, match=r"de-Spk0_woman\.safetensors: it is a voice of other weights.*convert-presets"
    ):
        make(weights=str(folder)).load()
