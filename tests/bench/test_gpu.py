"""The bench of models on a GPU, on a model that needs none."""

from __future__ import annotations

import pytest

from bench.gpu import HEAD, Crowd, main
from bench.models.__main__ import PROGRAMS
from syrinx.models.environment import ENVIRONMENTS
from syrinx.models.registry import create


def test_every_listener_hears_enough_in_as_many_requests_as_that_takes() -> None:
    backend = create("tone", {"x_realtime": 1000})
    crowd = Crowd(backend, backend.load(), streams=3, seconds=12.0)
    crowd.listen()
    backend.unload()
    assert crowd.wall_s > 0
    for listener in crowd.listeners:
        assert listener.head.received_s >= 12.0 and listener.first_s is not None and listener.jobs >= 1
    assert len(crowd.row("tone", "cpu").split("|")) == len(HEAD) + 2


def test_what_a_model_raises_is_not_taken_for_a_figure() -> None:
    backend = create("tone", {})
    crowd = Crowd(backend, backend.load(), streams=1, seconds=1.0, text="{{error}}")
    with pytest.raises(RuntimeError):
        crowd.listen()
    backend.unload()


def test_a_model_without_its_environment_is_told_how_to_get_it(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--model", "pocket", "--data-dir", str(tmp_path)]) == 1
    assert "syrinx models install pocket --no-weights" in capsys.readouterr().err


def test_every_program_beside_a_library_has_an_environment_that_there_is() -> None:
    assert {program.environment for program in PROGRAMS.values()} <= set(ENVIRONMENTS)
