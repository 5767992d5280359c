"""What can run here: environments and weights on disk, and what ``auto`` makes of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from syrinx.core.errors import ModelNotFound, ModelNotReady
from syrinx.models.environment import Environments, EnvironmentSpec, Manifest
from syrinx.models.fetch import Places
from syrinx.models.installed import Installed
from syrinx.models.registry import MODELS, ModelEntry
from syrinx.models.torch_build import TorchSource
from syrinx.models.variant import Variant
from syrinx.models.weights import Weights

ABSENT = ModelEntry(
    "absent", "Absent", "Speaks.", "MIT", "m:C", "m:O", requires=("nobody_has",), advice="pip install x"
)
HERE = replace(ABSENT, name="here", title="Here", requires=())
FAKE = replace(HERE, name="fake", title="Fake", speaks=False)
NEURAL = replace(
    HERE,
    name="neural",
    title="Neural",
    environment="env",
    weights=(Weights("org/small", 1, "MIT"), Weights("org/big", 9, "MIT")),
)

CODEC = Weights("org/codec", 1, "MIT", ("codec.bin",), named_by="codec")
MANIFOLD = replace(
    NEURAL,
    name="manifold",
    requires=("loop",),
    weights=(Weights("org/whole", 9, "MIT", parts=(CODEC,)),),
    variants=(
        Variant("source", "elsewhere", weights=(CODEC,)),
        Variant("source", "engine", environment="engine", requires=("motor",)),
    ),
)
"""What it needs depends on its options."""


class Spec(EnvironmentSpec):
    """One whose lock is in the test."""

    def lock(self) -> str:
        return "numpy==2\n"


SPEC = Spec("env", "nowhere", torch="")


def here(folder: Path, *entries: ModelEntry) -> Installed:
    return Installed(
        Places(folder),
        models={entry.name: entry for entry in entries},
        specs={"env": SPEC, "engine": replace(SPEC, name="engine")},
    )


def build(environments: Environments, digest: str = SPEC.digest(), name: str = "env", torch: str = "") -> None:
    """What looks like a whole environment."""
    python = environments.python(name)
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    environments.certify(Manifest(name, digest, torch))


def test_auto_takes_the_first_speaking_model_that_can_run_whatever_the_order(tmp_path: Path) -> None:
    name, reason = here(tmp_path, FAKE, ABSENT, HERE).choose_auto()
    assert name == "here" and "Here" in reason


def test_auto_falls_back_to_the_stand_in_and_says_why(tmp_path: Path) -> None:
    name, reason = here(tmp_path, NEURAL, ABSENT, FAKE).choose_auto()
    assert name == "fake"
    for words in ("does not speak", "pip install x", "syrinx models install brings one of neural"):
        assert words in reason


def test_auto_with_nothing_that_can_run_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="pip install x"):
        here(tmp_path, ABSENT).choose_auto()


def test_auto_looks_at_the_weights_that_the_options_name(tmp_path: Path) -> None:
    installed = here(tmp_path, NEURAL, HERE)
    build(installed.environments)
    assert installed.choose_auto()[0] == "here"
    assert installed.choose_auto({"neural": {"weights": str(tmp_path)}})[0] == "neural"


def test_what_a_model_of_another_environment_lacks_one_thing_after_the_other(tmp_path: Path) -> None:
    installed = here(tmp_path, NEURAL)
    advice = ": syrinx models install neural"
    assert installed.lacking(NEURAL) == f"The model neural needs the environment env, which is not installed{advice}"
    build(installed.environments, digest="of an older lock")
    assert "does not match its lock" in (installed.lacking(NEURAL) or "")
    build(installed.environments)
    assert (
        installed.lacking(NEURAL)
        == f"The model neural needs its weights (org/small), which are not on this machine{advice}"
    )
    (tmp_path / "models" / "org" / "small").mkdir(parents=True)
    assert installed.lacking(NEURAL) is None
    assert "org/big" in (installed.lacking(NEURAL, {"weights": "org/big"}) or "")


def test_where_it_runs_and_from_what(tmp_path: Path) -> None:
    installed = here(tmp_path, NEURAL, HERE)
    folder = tmp_path / "models" / "org" / "small"
    folder.mkdir(parents=True)
    assert installed.options(NEURAL, {"level": 1}) == {"level": 1, "weights": str(folder)}
    assert installed.options(HERE, {"level": 1}) == {"level": 1}
    assert installed.python(HERE) == sys.executable
    assert installed.python(NEURAL).startswith(str(tmp_path / "environments" / "env"))


def test_what_another_computes_needs_no_weights_here_but_the_part_that_is_used_here(tmp_path: Path) -> None:
    installed, elsewhere = here(tmp_path, MANIFOLD), {"source": "elsewhere"}
    build(installed.environments)
    assert "needs its weights (org/whole)" in (installed.lacking(MANIFOLD) or "")
    assert "needs its weights (org/codec)" in (installed.lacking(MANIFOLD, elsewhere) or "")
    codec = tmp_path / "models" / "org" / "codec"
    codec.mkdir(parents=True)
    assert "needs codec.bin" in (installed.lacking(MANIFOLD, elsewhere) or "")
    (codec / "codec.bin").touch()
    assert installed.lacking(MANIFOLD, elsewhere) is None
    assert installed.options(MANIFOLD, elsewhere) == {**elsewhere, "weights": str(codec)}
    assert "org/whole" in (installed.lacking(MANIFOLD, {"source": "here"}) or "")
    assert installed.choose_auto({"manifold": elsewhere})[0] == "manifold"


def test_a_part_that_an_option_names_is_not_asked_for(tmp_path: Path) -> None:
    installed, own = here(tmp_path, MANIFOLD), tmp_path / "own"
    build(installed.environments)
    own.mkdir()
    assert installed.lacking(MANIFOLD, {"source": "elsewhere", "codec": str(own)}) is None
    (tmp_path / "models" / "org" / "whole").mkdir(parents=True)
    assert "needs org/codec as well" in (installed.lacking(MANIFOLD) or "")
    assert installed.lacking(MANIFOLD, {"codec": str(own)}) is None
    assert "nowhere" in (installed.lacking(MANIFOLD, {"source": "elsewhere", "codec": "nowhere"}) or "")


def test_an_option_may_ask_for_another_environment(tmp_path: Path) -> None:
    installed, engine = here(tmp_path, MANIFOLD), {"source": "engine", "weights": str(tmp_path)}
    build(installed.environments)
    assert "needs the environment engine, which is not installed" in (installed.lacking(MANIFOLD, engine) or "")
    assert (installed.device(MANIFOLD, {}), installed.device(MANIFOLD, engine)) == ("cpu", "")
    build(installed.environments, replace(SPEC, name="engine").digest(), "engine", "2.0+cpu")
    assert installed.lacking(MANIFOLD, engine) is None
    assert installed.python(MANIFOLD, engine) == str(installed.environments.python("engine"))
    assert installed.python(MANIFOLD) == str(installed.environments.python("env"))
    assert installed.plan("env", TorchSource()).imports == ("loop",)
    assert installed.plan("engine", TorchSource()).imports == ("motor",)


@pytest.mark.parametrize("name", ["orpheus", "veena"])
def test_orpheus_needs_its_language_model_only_where_it_computes_the_tokens(name: str) -> None:
    entry = MODELS[name]
    (codec,) = entry.under({"source": "upstream"}).weights
    assert entry.weights[0].parts == (codec,) and entry.under({"source": "upstream"}).environment == "orpheus"
    assert entry.under({"source": "vllm"}).weights == entry.weights
    assert entry.under({"source": "vllm"}).environment == "orpheus-vllm"
    assert entry.under({"source": "transformers"}) is entry


def test_an_unknown_model_is_refused_naming_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="neural, here"):
        here(tmp_path, NEURAL, HERE).find("ghost")


def test_a_manifest_that_is_cut_short_is_none(tmp_path: Path) -> None:
    installed = here(tmp_path, NEURAL)
    build(installed.environments)
    (installed.environments.place("env") / "syrinx-environment.json").write_text('{"name": "en')
    assert installed.environments.manifest("env") is None
    assert "not installed" in (installed.lacking(NEURAL) or "")
