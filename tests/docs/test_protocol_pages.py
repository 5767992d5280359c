"""The programs on the pages of protocols run against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.console import blocks_of
from tests.docs.test_pages import ROOT, run_python
from tests.fakes.server_process import ServerProcess


@pytest.mark.parametrize("name", ["orpheus", "chatterbox"])
def test_the_program_on_the_page_plays(name: str, server: ServerProcess, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "protocols" / f"{name}.md").read_text(encoding="utf-8")
    (program,) = blocks_of(page, "python")
    said = run_python(program.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}"), tmp_path)
    assert float(said.split()[0]) > 0.5 and "seconds to play" in said
