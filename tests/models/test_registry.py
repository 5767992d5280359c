from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from syrinx.core.errors import ConfigError, InvalidRequest, ModelNotFound, ModelNotReady
from syrinx.models.local_weights import check
from syrinx.models.orpheus.speakers import ORPHEUS, VEENA, Family
from syrinx.models.registry import AIDS, MODELS, ModelEntry, create, find, importable, missing
from syrinx.models.tone.backend import ToneBackend
from syrinx.models.weights import wanted

REAL = ModelEntry("real", "Real", "Speaks.", "MIT", "m:C", "m:O", requires=("realmodel",), advice="pip install real")
FAKE = replace(REAL, name="fake", title="Fake", requires=(), speaks=False)


def installed(*names: str):
    return lambda name: name in names


def test_every_entry_is_complete_and_under_its_own_name() -> None:
    for name, entry in MODELS.items():
        assert entry.name == name and entry.title and entry.summary and entry.licence
        assert entry.advice or entry.environment or not entry.requires
        assert entry.options_schema()["type"] == "object"


def test_the_licence_of_every_checkpoint_is_said() -> None:
    for entry in MODELS.values():
        for weights in entry.weights:
            for each in (weights, *weights.parts):
                assert each.licence and "see " not in each.licence, each.repo


@pytest.mark.parametrize("family", [ORPHEUS, VEENA], ids=lambda family: family.name)
def test_a_family_tells_the_licence_of_its_entry(family: Family) -> None:
    assert family.licence == find(family.name).licence


def test_of_chatterbox_only_the_weights_that_are_loaded_are_fetched() -> None:
    files = find("chatterbox").weights[0].files
    published = (
        "t3_cfg.safetensors",
        "t3_mtl23ls_v2.safetensors",
        "t3_mtl23ls_v3.safetensors",
        "t3_cfg.pt",
        "s3gen.pt",
    )
    assert [name for name in published if wanted(name, files)] == ["t3_cfg.safetensors", "t3_mtl23ls_v2.safetensors"]


def test_of_pocket_voices_and_tokenizer_are_fetched_once() -> None:
    cloning = find("pocket").weights[1]
    folder = "languages/english"
    published = (f"{folder}/model.safetensors", f"{folder}/tokenizer.json", f"{folder}/embeddings/alba.safetensors")
    assert [name for name in published if wanted(name, cloning.files)] == [published[0]]
    assert [name for name in published if wanted(name, cloning.parts[0].files)] == list(published[1:])


@pytest.mark.parametrize("entry", [*MODELS.values(), *AIDS.values()], ids=lambda entry: entry.name)
def test_no_folder_of_something_else_passes_for_weights(entry: ModelEntry, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("holiday photos")
    for weights in entry.weights:
        with pytest.raises(InvalidRequest, match=f"{tmp_path} has no "):
            check(tmp_path, weights)


def test_an_unknown_model_is_refused_naming_those_there_are() -> None:
    with pytest.raises(ModelNotFound, match="espeak, tone"):
        find("nonesuch")


def test_create_makes_the_backend_with_its_options() -> None:
    assert isinstance(create("tone", {"chunk_ms": 20}), ToneBackend)


def test_create_refuses_a_bad_option_by_name() -> None:
    with pytest.raises(ConfigError) as caught:
        create("tone", {"x_realtime": -1})
    assert caught.value.param == "x_realtime"


def test_create_says_what_is_not_installed_and_how_to_get_it() -> None:
    with pytest.raises(ModelNotReady, match=r"espeakng_loader.*syrinx-tts\[espeak\]"):
        create("espeak", {}, installed())


def test_a_package_that_nobody_has_is_not_importable() -> None:
    assert importable("numpy") and not importable("a_package_nobody_has")


def test_missing_is_none_when_all_is_there() -> None:
    assert missing(REAL, installed("realmodel")) is None
    assert missing(FAKE, installed()) is None


def test_looking_models_up_imports_no_model() -> None:
    program = (
        "import sys; from syrinx.models.registry import find; from syrinx.models.installed import *;"
        "from pathlib import Path; find('espeak'); Installed(Places(Path('nowhere'))).choose_auto();"
        "bad = [m for m in sys.modules if m.startswith(('espeakng', 'syrinx.models.espeak', 'syrinx.models.tone'))];"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
