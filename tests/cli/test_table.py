"""Tables and JSON for people and programs."""

from __future__ import annotations

import json

import pytest

from syrinx.cli.table import print_json, print_table, width


def test_columns_are_aligned_and_lines_end_without_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "NAME", "B"), [("1", "longer", ""), ("22", "x", "y")])
    assert capsys.readouterr().out.splitlines() == ["A   NAME    B", "1   longer", "22  x       y"]


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_a_cell_is_as_wide_as_a_terminal_shows_it(text: str, columns: int) -> None:
    assert width(text) == columns


def test_json_keeps_every_script(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": "日本 ₹500"})
    out = capsys.readouterr().out
    assert "日本 ₹500" in out
    assert json.loads(out) == {"text": "日本 ₹500"}
