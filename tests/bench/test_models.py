"""The benches of models beside their libraries, as far as they run without one."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bench.figure import MISSED
from bench.models import pocket
from bench.models.__main__ import PROGRAMS, main
from bench.models.steps import cancels, figure, leave, speak
from syrinx.core.types import SynthesisJob
from syrinx.models.registry import create

JOB = SynthesisJob("a", "{{long 3}}", "sine", "en")


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One with the configurations of a library and nothing else."""
    folder = tmp_path / "lib" / "python3.11" / "site-packages" / "pocket_tts" / "config"
    folder.mkdir(parents=True)
    for name in ("english", "english_2m_2026-10"):
        (folder / f"{name}.yaml").touch()
    return tmp_path


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["pocket", *words])
    with pytest.raises(SystemExit) as caught:
        pocket.main()
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_a_configuration_that_the_library_has_not_is_told_with_those_it_has(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(monkeypatch, capsys, str(environment), "--config", "english_2m")
    assert "--config english_2m: the library has english, english_2m_2026-10." in said


def test_an_environment_without_the_library_is_told_with_what_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "make test-models MODEL=pocket" in refusal(monkeypatch, capsys, str(tmp_path))


# --- the programs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_knows_the_arguments_that_it_is_given(name: str) -> None:
    module = Path(pocket.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    known = set(re.findall(r'add_argument\("(--[a-z-]+)"', module))
    program = PROGRAMS[name]
    assert {word for word in (*program.full, *program.quick) if word.startswith("--")} <= known
    assert ('add_argument("environment"' in module) is not program.within, "where it runs, and what it is told"


def programs_that(folder: Path, does: str) -> None:
    """An environment of Qwen's, and one of VibeVoice's, whose interpreters do only that."""
    for name in ("qwen", "vibevoice"):
        interpreter(folder / "environments" / name / "bin" / "python", does)


def interpreter(python: Path, does: str) -> None:
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)


@pytest.mark.parametrize(
    ("does", "status", "quick"),
    [
        ("exit 0", 0, 0),
        ("exit 3", MISSED, 0),
        ("exit 1", 1, 1),
        ("kill -9 $$", 137, 137),
        ('test "$2" = bench.models.qwen && exit 1; exit 3', 1, 1),
    ],
)
def test_the_status_is_that_of_the_worst_and_quick_ones_need_only_run(
    tmp_path: Path, does: str, status: int, quick: int
) -> None:
    programs_that(tmp_path, does)
    asked = ["qwen", "vibevoice", "--data-dir", str(tmp_path)]
    assert (main(asked), main([*asked, "--quick"])) == (status, quick)


# --- cancels --------------------------------------------------------------------------------------------------------


def test_cancels_are_timed_between_the_steps_of_one_job() -> None:
    backend = create("tone", {"chunk_ms": 100, "x_realtime": 1000})
    backend.load()
    steps = backend.stepped()
    took = speak(steps, JOB)
    assert len(took) >= 30 and all(seconds > 0 for seconds in took)
    assert leave(steps, JOB, 3) > 0 and leave(steps, JOB, 10_000) > 0, "also where it had said all"
    assert "(5 cancels)" in cancels("Tone", steps, JOB).what
    with pytest.raises(RuntimeError):
        speak(steps, SynthesisJob("b", "{{error}}", "sine", "en"))
    speak(steps, SynthesisJob("b", "Closed after the error.", "sine", "en"))


def test_a_cancel_may_cost_a_tenth_of_a_usual_step() -> None:
    took = [0.1, 0.1, 5.0]
    assert figure("It", [0.001, 0.01], took).ok
    assert not figure("It", [0.001, 0.011], took).ok
