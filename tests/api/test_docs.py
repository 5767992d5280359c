from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import run_script
from tests.docs.console import blocks_of

PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"
BLOCKS = blocks_of(PAGE.read_text(encoding="utf-8"), "python")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_program_of_the_page_runs(number: int, tmp_path: Path) -> None:
    said = run_script(f"import os; os.chdir({str(tmp_path)!r})\n" + BLOCKS[number])
    assert ["3840" in said, (tmp_path / "hello.wav").exists(), "'status': 'healthy'" in said][number]
